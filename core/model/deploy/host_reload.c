/* SPDX-License-Identifier: MIT */
#include "model/deploy/host_reload.h"

#include "model/containers/pending.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "svc/systemd/systemd.h"

int host_reload(struct ec_op *op, struct ec_err *err)
{
        struct systemd *s;
        int r;

        if (layout_offline(op->layout)) {
                pending_reload_clear(op->layout);
                return 0;
        }
        r = op_systemd(op, &s, err);
        if (r >= 0)
                r = systemd_daemon_reload(s, err);
        if (r >= 0)
                pending_reload_clear(op->layout);
        return r;
}
