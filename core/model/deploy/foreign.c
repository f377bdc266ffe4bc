/* SPDX-License-Identifier: MIT */
#include "model/deploy/foreign.h"

#include <errno.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/operation/op.h"
#include "svc/machine/machine.h"
#include "util/cleanup.h"
#include "util/err.h"

int foreign_check(struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        _cleanup_err_ struct ec_err e = { 0 };
        _cleanup_free_ char *unit = NULL;
        struct systemd *s;
        int r = op_systemd(op, &s, &e);

        if (r >= 0)
                r = machine_unit(s, c->name, &unit, &e);
        if (r == -ECANCELED || r == -ENOMEM) {
                err_move(err, &e);
                return r;
        }
        if (r <= 0 || !*unit || !strcmp(unit, c->unit))
                return r < 0;
        return err_set(err, -EBUSY,
                       "a machine named '%s' runs that is not this container: it belongs to %s; end it first, for "
                       "example with 'machinectl terminate %s'",
                       c->name, unit, c->name);
}
