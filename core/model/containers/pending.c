/* SPDX-License-Identifier: MIT */
#include "model/containers/pending.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/operation/layout.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define RELOAD         ".reload" /* not a valid container name */
#define UNFINISHED_MAX ((size_t)4 << 20)

static int write_note(const struct layout *l, const char *name, const char *word, struct ec_err *err)
{
        _cleanup_free_ char *path = fs_join(l->pending, name);
        int r;

        if (!path)
                return err_oom(err);
        r = layout_make_run_state(l, l->pending, err);
        if (r < 0)
                return r;
        r = fs_write_atomic(path, word, strlen(word), 0600);
        return r < 0 ? err_set(err, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

/* Held while a note is looked at and then changed. Best effort; without a directory there are no notes. */
static int lock_notes(const struct layout *l)
{
        int fd = open(l->pending, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd >= 0 && flock(fd, LOCK_EX) < 0)
                log_debug("cannot lock %s: %m", l->pending);
        return fd;
}

int pending_set(const struct layout *l, const char *name, uint32_t change, struct ec_err *err)
{
        _cleanup_close_ __attribute__((unused)) int lock = lock_notes(l);
        /* An update does not replace an outstanding restart. The note is written all the same, see pending_mark(). */
        bool restart = change != EC_CHANGE_UPDATE || pending_get(l, name) == EC_CHANGE_RESTART;

        return write_note(l, name, restart ? "restart\n" : "update\n", err);
}

uint32_t pending_get(const struct layout *l, const char *name)
{
        _cleanup_free_ char *path = fs_join(l->pending, name), *text = NULL;

        if (!path || fs_read(path, 64, &text, NULL) < 0)
                return EC_CHANGE_NONE;
        return strcmp(text, "update\n") ? EC_CHANGE_RESTART : EC_CHANGE_UPDATE;
}

void pending_clear(const struct layout *l, const char *name)
{
        _cleanup_free_ char *path = fs_join(l->pending, name);
        int r = path ? fs_unlink(path) : -ENOMEM;

        if (r < 0)
                log_debug("cannot remove %s: %s", path ? path : name, strerror(-r));
}

struct pending_mark pending_mark(const struct layout *l, const char *name)
{
        _cleanup_free_ char *path = fs_join(l->pending, name);
        struct stat st;

        if (!path || stat(path, &st) < 0)
                return (struct pending_mark){ 0 };
        return (struct pending_mark){ st.st_dev, st.st_ino, st.st_ctim.tv_sec, st.st_ctim.tv_nsec };
}

void pending_clear_marked(const struct layout *l, const char *name, const struct pending_mark *before)
{
        _cleanup_close_ __attribute__((unused)) int lock = lock_notes(l);
        struct pending_mark now = pending_mark(l, name);

        if (now.dev == before->dev && now.ino == before->ino && now.sec == before->sec && now.nsec == before->nsec)
                pending_clear(l, name);
}

int pending_reload_set(const struct layout *l, const char *const *names, struct ec_err *err)
{
        _cleanup_free_ char *text = names && *names ? strv_join(names, "\n") : strdup("");

        return text ? write_note(l, RELOAD, text, err) : err_oom(err);
}

void pending_reload_clear(const struct layout *l)
{
        pending_clear(l, RELOAD);
}

bool pending_reload(const struct layout *l)
{
        _cleanup_free_ char *path = fs_join(l->pending, RELOAD);

        return path && !access(path, F_OK);
}

int pending_unfinished(const struct layout *l, char ***ret, struct ec_err *err)
{
        _cleanup_free_ char *path = fs_join(l->pending, RELOAD), *text = NULL;
        int r = path ? fs_read(path, UNFINISHED_MAX, &text, NULL) : -ENOMEM;

        *ret = NULL;
        if (r == -ENOMEM)
                return err_oom(err);
        if (r < 0)
                return 0;
        *ret = strv_split(text, "\n");
        return *ret ? 0 : err_oom(err);
}
