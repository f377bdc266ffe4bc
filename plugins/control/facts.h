/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

/* What the kernel has on a running container. -1: not known. */
struct facts {
        int64_t leader; /* the process ID of its init */
        int64_t since;  /* seconds since 1970: when that began */
        int64_t memory, tasks, cpu_usec;
        int64_t received, sent; /* bytes, in a network of its own */
        char **addresses;       /* of a network of its own; NULL: not known, or none */
};
#define FACTS_NONE ((struct facts){ -1, -1, -1, -1, -1, -1, -1, NULL })
int facts_read(const struct ec_cgroup *c, struct facts *ret); /* -ENOMEM */
void facts_done(struct facts *f);
