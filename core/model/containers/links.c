/* SPDX-License-Identifier: MIT */
#include "model/containers/links.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "model/operation/layout.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/name.h"
#include "util/strv.h"

/* The target of our own link differs from that of a link that the administrator made. */
#define OWN_TARGET "../machines.target"
#define BOOT_WANTS "multi-user.target.wants/machines.target"

static int change_link(const char *path, const char *target)
{
        int r = target ? fs_symlink_atomic(target, path) : fs_unlink(path);

        return r < 0 ? r : 0;
}

int links_set(struct links *l, const char *path, const char *target, struct ec_err *err)
{
        struct link *undo = &l->items[l->n];
        _cleanup_free_ char *old = NULL, *copy = strdup(path);
        int r;

        if (!copy)
                return err_oom(err);
        if (l->n == ARRAY_SIZE(l->items))
                return err_set(err, -ENOBUFS, "too many links of one container");
        r = fs_readlinkat(AT_FDCWD, path, &old);
        if (r == -EINVAL)
                return err_set(err, -EEXIST, "%s is in the way: it is not a link", path);
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                return err_set(err, r, "cannot read %s: %s", path, strerror(-r));
        if (target && old ? !strcmp(target, old) : target == old)
                return 0;
        r = change_link(path, target);
        if (r < 0)
                return err_set(err, r, "cannot %s %s: %s", target ? "make the link" : "remove", path, strerror(-r));
        log_info(target ? "link %s -> %s" : "removed link %s", path, target);
        undo->path = TAKE_PTR(copy);
        undo->old = TAKE_PTR(old);
        l->n++;
        return 0;
}

void links_undo(struct links *l)
{
        for (size_t i = l->n; i-- > 0;) {
                int r = change_link(l->items[i].path, l->items[i].old);

                if (r < 0)
                        log_warn("cannot restore %s: %s", l->items[i].path, strerror(-r));
        }
        links_done(l);
}

void links_done(struct links *l)
{
        while (l->n) {
                struct link *i = &l->items[--l->n];

                free(i->path);
                free(i->old);
        }
}

static bool in_unit_dirs(const struct layout *l, const char *name)
{
        const char *const dirs[] = { "/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system",
                                     "/lib/systemd/system" };
        _cleanup_free_ char *own = fs_join(l->units, name);

        if (own && fs_exists(own))
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                _cleanup_free_ char *p = str_printf("%s%s/%s", l->root, dirs[i], name);

                if (p && fs_exists(p))
                        return true;
        }
        return false;
}

bool links_boot_missing(const struct layout *l)
{
        return !in_unit_dirs(l, BOOT_WANTS);
}

bool links_boot_stale(const struct layout *l)
{
        _cleanup_free_ char *wants = fs_join(l->units, "machines.target.wants");
        _cleanup_strv_ char **wanted = NULL;

        /* The directory is removed last. */
        return wants && container_names_in(wants, &wanted) >= 0 && !wanted;
}

static int remove_empty(const char *dir, struct ec_err *err)
{
        static const int ignored[] = { ENOENT, ENOTDIR, ENOTEMPTY, EEXIST, EBUSY };

        if (rmdir(dir) >= 0)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
                if (errno == ignored[i])
                        return 0;
        return err_set(err, -errno, "cannot remove %s: %s", dir, strerror(errno));
}

int links_machines_target(const struct layout *l, struct ec_err *err)
{
        _cleanup_free_ char *wants = fs_join(l->units, "machines.target.wants"), *boot_dir = NULL;
        _cleanup_strv_ char **wanted = NULL;
        _cleanup_free_ char *own = fs_join(l->units, BOOT_WANTS), *old = NULL;
        int r, k;

        boot_dir = fs_join(l->units, "multi-user.target.wants");
        if (!wants || !own || !boot_dir)
                return err_oom(err);
        /* On error the link at boot must be kept, or autostart would be lost. */
        r = container_names_in(wants, &wanted);
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                return err_set(err, r, "cannot list %s: %s", wants, strerror(-r));
        if (!wanted) {
                r = fs_readlinkat(AT_FDCWD, own, &old) < 0 || strcmp(old, OWN_TARGET) ? 0 : fs_unlink(own);
                if (r < 0)
                        return err_set(err, r, "cannot remove %s: %s", own, strerror(-r));
                k = remove_empty(boot_dir, err);
                if (k >= 0)
                        k = remove_empty(wants, err);
                return k < 0 ? k : r;
        }
        if (!in_unit_dirs(l, "machines.target"))
                log_warn("this host has no machines.target, so no container is started at boot");
        if (!links_boot_missing(l))
                return 0;
        r = fs_mkdir_p(boot_dir, 0755);
        if (r >= 0)
                r = fs_symlink_atomic(OWN_TARGET, own);
        return r < 0 ? err_set(err, r, "cannot make the link %s: %s", own, strerror(-r)) : 1;
}
