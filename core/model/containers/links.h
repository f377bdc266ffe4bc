/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
struct ec_err;
struct layout;
/* Symlinks of one container, which can be put back as they were. */
struct links {
        struct link {
                char *path, *old;
        } items[16];
        size_t n;
};
int links_set(struct links *l, const char *path, const char *target, struct ec_err *err); /* target NULL: removes it */
void links_undo(struct links *l);
void links_done(struct links *l);
/* Nothing starts machines.target at boot. */
bool links_boot_missing(const struct layout *l);
/* A run was killed after it removed the last container that was started at boot, and before it removed the rest. */
bool links_boot_stale(const struct layout *l);
/* machines.target is wanted at boot while a container is wanted by it. Returns 1 if a link changed. */
int links_machines_target(const struct layout *l, struct ec_err *err);
