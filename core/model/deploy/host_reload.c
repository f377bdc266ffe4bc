/* SPDX-License-Identifier: MIT */
#include "model/deploy/host_reload.h"

#include "model/containers/links.h"
#include "model/containers/pending.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "svc/systemd/systemd.h"
#include "util/strv.h"

int host_reload(struct ec_op *op, char **left, struct ec_err *err)
{
        struct systemd *s;
        int r = links_machines_target(op->layout, err);

        if (r >= 0 && !layout_offline(op->layout)) {
                r = op_systemd(op, &s, err);
                if (r >= 0)
                        r = systemd_daemon_reload(s, err);
        }
        if (r < 0)
                return r;
        pending_reload_clear(op->layout);
        return left && *left ? pending_reload_set(op->layout, STRV_CONST(left), err) : 0;
}
