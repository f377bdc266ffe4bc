/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>

#include "svc/machine/leader.h"
#include "svc/machine/user.h"
#include "util/helper.h"

/* What a command depends on among the files of its container. Its processes can make a look at them wait, so a helper
 * does that. */

/* What is looked at, in this order. */
enum look_at { LOOK_ROOT, LOOK_USER, LOOK_CWD, LOOK_SHELL, LOOK_PROGRAM, LOOK_TERMINAL };

struct look {
        enum look_at at;          /* the last of them, */
        int code;                 /* and what came of it: 0, or -errno */
        struct machine_user user; /* with empty strings if there is none */
        char *program;            /* NULL: a shell finds it */
        int terminal;             /* the master of a new one of the container, if the command needs it; or -1 */
};
int look_begin(struct helper *h, const struct leader *l, const struct ec_exec *in);
/* -errno: the helper has failed. */
int look_end(struct helper *h, struct look *ret);
void look_done(struct look *l);
/* Reads a regular file, as resolve_read() does. -ESRCH: the container has ended. -ETIMEDOUT; -ECANCELED: wake can be
 * read. */
int look_read_file(const struct leader *l, const char *path, size_t max, int wake, char **ret);
