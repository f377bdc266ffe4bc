/* SPDX-License-Identifier: MIT */
#include "model/deploy/deployment.h"

#include <stdlib.h>

#include "model/definition/evaluation.h"
#include "model/operation/op.h"
#include "util/err.h"

static void deployment_free(void *p)
{
        struct deployment *d = p;

        for (size_t i = 0; d->changes && i < d->list.n; i++) {
                free(d->changes[i].old_unit_path);
                free(d->changes[i].old_wants_path);
                free(d->changes[i].old_conf_path);
        }
        free(d->changes);
        container_list_done(&d->list);
        if (d->parsed)
                definition_done(&d->definition);
        evaluation_free(d->eval);
        free(d->output);
        free(d);
}

int deployment_get(struct ec_op *op, struct deployment **ret, struct ec_err *err)
{
        if (!op->deployment) {
                struct deployment *d = calloc(1, sizeof(*d));
                int r = d ? op_own(op, d, deployment_free, err) : err_oom(err);

                if (r < 0)
                        return r;
                op->deployment = d;
        }
        *ret = op->deployment;
        return 0;
}
