/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/deploy/deployment.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define RELOAD         ".reload" /* no container's name */
#define UNFINISHED_MAX (4 * 1024 * 1024)

static char *note(const struct ec_op *op, const char *name)
{
        return fs_join(op->layout->pending, name);
}

static int write_note(const struct ec_op *op, const char *name, const char *word, struct ec_err *err)
{
        _cleanup_free_ char *path = note(op, name);
        int r;

        if (!path)
                return err_oom(err);
        r = fs_mkdir_p(op->layout->pending, 0755);
        if (r >= 0)
                r = fs_write_atomic(path, word, strlen(word), 0644);
        return r < 0 ? err_set(err, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

int pending_set(const struct ec_op *op, const char *name, enum change_state state, struct ec_err *err)
{
        /* An outstanding restart is not made good by an update. Written anew all the same, see pending_mark(). */
        bool restart = state != CHANGE_UPDATE || pending_get(op, name) == CHANGE_RESTART;

        return write_note(op, name, restart ? "restart\n" : "update\n", err);
}

enum change_state pending_get(const struct ec_op *op, const char *name)
{
        _cleanup_free_ char *path = note(op, name), *text = NULL;

        if (!path || fs_read(path, 64, &text, NULL) < 0)
                return CHANGE_NONE;
        return strcmp(text, "update\n") ? CHANGE_RESTART : CHANGE_UPDATE;
}

void pending_clear(const struct ec_op *op, const char *name)
{
        _cleanup_free_ char *path = note(op, name);
        int r = path ? fs_unlink(path) : -ENOMEM;

        if (r < 0)
                log_debug("cannot remove %s: %s", path ? path : name, strerror(-r));
}

struct pending_mark pending_mark(const struct ec_op *op, const char *name)
{
        _cleanup_free_ char *path = note(op, name);
        struct stat st;

        if (!path || stat(path, &st) < 0)
                return (struct pending_mark){ 0 };
        return (struct pending_mark){ st.st_dev, st.st_ino, st.st_ctim.tv_sec, st.st_ctim.tv_nsec };
}

void pending_settle(const struct ec_op *op, const char *name, const struct pending_mark *before)
{
        struct pending_mark now = pending_mark(op, name);

        if (now.dev == before->dev && now.ino == before->ino && now.sec == before->sec && now.nsec == before->nsec)
                pending_clear(op, name);
}

int pending_reload_set(const struct ec_op *op, const char *const *names, struct ec_err *err)
{
        _cleanup_free_ char *text = names && *names ? strv_join(names, "\n") : strdup("");

        return text ? write_note(op, RELOAD, text, err) : err_oom(err);
}

void pending_reload_clear(const struct ec_op *op)
{
        pending_clear(op, RELOAD);
        fs_remove_temp(op->layout->pending);
}

bool pending_reload(const struct ec_op *op)
{
        _cleanup_free_ char *path = note(op, RELOAD);

        return path && !access(path, F_OK);
}

int pending_unfinished(const struct ec_op *op, char ***ret, struct ec_err *err)
{
        _cleanup_free_ char *path = note(op, RELOAD), *text = NULL;
        int r = path ? fs_read(path, UNFINISHED_MAX, &text, NULL) : -ENOMEM;

        *ret = NULL;
        if (r == -ENOMEM)
                return err_oom(err);
        if (r < 0)
                return 0;
        *ret = strv_split(text, "\n");
        return *ret ? 0 : err_oom(err);
}
