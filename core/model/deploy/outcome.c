/* SPDX-License-Identifier: MIT */
#include "model/deploy/outcome.h"

#include <signal.h>

#include "model/operation/hooks.h"
#include "svc/process/interrupt.h"
#include "util/err.h"

int outcome_init(struct outcome *o, size_t of, struct ec_err *err)
{
        *o = (struct outcome){ .of = of };
        if (group_init(&o->started, of) < 0 || group_init(&o->updated, of) < 0 || group_init(&o->stopped, of) < 0 ||
            group_init(&o->failed, of) < 0)
                return err_oom(err);
        return 0;
}

void outcome_done(struct outcome *o)
{
        group_done(&o->started);
        group_done(&o->updated);
        group_done(&o->stopped);
        group_done(&o->failed);
        report_done(&o->report);
}

int outcome_check_interrupt(struct outcome *o, struct ec_err *err)
{
        if (!o->detach || interrupt_signal() != SIGINT)
                return interrupt_check(err);
        interrupt_clear();
        o->no_hooks = true;
        return 0;
}

/* Calls the hooks of all containers at once, and warns about failed units in those that run. */
static int tell(struct ec_op *op, struct outcome *o, struct ec_err *err)
{
        int r = outcome_check_interrupt(o, err);

        if (r < 0 || o->no_hooks)
                return r;
        hooks_started(op, GROUP_CONST(&o->started));
        hooks_updated(op, GROUP_CONST(&o->updated));
        hooks_stopped(op, GROUP_CONST(&o->stopped));
        hooks_failed(op, GROUP_CONST(&o->failed));
        for (size_t i = 0; i < o->started.n; i++)
                report_failed_inside(op, o->started.items[i]);
        for (size_t i = 0; i < o->updated.n; i++)
                report_failed_inside(op, o->updated.items[i]);
        return outcome_check_interrupt(o, err);
}

int outcome_finish(struct ec_op *op, struct outcome *o, int r, const char *what, struct ec_err *err)
{
        int k = tell(op, o, r < 0 ? NULL : err);

        if (r < 0)
                return r;
        if (k >= 0)
                k = report_result(&o->report, o->of, what, err);
        return k < 0 ? k : r;
}
