/* SPDX-License-Identifier: MIT */
#include "model/operation/hooks.h"

#include <stdlib.h>
#include <string.h>

#include "model/operation/op.h"
#include "svc/process/interrupt.h"
#include "svc/term/log.h"
#include "util/err.h"

#define HOOK(ref, name) ((ref)->plugin->hooks ? (ref)->plugin->hooks->name : NULL)

/* What a hook returned, with an error that names the plugin; also when the
 * plugin forgot to set one. */
static int hook_result(const struct plugin_ref *p, const char *hook, int r, struct ec_err *err)
{
        if (r >= 0)
                return 0;
        if (!err->code)
                err_set(err, r, "%s failed: %s", hook, strerror(-r));
        err_prefix(err, "plugin %s", p->plugin->name);
        return err->code < 0 ? err->code : r;
}

static void hook_warning(const struct plugin_ref *p, const char *hook, int r, struct ec_err *err)
{
        if (hook_result(p, hook, r, err) < 0)
                log_warn("%s", err_msg(err));
        err_done(err);
}

int hooks_configure(struct ec_op *op, struct ec_err *err)
{
        for (size_t i = 0; i < op->registry->n; i++) {
                const struct plugin_ref *p = &op->registry->plugins[i];
                int (*fn)(void *, struct ec_op *, struct ec_err *) = HOOK(p, configure);
                int r = fn ? hook_result(p, "configure", fn(p->self, op, err), err) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

int hooks_eval(struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        for (size_t i = 0; i < op->registry->n; i++) {
                const struct plugin_ref *p = &op->registry->plugins[i];
                int (*fn)(void *, struct ec_op *, struct ec_eval *, struct ec_err *) = HOOK(p, eval);
                int r = fn ? hook_result(p, "eval", fn(p->self, op, ev, err), err) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

int hooks_pre_install(struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        for (size_t i = 0; i < op->registry->n; i++) {
                const struct plugin_ref *p = &op->registry->plugins[i];
                int (*fn)(void *, struct ec_op *, const struct ec_container *, struct ec_err *) = HOOK(p, pre_install);
                int r = fn ? hook_result(p, "pre_install", fn(p->self, op, c, err), err) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

/* `removed` of the first n plugins, backwards. */
static void removed_backwards(struct ec_op *op, size_t n, const struct ec_container *c)
{
        while (n-- > 0) {
                const struct plugin_ref *p = &op->registry->plugins[n];
                int (*fn)(void *, struct ec_op *, const struct ec_container *, struct ec_err *) = HOOK(p, removed);
                struct ec_err err = { 0 };

                if (fn)
                        hook_warning(p, "removed", fn(p->self, op, c, &err), &err);
        }
}

int hooks_installed(struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        for (size_t i = 0; i < op->registry->n; i++) {
                const struct plugin_ref *p = &op->registry->plugins[i];
                int (*fn)(void *, struct ec_op *, const struct ec_container *, struct ec_err *) = HOOK(p, installed);
                int r = fn ? hook_result(p, "installed", fn(p->self, op, c, err), err) : 0;

                if (r < 0) {
                        /* The one that failed has cleaned up after itself. */
                        intr_hold();
                        removed_backwards(op, i, c);
                        intr_release();
                        return r;
                }
        }
        return 0;
}

void hooks_started(struct ec_op *op, const struct ec_container *c)
{
        for (size_t i = 0; i < op->registry->n; i++) {
                const struct plugin_ref *p = &op->registry->plugins[i];
                int (*fn)(void *, struct ec_op *, const struct ec_container *, struct ec_err *) = HOOK(p, started);
                struct ec_err err = { 0 };

                if (fn)
                        hook_warning(p, "started", fn(p->self, op, c, &err), &err);
        }
}

int hooks_shell(struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        for (size_t i = 0; i < op->registry->n; i++) {
                const struct plugin_ref *p = &op->registry->plugins[i];
                int (*fn)(void *, struct ec_op *, struct ec_shell *, struct ec_err *) = HOOK(p, shell);
                int r = fn ? hook_result(p, "shell", fn(p->self, op, sh, err), err) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

void hooks_pre_destroy(struct ec_op *op, const struct ec_container *c)
{
        for (size_t i = 0; i < op->registry->n; i++) {
                const struct plugin_ref *p = &op->registry->plugins[i];
                int (*fn)(void *, struct ec_op *, const struct ec_container *, struct ec_err *) = HOOK(p, pre_destroy);
                struct ec_err err = { 0 };

                if (fn)
                        hook_warning(p, "pre_destroy", fn(p->self, op, c, &err), &err);
        }
}

void hooks_removed(struct ec_op *op, const struct ec_container *c)
{
        removed_backwards(op, op->registry->n, c);
}

void hooks_finish(struct ec_op *op, int status)
{
        for (size_t i = op->registry->n; i-- > 0;) {
                const struct plugin_ref *p = &op->registry->plugins[i];
                void (*fn)(void *, struct ec_op *, int) = HOOK(p, finish);

                if (fn)
                        fn(p->self, op, status);
        }
}

bool registry_provides(const struct registry *r, uint32_t what)
{
        for (size_t i = 0; i < r->n; i++)
                if (r->plugins[i].plugin->provides & what)
                        return true;
        return false;
}

static int compare_refs(const void *pa, const void *pb)
{
        const struct ec_plugin *a = ((const struct plugin_ref *)pa)->plugin,
                               *b = ((const struct plugin_ref *)pb)->plugin;

        if (a->order != b->order)
                return a->order < b->order ? -1 : 1;
        return strcmp(a->name, b->name);
}

void registry_sort(struct registry *r)
{
        if (r->n)
                qsort(r->plugins, r->n, sizeof(*r->plugins), compare_refs);
}

void registry_done(struct registry *r)
{
        for (size_t i = 0; i < r->n_disabled; i++) {
                free(r->disabled[i].option);
                free(r->disabled[i].feature);
        }
        free(r->disabled);
        free(r->plugins);
        *r = (struct registry){ 0 };
}
