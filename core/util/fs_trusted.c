/* SPDX-License-Identifier: MIT */
#include "util/fs_trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define SYMLINKS_MAX 40 /* as in the kernel */
#define TREE_DEPTH   8  /* also ends a circle of links */

/* A walk through a path as the kernel does it, symbolic links included: the directories that contain a link are checked
 * as well as those that it leads through. */
struct walk {
        const char *path; /* as given, for messages */
        char *at, *rest;  /* the path so far, and the rest */
        struct stat st;   /* of `at` */
        unsigned links;
        struct ec_err *err;
};

static void walk_done(struct walk *w)
{
        free(w->at);
        free(w->rest);
}

static int failed(const struct walk *w, int r)
{
        if (!strcmp(w->path, w->at))
                return err_set(w->err, r, "'%s': %s", w->path, strerror(-r));
        return err_set(w->err, r, "'%s': %s: %s", w->path, w->at, strerror(-r));
}

static bool owner_trusted(uid_t uid)
{
        return uid == 0 || (geteuid() != 0 && uid == geteuid());
}

/* A user who can write to a directory can replace its entries; in a sticky directory only the owner of an entry can,
 * and entries are checked separately. */
static int check(const struct walk *w, bool last)
{
        bool dir = S_ISDIR(w->st.st_mode), itself = !strcmp(w->path, w->at);
        const char *who;

        if (!owner_trusted(w->st.st_uid))
                return itself ? err_set(w->err, -EPERM, "'%s' belongs to user %u, not to root", w->path, w->st.st_uid)
                              : err_set(w->err, -EPERM, "'%s' is not trusted: '%s' belongs to user %u, not to root",
                                        w->path, w->at, w->st.st_uid);
        if (S_ISLNK(w->st.st_mode))
                return 0;
        if (!(w->st.st_mode & 022) || (dir && (w->st.st_mode & S_ISVTX) && !last))
                return 0;
        who = w->st.st_mode & 002 ? "everybody" : "its group";
        /* Other users may need to write to a directory; that is for the administrator to decide. */
        if (itself)
                return err_set(w->err, -EPERM,
                               dir ? "'%s' is writable by %s" : "'%s' is writable by %s; run 'chmod go-w %s'", w->path,
                               who, w->path);
        return err_set(w->err, -EPERM, "'%s' is not trusted: the %s '%s' is writable by %s", w->path,
                       dir ? "directory" : "file", w->at, who);
}

static int look(struct walk *w)
{
        return lstat(w->at, &w->st) < 0 ? failed(w, -errno) : 0;
}

/* Cuts the last component off an absolute path. */
static void to_parent(char *path)
{
        char *slash = strrchr(path, '/');

        slash[slash == path] = 0;
}

/* Replaces the link at `at` with its target. */
static int follow(struct walk *w)
{
        _cleanup_free_ char *target = NULL;
        char *rest;
        int r = check(w, false);

        if (r < 0)
                return r;
        if (++w->links > SYMLINKS_MAX)
                return failed(w, -ELOOP);
        r = fs_readlinkat(AT_FDCWD, w->at, &target);
        if (r < 0)
                return failed(w, r);
        rest = str_printf("%s%s", target, w->rest); /* empty, or begins with a slash */
        if (!rest)
                return err_oom(w->err);
        free(w->rest);
        w->rest = rest;
        if (target[0] == '/')
                w->at[1] = 0;
        else
                to_parent(w->at);
        return look(w);
}

/* Moves on to the next component: 1; 0: this was the last one. */
static int step(struct walk *w)
{
        size_t skip = strspn(w->rest, "/"), n = strcspn(w->rest + skip, "/");
        _cleanup_free_ char *name = strndup(w->rest + skip, n);
        int r = check(w, !n);

        if (r < 0 || !n)
                return r;
        if (!name)
                return err_oom(w->err);
        memmove(w->rest, w->rest + skip + n, strlen(w->rest + skip + n) + 1);
        if (!strcmp(name, "..")) {
                to_parent(w->at);
        } else if (strcmp(name, ".")) {
                char *next = fs_join(w->at, name);

                if (!next)
                        return err_oom(w->err);
                free(w->at);
                w->at = next;
        }
        r = look(w);
        if (r >= 0 && S_ISLNK(w->st.st_mode))
                r = follow(w);
        else if (r >= 0 && !S_ISDIR(w->st.st_mode) && *w->rest)
                r = failed(w, -ENOTDIR);
        return r < 0 ? r : 1;
}

int fs_trusted(const char *path, struct ec_err *err)
{
        _cleanup_(walk_done) struct walk w = { .path = path, .at = strdup("/"), .err = err };
        _cleanup_free_ char *from = path[0] == '/' ? strdup("/") : getcwd(NULL, 0);
        int r;

        if (!from && errno != ENOMEM)
                return err_set(err, -errno, "'%s': the current directory is gone", path);
        w.rest = from ? fs_join(from, path) : NULL;
        r = w.at && w.rest ? look(&w) : err_oom(err);
        while (r >= 0 && (r = step(&w)) > 0)
                ;
        return r;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is limited */
static int tree(const char *path, unsigned depth, struct ec_err *err)
{
        _cleanup_closedir_ DIR *d = NULL;
        int r = fs_trusted(path, err);

        if (r < 0)
                return r;
        d = opendir(path);
        if (!d)
                return errno == ENOTDIR ? 0 : err_set(err, -errno, "'%s': %s", path, strerror(errno));
        if (depth == TREE_DEPTH)
                return err_set(err, -ELOOP, "'%s' is not trusted: its directories are nested too deeply", path);
        for (struct dirent *e; r >= 0 && (e = readdir(d));) {
                _cleanup_free_ char *entry = NULL;

                if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
                        continue;
                entry = fs_join(path, e->d_name);
                r = entry ? tree(entry, depth + 1, err) : err_oom(err);
        }
        return r;
}

int fs_trusted_tree(const char *dir, struct ec_err *err)
{
        return tree(dir, 0, err);
}
