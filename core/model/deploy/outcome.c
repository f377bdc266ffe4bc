/* SPDX-License-Identifier: MIT */
#include "model/deploy/outcome.h"

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

void outcome_tell(struct ec_op *op, const struct outcome *o)
{
        if (o->no_hooks || interrupt_signal())
                return;
        hooks_started(op, GROUP_CONST(&o->started));
        hooks_updated(op, GROUP_CONST(&o->updated));
        hooks_stopped(op, GROUP_CONST(&o->stopped));
        hooks_failed(op, GROUP_CONST(&o->failed));
        for (size_t i = 0; i < o->started.n; i++)
                report_failed_inside(op, o->started.items[i]);
        for (size_t i = 0; i < o->updated.n; i++)
                report_failed_inside(op, o->updated.items[i]);
}

int outcome_result(struct outcome *o, const char *what, struct ec_err *err)
{
        return report_result(&o->report, o->of, what, err);
}
