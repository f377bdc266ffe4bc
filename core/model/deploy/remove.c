/* SPDX-License-Identifier: MIT */
#include "model/deploy/remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/containers/degraded.h"
#include "model/containers/owner.h"
#include "model/containers/pending.h"
#include "model/deploy/report.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

void removal_done(struct removal *m)
{
        strv_free(m->journal_links);
}

/* The host's journal directory has a link for each container that keeps its own. */
void removal_read_journal(struct removal *m)
{
        const char *dir = m->op->layout->journal;
        _cleanup_closedir_ DIR *j = opendir(dir);

        strv_free(m->journal_links);
        m->journal_links = NULL;
        for (struct dirent *e; j && (e = readdir(j));) {
                _cleanup_free_ char *target = NULL;

                if (e->d_type != DT_LNK && e->d_type != DT_UNKNOWN)
                        continue;
                if (fs_readlinkat(dirfd(j), e->d_name, &target) < 0)
                        continue;
                if (strv_pushf(&m->journal_links, "%s/%s", dir, e->d_name) < 0)
                        return;
                if (strv_push_take(&m->journal_links, TAKE_PTR(target)) < 0) {
                        strv_free(m->journal_links);
                        m->journal_links = NULL;
                        return;
                }
        }
}

static int failed(struct removal *m, const struct ec_container *c, const char *what, int code, struct ec_err *err)
{
        return report_add(m->report, err, "container '%s': cannot remove %s: %s", c->name, what, strerror(-code));
}

static int remove_journal_links(struct removal *m, const struct ec_container *c, struct ec_err *err)
{
        int r = 0;

        for (char **l = m->journal_links; l && l[0] && l[1] && r >= 0; l += 2) {
                const char *in = str_after(l[1], c->state_path);

                if (in && *in == '/') {
                        int k = fs_unlink(l[0]);

                        r = k < 0 ? failed(m, c, l[0], k, err) : 0;
                }
        }
        return r;
}

static int remove_file(struct removal *m, const struct ec_container *c, const char *path, struct ec_err *err)
{
        int k = fs_unlink(path);

        return k < 0 ? failed(m, c, path, k, err) : 0;
}

static int remove_dir(struct removal *m, const struct ec_container *c, const char *parent, struct ec_err *err)
{
        _cleanup_free_ char *path = fs_join(parent, c->name), *target = NULL;
        _cleanup_err_ struct ec_err e = { 0 };
        int r;

        if (!path)
                return err_oom(err);
        if (fs_readlinkat(AT_FDCWD, path, &target) == -ENOMEM)
                return err_oom(err);
        r = fs_remove_tree(path, &e);
        if (r < 0)
                return report_add(m->report, err, "container '%s': %s", c->name, err_msg(&e));
        if (fs_exists(path))
                return failed(m, c, path, -ENOTEMPTY, err);
        if (target)
                log_warn("container '%s': removed the link %s; the data in %s stays", c->name, path, target);
        return 0;
}

/* systemd-nspawn does not remove the lock of a root file system. */
static int remove_lock(struct removal *m, const struct ec_container *c, const char *state, struct ec_err *err)
{
        _cleanup_free_ char *path = str_printf("%s/.#%s.lck", state, c->name);

        return path ? remove_file(m, c, path, err) : err_oom(err);
}

int remove_container_data(struct removal *m, const struct ec_container *c, struct ec_err *err)
{
        const struct layout *l = m->op->layout;
        const char *state = c->legacy ? l->state_legacy : l->state;
        int r = remove_dir(m, c, state, err);

        if (r >= 0)
                r = remove_lock(m, c, state, err);
        if (r >= 0)
                r = remove_dir(m, c, l->run, err);
        if (r >= 0)
                r = remove_lock(m, c, l->run, err);
        if (r >= 0)
                r = remove_dir(m, c, l->profiles, err);
        if (r >= 0)
                r = remove_dir(m, c, l->container_gcroots, err);
        return r < 0 ? r : remove_journal_links(m, c, err);
}

/* The unit is removed last, so that a container that is not removed completely is still listed and can be destroyed
 * again. */
static int remove_all(struct removal *m, const struct ec_container *c, struct ec_err *err)
{
        size_t before = m->report->n;
        int r;

        log_info("removing container '%s' and %s", c->name, c->state_path);
        r = remove_file(m, c, c->wants_path, err);
        if (r >= 0)
                r = remove_container_data(m, c, err);
        if (r < 0 || m->report->n > before)
                return r;
        r = remove_file(m, c, c->conf_path, err);
        if (r >= 0 && m->report->n == before)
                r = remove_file(m, c, c->unit_path, err);
        if (r < 0 || m->report->n > before)
                return r;
        pending_clear(m->op->layout, c->name);
        degraded_set(m->op->layout, c->name, false);
        owner_forget(m->op->layout, c->name);
        hooks_removed(m->op, c);
        return 0;
}

int remove_container(struct removal *m, const struct ec_container *c, struct ec_err *err)
{
        size_t before = m->report->n;
        int r = remove_all(m, c, err);

        if (m->report->n > before)
                m->report->more += m->report->n - before - 1;
        return r;
}
