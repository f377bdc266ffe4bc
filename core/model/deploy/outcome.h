/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>

#include "model/containers/group.h"
#include "model/deploy/report.h"
struct ec_err;
struct ec_op;
/* The results of starting, updating, restarting or stopping containers. */
struct outcome {
        struct group started, updated, stopped, failed;
        struct group running;      /* as it was before; units had failed in it */
        struct group units_failed; /* some of the updated: their units failed at the update */
        struct report report;
        size_t of;      /* number of containers */
        uint64_t since; /* realtime, before all of them */
        bool detach;    /* ^C only ends the wait for a start */
        bool degraded;  /* units failed in some */
        bool no_hooks;  /* it did, so skip the hooks, which may also wait */
};
extern const struct ec_array start_settings; /* [start] */
/* Do containers in which units failed count as started and updated? */
bool outcome_allows_degraded(const struct ec_op *op);
int outcome_init(struct outcome *o, size_t of, struct ec_err *err);
void outcome_done(struct outcome *o);
/* After a wait: -ECANCELED if the run was interrupted. */
int outcome_check_interrupt(struct outcome *o, struct ec_err *err);
/* Calls the hooks, also after a failure (r < 0, with err set). Returns r, or -EIO with what failed; what is "started",
 * "restarted" ... */
int outcome_finish(struct ec_op *op, struct outcome *o, int r, const char *what, struct ec_err *err);
