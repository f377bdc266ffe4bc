/* SPDX-License-Identifier: MIT */
#include "model/deploy/recover.h"

#include <libgen.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/containers/links.h"
#include "model/containers/pending.h"
#include "model/deploy/host_reload.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "model/operation/tmp_dir.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

static bool in_list(const struct container_list *l, const char *name)
{
        for (size_t i = 0; l && i < l->n; i++)
                if (!strcmp(l->items[i]->name, name))
                        return true;
        return false;
}

/* Best effort: the hooks and the reload report a bus that does not answer. */
static void reset_failed(struct ec_op *op, const struct ec_container *c)
{
        struct systemd *s;

        if (!layout_offline(op->layout) && op_systemd(op, &s, NULL) >= 0)
                (void)systemd_reset_failed(s, c->unit, NULL);
}

/* Calls the hooks that match what is installed now. */
static int recover_one(struct ec_op *op, const char *name, struct ec_err *err)
{
        const struct layout *l = op->layout;
        struct ec_container *c;
        int r = container_installed(l, name, &c, NULL);
        bool absent = r == -ENOENT; /* it was removed, or not yet installed */

        if (absent)
                r = container_new(l, name, l->units, l->legacy, &c);
        if (r < 0)
                return err_oom(err);
        if (absent) {
                pending_clear(l, name);
                reset_failed(op, c);
                hooks_removed(op, c);
        } else {
                r = hooks_installed(op, c, err);
        }
        container_free(c);
        return r;
}

int recover_hooks(struct ec_op *op, char **noted, const struct container_list *besides, char ***left,
                  struct ec_err *err)
{
        for (char **n = noted; n && *n; n++) {
                _cleanup_err_ struct ec_err e = { 0 };
                int r = in_list(besides, *n) ? 0 : recover_one(op, *n, &e);

                if (r == -ECANCELED || r == -ENOMEM) {
                        err_move(err, &e);
                        return r;
                }
                if (r >= 0)
                        continue;
                log_warn("container '%s': an interrupted run is still not completed; the next run tries again: %s", *n,
                         err_msg(&e));
                if (strv_push(left, *n) < 0)
                        return err_oom(err);
        }
        return 0;
}

void recover_temp(const struct ec_op *op)
{
        const struct layout *l = op->layout;
        _cleanup_free_ char *os_release = strdup(l->static_os_release);
        const char *const dirs[] = { l->units,   l->conf,    l->conf_legacy,
                                     l->gcroots, l->pending, os_release ? dirname(os_release) : "" };
        static const char *const wants[] = { "machines.target.wants", "multi-user.target.wants" };

        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
                fs_remove_temp(dirs[i]);
        for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
                _cleanup_free_ char *dir = fs_join(l->units, wants[i]);

                if (dir)
                        fs_remove_temp(dir);
        }
}

void recovery_done(struct recovery *r)
{
        strv_free(r->names);
        strv_free(r->left);
        *r = (struct recovery){ 0 };
}

int recover_run(struct ec_op *op, struct recovery *ret, struct ec_err *err)
{
        const struct layout *l = op->layout;
        int r;

        *ret = (struct recovery){ 0 };
        recover_temp(op);
        tmp_dir_sweep(l);
        if (!pending_reload(l) && !links_boot_stale(l))
                return 0;
        r = pending_unfinished(l, &ret->names, err);
        if (r < 0)
                return r;
        interrupt_hold();
        r = recover_hooks(op, ret->names, NULL, &ret->left, err);
        if (r >= 0)
                r = host_reload(op, ret->left, err);
        interrupt_release();
        return r < 0 ? r : 0;
}
