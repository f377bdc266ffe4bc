/* SPDX-License-Identifier: MIT */
/* From the command line to the containers of an etc output. */

#include "model/deploy/deploy.h"

#include <string.h>

#include "model/definition/evaluation.h"
#include "model/deploy/deployment.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/strv.h"

static int parse(struct ec_op *op, struct deployment *d, struct ec_err *err)
{
        int r = d->parsed ? 0 : definition_parse(op, &d->definition, err);

        if (r >= 0)
                d->parsed = true;
        return r;
}

/* Options that affect an evaluation have no effect on what is already built. */
static int warn_ignored(const struct ec_op *op, const char *display, const char *how, struct ec_err *err)
{
        static const char *const others[] = { "expr", "build-args", "print-build-logs", "show-trace", NULL };
        _cleanup_strv_ char **given = NULL, **names = NULL;
        _cleanup_free_ char *text = NULL;
        int r = options_given(op->options, EC_SCOPE_BUILD, &given);

        for (char **n = given; r >= 0 && n && *n; n++)
                if (!strv_contains(others, *n))
                        r = strv_pushf(&names, "--%s", *n);
        if (r >= 0 && !names)
                return 0;
        text = r < 0 ? NULL : strv_join(STRV_CONST(names), ", ");
        if (!text)
                return err_oom(err);
        log_warn("%s: no effect on '%s', which is %s", text, display, how);
        return 0;
}

static int evaluate(struct ec_op *op, struct deployment *d, struct ec_err *err)
{
        int r;

        if (d->eval)
                return 0;
        r = evaluation_new(op, &d->definition, &d->eval, err);
        if (r < 0)
                return r;
        return evaluation_is_fixed(d->eval) ? warn_ignored(op, d->definition.display, "built as its flake says", err)
                                            : 0;
}

/* ---- phases ---- */

int deploy_build(struct ec_op *op, struct ec_err *err)
{
        struct deployment *d;
        int r = deployment_get(op, &d, err);

        if (r < 0 || d->built)
                return r;
        r = parse(op, d, err);
        /* Before a build, because that may take long. */
        if (r >= 0 && op->command && op->command->scopes & EC_SCOPE_INSTALL && !layout_offline(op->layout))
                r = layout_check_host(op->layout, err);
        if (r < 0)
                return r;
        if (d->definition.kind == DEFINITION_OUTPUT) {
                d->output = strdup(d->definition.path);
                r = d->output ? warn_ignored(op, d->definition.display, "already built", err) : err_oom(err);
        } else {
                r = evaluate(op, d, err);
                if (r >= 0)
                        r = evaluation_build(d->eval, &d->output, err);
                /* The output of a flake may be anything. */
                if (r >= 0 && evaluation_is_prebuilt(d->eval))
                        r = definition_check_output(d->definition.display, d->output, err);
        }
        d->built = r >= 0;
        return r;
}

const char *deploy_output(const struct ec_op *op)
{
        return op->deployment ? op->deployment->output : NULL;
}

int deploy_load(struct ec_op *op, struct deployment **ret, struct ec_err *err)
{
        struct deployment *d;
        int r = deploy_build(op, err);

        if (r < 0)
                return r;
        d = *ret = op->deployment;
        if (d->changes)
                return 0;
        r = containers_of_output(op->layout, d->output, STRV_CONST(d->definition.names), &d->list, err);
        if (r < 0)
                return r;
        d->changes = calloc(d->list.n + 1, sizeof(*d->changes));
        if (!d->changes) {
                container_list_done(&d->list);
                return err_oom(err);
        }
        for (size_t i = 0; i < d->list.n; i++)
                d->changes[i].c = d->list.items[i];
        return 0;
}

int deploy_foreach(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data,
                   struct ec_err *err)
{
        struct deployment *d;
        int r = deploy_load(op, &d, err);

        for (size_t i = 0; r == 0 && i < d->list.n; i++)
                r = fn(data, d->list.items[i]);
        return r;
}

int deploy_names(struct ec_op *op, char ***ret, struct ec_err *err)
{
        _cleanup_strv_ char **names = NULL;
        struct deployment *d;
        int r = deployment_get(op, &d, err);

        if (r >= 0)
                r = parse(op, d, err);
        if (r < 0)
                return r;
        if (d->definition.kind != DEFINITION_OUTPUT && !d->built) {
                r = evaluate(op, d, err);
                if (r < 0 || !evaluation_is_prebuilt(d->eval))
                        return r < 0 ? r : evaluation_names(d->eval, ret, err);
        }
        r = deploy_load(op, &d, err);
        for (size_t i = 0; r >= 0 && i < d->list.n; i++)
                r = strv_push(&names, d->list.items[i]->name) < 0 ? err_oom(err) : 0;
        if (r >= 0)
                *ret = TAKE_PTR(names);
        return r;
}
