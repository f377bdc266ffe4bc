/* SPDX-License-Identifier: MIT */
/* Starts and stops containers by name. */
#include "control.h"

int control_start(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;

        return by_name(h, op, h->deploy->start_installed, 0, 0, err);
}

int control_stop(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;

        return by_name(h, op, h->deploy->stop, 0, 1, err);
}

int control_terminate(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;

        return by_name(h, op, h->deploy->stop, EC_STOP_KILL, 1, err);
}

int control_reload(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;

        return by_name(h, op, h->deploy->update_installed, 0, 1, err);
}
