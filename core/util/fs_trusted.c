/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define SYMLINKS_MAX 40 /* as the kernel's */

static bool owner_trusted(uid_t uid)
{
        return uid == 0 || (geteuid() != 0 && uid == geteuid());
}

/* One component. Whoever may write a directory may swap what is below it; in a
 * sticky one only the owner of an entry may, and entries are checked themselves. */
static int check(const char *path, const char *at, const struct stat *st, bool last, struct ec_err *err)
{
        const char *what = S_ISDIR(st->st_mode) ? "directory" : "file";

        if (!owner_trusted(st->st_uid))
                return err_set(err, -EPERM, "'%s' is not trusted: '%s' belongs to user %u, not to root", path, at,
                               st->st_uid);
        if (S_ISLNK(st->st_mode))
                return 0;
        if (!(st->st_mode & 022) || (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) && !last))
                return 0;
        return err_set(err, -EPERM, "'%s' is not trusted: the %s '%s' is writable by %s", path, what, at,
                       st->st_mode & 002 ? "everybody" : "its group");
}

/* Cuts the last component off an absolute path. */
static void to_parent(char *path)
{
        char *slash = strrchr(path, '/');

        slash[slash == path] = 0;
}

static int failed(const char *path, const char *at, int r, struct ec_err *err)
{
        if (!strcmp(path, at))
                return err_set(err, r, "'%s': %s", path, strerror(-r));
        return err_set(err, r, "'%s': %s: %s", path, at, strerror(-r));
}

/* Goes through the path as the kernel would, symlinks included, so that the
 * directories that hold a link are looked at as well as those it leads through. */
int fs_trusted(const char *path, struct ec_err *err)
{
        _cleanup_free_ char *at = NULL, *rest = NULL;
        unsigned links = 0;
        struct stat st;

        if (path[0] == '/') {
                rest = strdup(path);
        } else {
                _cleanup_free_ char *cwd = getcwd(NULL, 0);

                if (!cwd && errno != ENOMEM)
                        return err_set(err, -errno, "'%s': the current directory is gone", path);
                rest = cwd ? fs_join(cwd, path) : NULL;
        }
        at = strdup("/");
        if (!at || !rest)
                return err_oom(err);
        if (lstat(at, &st) < 0)
                return failed(path, at, -errno, err);
        for (;;) {
                _cleanup_free_ char *target = NULL;
                char *name, *next;
                size_t n, skip = strspn(rest, "/");
                int r;

                n = strcspn(rest + skip, "/");
                if (!n)
                        return check(path, at, &st, true, err);
                r = check(path, at, &st, false, err);
                if (r < 0)
                        return r;
                name = strndup(rest + skip, n);
                if (!name)
                        return err_oom(err);
                memmove(rest, rest + skip + n, strlen(rest + skip + n) + 1);
                if (!strcmp(name, ".") || !strcmp(name, "..")) {
                        if (name[1])
                                to_parent(at);
                        free(name);
                        if (lstat(at, &st) < 0)
                                return failed(path, at, -errno, err);
                        continue;
                }
                next = fs_join(at, name);
                free(name);
                if (!next)
                        return err_oom(err);
                free(at);
                at = next;
                if (lstat(at, &st) < 0)
                        return failed(path, at, -errno, err);
                if (!S_ISLNK(st.st_mode)) {
                        if (!S_ISDIR(st.st_mode) && *rest)
                                return failed(path, at, -ENOTDIR, err);
                        continue;
                }
                r = check(path, at, &st, false, err);
                if (r < 0)
                        return r;
                if (++links > SYMLINKS_MAX)
                        return failed(path, at, -ELOOP, err);
                r = fs_readlinkat(AT_FDCWD, at, &target);
                if (r < 0)
                        return failed(path, at, r, err);
                next = str_printf("%s%s", target, rest); /* rest is empty or begins with a slash */
                if (!next)
                        return err_oom(err);
                free(rest);
                rest = next;
                if (target[0] == '/')
                        at[1] = 0;
                else
                        to_parent(at);
                if (lstat(at, &st) < 0)
                        return failed(path, at, -errno, err);
        }
}
