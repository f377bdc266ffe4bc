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
#include "util/err.h"

struct owned {
        struct owned *next;
        void *p;
        void (*free_fn)(void *p);
};

int op_own(struct ec_op *op, void *p, void (*free_fn)(void *p), struct ec_err *err)
{
        struct owned *o = malloc(sizeof(*o));

        if (!o) {
                free_fn(p);
                return err_oom(err);
        }
        *o = (struct owned){ op->owned, p, free_fn };
        op->owned = o;
        return 0;
}

void op_free_owned(struct ec_op *op)
{
        while (op->owned) {
                struct owned *o = op->owned;

                op->owned = o->next;
                o->free_fn(o->p);
                free(o);
        }
        op->deployment = NULL;
}

int op_tmp_dir(struct ec_op *op, const char **ret, struct ec_err *err)
{
        int r = op->tmp.path ? 0 : tmp_dir_make(op->layout, &op->tmp, err);

        if (r >= 0)
                *ret = op->tmp.path;
        return r;
}

int op_systemd(struct ec_op *op, struct systemd **ret, struct ec_err *err)
{
        if (!op->systemd) {
                int r = systemd_new(NULL, &op->systemd, err);

                if (r < 0)
                        return r;
        }
        *ret = op->systemd;
        return 0;
}

void op_result(const struct ec_op *op, const char *fmt, ...)
{
        va_list ap;

        if (options_is_set(op->options, "quiet"))
                return;
        va_start(ap, fmt);
        if (op->command && op->command->scopes & EC_SCOPE_SHELL) {
                _cleanup_free_ char *text = NULL;

                if (vasprintf(&text, fmt, ap) < 0)
                        text = NULL;
                if (text)
                        term_err_write(text);
        } else {
                term_outv(fmt, ap);
        }
        va_end(ap);
}

void op_done(struct ec_op *op)
{
        op_free_owned(op);
        if (op->systemd)
                systemd_free(op->systemd);
        tmp_dir_remove(&op->tmp);
        options_free(op->options);
        *op = (struct ec_op)OP_INIT;
}
