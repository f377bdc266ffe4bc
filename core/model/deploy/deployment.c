/* SPDX-License-Identifier: MIT */
#include "model/deploy/deployment.h"

#include <stdlib.h>

#include "model/operation/op.h"
#include "svc/nix/nix.h"
#include "util/err.h"

void deployment_free(struct deployment *d)
{
        if (!d)
                return;
        for (size_t i = 0; d->changes && i < d->list.n; i++) {
                free(d->changes[i].old_unit_path);
                free(d->changes[i].old_wants_path);
                free(d->changes[i].old_conf_path);
        }
        free(d->changes);
        container_list_done(&d->list);
        if (d->parsed)
                definition_done(&d->definition);
        eval_free(d->eval);
        free(d->output);
        free(d);
}

int deployment_get(struct ec_op *op, struct deployment **ret, struct ec_err *err)
{
        if (!op->deployment)
                op->deployment = calloc(1, sizeof(*op->deployment));
        op->deployment_free = deployment_free;
        *ret = op->deployment;
        return *ret ? 0 : err_oom(err);
}
