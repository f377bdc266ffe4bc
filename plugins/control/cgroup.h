/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

/* What the kernel tells of running containers, without a call to systemd for each: their cgroups and processes. */
struct cgroups {
        char **paths; /* of units container@NAME.service; NULL: none */
};
int cgroups_read(const struct ec_host *h, struct cgroups *ret); /* -ENOMEM */
void cgroups_done(struct cgroups *c);
const char *cgroups_find(const struct cgroups *c, const char *unit); /* or NULL */

/* -1: not known. */
struct facts {
        int64_t main, leader; /* systemd-nspawn, and the init of the container, as the host sees them */
        int64_t since;        /* seconds since 1970, of main */
        int64_t memory, tasks, cpu_usec;
        char **addresses; /* of a network of its own; NULL: not known, or none */
};
int facts_read(const char *cgroup, struct facts *ret); /* -ENOMEM */
void facts_done(struct facts *f);
