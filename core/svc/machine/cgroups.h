/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>

#include "svc/machine/leader.h"

/* The running units of containers, as the kernel has them: no call to systemd or machined is needed. */
struct machine_cgroup {
        char *path;
        const char *unit; /* container@NAME.service, its last part */
};
struct machine_cgroups {
        struct machine_cgroup *items;
        size_t n;
};
int machine_cgroups_read(struct machine_cgroups *ret); /* -ENOMEM */
void machine_cgroups_done(struct machine_cgroups *c);
const struct machine_cgroup *machine_cgroups_find(const struct machine_cgroups *c, const char *unit); /* or NULL */
/* The container's init, as leader_open() opens it. -ESRCH: there is none. */
int machine_cgroup_leader(const struct machine_cgroup *c, struct leader *ret);
