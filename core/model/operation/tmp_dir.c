/* SPDX-License-Identifier: MIT */
#include "model/operation/tmp_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "model/operation/layout.h"
#include "svc/nix/store.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

#define TMP_DIR "/tmp"

/* Where temporary directories are made. */
struct tmp_place {
        const char *dir;
        char prefix[40]; /* of our names; "" if all names are ours */
};

/* The commands of a session are in the temporary directory. */
static bool can_execute(const char *dir)
{
        struct statvfs fs;

        return statvfs(dir, &fs) == 0 && !(fs.f_flag & ST_NOEXEC);
}

static void choose_place(struct tmp_place *p, const struct layout *l)
{
        *p = (struct tmp_place){ .dir = l->tmp };
        /* No other user can create names in root's own directory. */
        if (geteuid() == 0 && layout_make_run_state(l, l->tmp, NULL) >= 0 && can_execute(l->tmp))
                return;
        p->dir = TMP_DIR;
        snprintf(p->prefix, sizeof(p->prefix), "extra-container-%u.", (unsigned)geteuid());
}

/* Opens and locks a directory; -EWOULDBLOCK while its owner lives. */
static int lock_dir(int parent, const char *name, int *ret_fd)
{
        _cleanup_close_ int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid())
                return -EPERM;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* Removes directories of runs that were killed: those that are not locked. */
static void sweep(const struct tmp_place *p)
{
        _cleanup_closedir_ DIR *d = opendir(p->dir);

        for (struct dirent *e; d && (e = readdir(d));) {
                _cleanup_free_ char *path = NULL;
                _cleanup_close_ int fd = -1;
                struct ec_err err = { 0 };

                if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || !str_after(e->d_name, p->prefix))
                        continue;
                if (lock_dir(dirfd(d), e->d_name, &fd) < 0)
                        continue;
                path = fs_join(p->dir, e->d_name);
                if (path)
                        nix_forget_roots(path);
                if (path && fs_remove_tree(path, &err) < 0)
                        log_debug("%s", err_msg(&err));
                err_done(&err);
        }
}

/* Between mkdtemp() and the lock another run's sweep may remove the directory: then the name is gone, or it is
 * locked. */
static int make_dir(const struct tmp_place *p, struct tmp_dir *ret, struct ec_err *err)
{
        for (unsigned attempt = 0; attempt < 100; attempt++) {
                _cleanup_free_ char *path = str_printf("%s/%sXXXXXX", p->dir, p->prefix);
                _cleanup_close_ int fd = -1;
                struct stat a, b;
                int r;

                if (!path)
                        return err_oom(err);
                if (!mkdtemp(path)) {
                        r = -errno;
                        return err_set(err, r, "cannot make a temporary directory in %s: %s", p->dir, strerror(-r));
                }
                r = lock_dir(AT_FDCWD, path, &fd);
                if (r == -ENOENT || r == -EWOULDBLOCK)
                        continue;
                if (r < 0) {
                        rmdir(path);
                        return err_set(err, r, "cannot lock %s: %s", path, strerror(-r));
                }
                if (fstat(fd, &a) < 0 || lstat(path, &b) < 0 || a.st_ino != b.st_ino || a.st_dev != b.st_dev)
                        continue;
                *ret = (struct tmp_dir){ TAKE_PTR(path), TAKE_FD(fd) };
                return 0;
        }
        return err_set(err, -EEXIST, "cannot make a temporary directory in %s", p->dir);
}

void tmp_dir_sweep(const struct layout *l)
{
        struct tmp_place p;

        choose_place(&p, l);
        sweep(&p);
}

int tmp_dir_make(const struct layout *l, struct tmp_dir *ret, struct ec_err *err)
{
        struct tmp_place p;

        choose_place(&p, l);
        sweep(&p);
        return make_dir(&p, ret, err);
}

void tmp_dir_remove(struct tmp_dir *t)
{
        _cleanup_err_ struct ec_err err = { 0 };

        if (!t->path)
                return;
        nix_forget_roots(t->path);
        if (fs_remove_tree(t->path, &err) < 0)
                log_warn("%s", err_msg(&err));
        if (t->fd >= 0)
                close(t->fd);
        free(t->path);
        *t = (struct tmp_dir)TMP_DIR_INIT;
}
