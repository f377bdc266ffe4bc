/* SPDX-License-Identifier: MIT */
#include "model/operation/hooks.h"

#include <stdlib.h>
#include <string.h>

#include "model/operation/call.h"
#include "model/operation/op.h"
#include "svc/process/interrupt.h"
#include "svc/term/log.h"
#include "util/err.h"

/* What a hook returned, with an error that names the plugin, even if the plugin forgot to set one. */
static int hook_result(const struct plugin_ref *p, const char *hook, int r, struct ec_err *err)
{
        if (r >= 0) {
                err_done(err); /* not a failure, even if the plugin set one */
                return 0;
        }
        if (!err->code)
                err_set(err, r, "%s failed: %s", hook, strerror(-r));
        err_prefix(err, "plugin %s", p->plugin->name);
        return err->code < 0 ? err->code : r;
}

/* Calls a hook, if the plugin has it. */
#define CALL(op, p, hook, err, ...)                                                            \
        ({                                                                                     \
                const struct ec_hooks *hooks_ = (p)->plugin->hooks;                            \
                int r_ = 0;                                                                    \
                                                                                               \
                if (hooks_ && hooks_->hook) {                                                  \
                        struct call call_;                                                     \
                                                                                               \
                        call_enter(&call_, (op), (p)->plugin->name, "hook '" #hook "'", true); \
                        r_ = hooks_->hook((p)->self, __VA_ARGS__, (err));                      \
                        call_leave(&call_);                                                    \
                        r_ = hook_result((p), #hook, r_, (err));                               \
                }                                                                              \
                r_;                                                                            \
        })

/* Calls the hook of each plugin, in order, until one fails; n (an lvalue) counts the calls. */
#define CALL_UNTIL_FAILURE(op, n, hook, err, ...)                                                \
        ({                                                                                       \
                int result_ = 0;                                                                 \
                                                                                                 \
                for (n = 0; result_ >= 0 && n < (op)->registry->n; n++)                          \
                        result_ = CALL(op, &(op)->registry->plugins[n], hook, err, __VA_ARGS__); \
                result_;                                                                         \
        })

/* A failure is a warning, and the next hook is called. */
#define CALL_AND_WARN(op, p, hook, ...)                        \
        do {                                                   \
                struct ec_err err_ = { 0 };                    \
                                                               \
                if (CALL(op, p, hook, &err_, __VA_ARGS__) < 0) \
                        log_warn("%s", err_msg(&err_));        \
                err_done(&err_);                               \
        } while (0)

int hooks_configure(struct ec_op *op, struct ec_err *err)
{
        size_t n;

        return CALL_UNTIL_FAILURE(op, n, configure, err, op);
}

#define OBJECT_HOOK(hook, type)                                          \
        int hooks_##hook(struct ec_op *op, type arg, struct ec_err *err) \
        {                                                                \
                size_t n;                                                \
                                                                         \
                return CALL_UNTIL_FAILURE(op, n, hook, err, op, arg);    \
        }
OBJECT_HOOK(eval, struct ec_eval *)
OBJECT_HOOK(pre_install, const struct ec_container *)
OBJECT_HOOK(shell, struct ec_shell *)

int hooks_installed(struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        size_t n;
        int r = CALL_UNTIL_FAILURE(op, n, installed, err, op, c);

        if (r >= 0)
                return 0;
        /* The plugin that failed has undone its own part. */
        interrupt_hold();
        for (n--; n-- > 0;)
                CALL_AND_WARN(op, &op->registry->plugins[n], undo, op, c);
        interrupt_release();
        return r;
}

#define LIST_HOOK(hook)                                                                     \
        void hooks_##hook(struct ec_op *op, const struct ec_container *const *containers)   \
        {                                                                                   \
                for (size_t i = 0; *containers && i < op->registry->n; i++)                 \
                        CALL_AND_WARN(op, &op->registry->plugins[i], hook, op, containers); \
        }
LIST_HOOK(started)
LIST_HOOK(updated)
LIST_HOOK(stopped)
LIST_HOOK(failed)

void hooks_pre_destroy(struct ec_op *op, const struct ec_container *c)
{
        for (size_t i = 0; i < op->registry->n; i++)
                CALL_AND_WARN(op, &op->registry->plugins[i], pre_destroy, op, c);
}

void hooks_removed(struct ec_op *op, const struct ec_container *c)
{
        for (size_t i = op->registry->n; i-- > 0;)
                CALL_AND_WARN(op, &op->registry->plugins[i], removed, op, c);
}

void hooks_finish(struct ec_op *op, int status)
{
        for (size_t i = op->registry->n; i-- > 0;) {
                const struct plugin_ref *p = &op->registry->plugins[i];
                struct call call;

                if (!p->plugin->hooks || !p->plugin->hooks->finish)
                        continue;
                call_enter(&call, op, p->plugin->name, "hook 'finish'", true);
                p->plugin->hooks->finish(p->self, op, status);
                call_leave(&call);
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
        free(r->plugins);
        *r = (struct registry){ 0 };
}
