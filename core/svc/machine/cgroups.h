/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
#include <stdint.h>
/* The running units of containers, as the kernel has them: no call to systemd or machined is needed. */
struct machine_cgroup {
        char *path;
        const char *unit;      /* container@NAME.service, its last part */
        uint32_t main, leader; /* systemd-nspawn, and the container's init; 0: not known */
};
struct machine_cgroups {
        struct machine_cgroup *items;
        size_t n;
};
int machine_cgroups_read(struct machine_cgroups *ret); /* -ENOMEM */
void machine_cgroups_done(struct machine_cgroups *c);
const struct machine_cgroup *machine_cgroups_find(const struct machine_cgroups *c, const char *unit); /* or NULL */
