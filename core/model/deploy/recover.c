/* SPDX-License-Identifier: MIT */
#include "model/deploy/recover.h"

#include <string.h>

#include "model/containers/containers.h"
#include "model/containers/links.h"
#include "model/containers/pending.h"
#include "model/deploy/host_reload.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "svc/process/interrupt.h"
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

/* It was removed, or not installed by then. */
static int recover_absent(struct ec_op *op, const char *name, struct ec_err *err)
{
        struct ec_container *c;

        if (container_new(op->layout, name, op->layout->units, op->layout->legacy, &c) < 0)
                return err_oom(err);
        pending_clear(op->layout, name);
        hooks_removed(op, c);
        container_free(c);
        return 0;
}

int recover_hooks(struct ec_op *op, char **unfinished, const struct container_list *besides, struct ec_err *err)
{
        int r = 0;

        for (char **n = unfinished; n && *n && r >= 0; n++) {
                struct ec_container *c = NULL;
                _cleanup_err_ struct ec_err absent = { 0 };

                if (in_list(besides, *n))
                        continue;
                r = container_installed(op->layout, *n, &c, &absent);
                if (r >= 0)
                        r = hooks_installed(op, c, err);
                else if (r == -ENOENT)
                        r = recover_absent(op, *n, err);
                else
                        err_move(err, &absent);
                container_free(c);
        }
        return r;
}

void recover_temp(const struct ec_op *op)
{
        const struct layout *l = op->layout;
        const char *const dirs[] = { l->units, l->conf, l->conf_legacy }, *const wants[] = {
                "machines.target.wants", "multi-user.target.wants"
        };

        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
                fs_remove_temp(dirs[i]);
        for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
                _cleanup_free_ char *dir = fs_join(l->units, wants[i]);

                if (dir)
                        fs_remove_temp(dir);
        }
}

int recover_run(struct ec_op *op, char ***ret_names, struct ec_err *err)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        if (ret_names)
                *ret_names = NULL;
        if (!pending_reload(op->layout))
                return 0;
        r = pending_unfinished(op->layout, &names, err);
        if (r < 0)
                return r;
        interrupt_hold();
        recover_temp(op);
        r = recover_hooks(op, names, NULL, err);
        if (r >= 0)
                r = links_machines_target(op->layout, err);
        if (r >= 0)
                r = host_reload(op, err);
        interrupt_release();
        if (ret_names)
                *ret_names = TAKE_PTR(names);
        return r < 0 ? r : 0;
}
