/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
struct container_list;
/* Completes a run that was killed. The caller holds the lock. */

/* Calls the hooks for the noted containers, except those in besides (or NULL), which the caller handles. A failure is a
 * warning, and the container's name is added to *left. */
int recover_hooks(struct ec_op *op, char **noted, const struct container_list *besides, char ***left,
                  struct ec_err *err);
/* Temporary files of interrupted atomic writes. */
void recover_temp(const struct ec_op *op);

struct recovery {
        char **names; /* that were noted; NULL: there was no note */
        char **left;  /* those of them that failed again, and are still noted */
};
void recovery_done(struct recovery *r);
/* Completes everything: plugins, the autostart link, systemd. On failure, everything stays noted. */
int recover_run(struct ec_op *op, struct recovery *ret, struct ec_err *err);
