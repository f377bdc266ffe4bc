/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
#include <sys/types.h>

struct machine_user {
        char *name, *home, *shell;
        uid_t uid;
        gid_t gid;
        gid_t *groups; /* including gid */
        size_t n_groups;
};
/* Looks up a name or a number in the container's own passwd and group. Root needs neither file. Can wait, as
 * util/resolve.h says. -ENOENT: no such user. */
int machine_user_read(int root, const char *name, struct machine_user *ret);
void machine_user_done(struct machine_user *u);
