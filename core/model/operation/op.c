/* SPDX-License-Identifier: MIT */
#include "model/operation/op.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/operation/options.h"
#include "svc/systemd/systemd.h"
#include "svc/term/term.h"
#include "util/cleanup.h"

int op_tmp_dir(struct ec_op *op, const char **ret, struct ec_err *err)
{
        int r = op->tmp.path ? 0 : tmp_dir_make(&op->tmp, err);

        if (r >= 0)
                *ret = op->tmp.path;
        return r;
}

int op_systemd(struct ec_op *op, struct systemd **ret, struct ec_err *err)
{
        if (!op->systemd) {
                int r = systemd_new(&op->systemd, err);

                if (r < 0)
                        return r;
        }
        *ret = op->systemd;
        return 0;
}

void op_result(const struct ec_op *op, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        if (op->command && op->command->scopes & EC_SCOPE_SHELL) {
                _cleanup_free_ char *text = NULL;

                if (vasprintf(&text, fmt, ap) < 0)
                        text = NULL;
                if (text)
                        term_err_write(text, strlen(text));
        } else {
                term_outv(fmt, ap);
        }
        va_end(ap);
}

void op_done(struct ec_op *op)
{
        if (op->deployment)
                op->deployment_free(op->deployment);
        if (op->systemd)
                systemd_free(op->systemd);
        tmp_dir_remove(&op->tmp);
        options_free(op->options);
        *op = (struct ec_op)OP_INIT;
}
