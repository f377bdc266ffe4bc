/* SPDX-License-Identifier: MIT */
#include "util/fs_remove.h"

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_unmount.h"

#define RESCANS_MAX    3          /* of a directory that fills again while it is emptied */
#define CHANGES_MAX    20000      /* by other processes, in the whole tree; they may never stop */
#define NAMES_MAX      (16 << 20) /* bytes that are read before the files of a directory are removed */
#define LARGE_MAX      256        /* further readings, in the whole tree, of directories with more names than that */
#define SHOWN_PATH_MAX 512

#define OTHERS                                                                                                      \
        "another process keeps creating files in it, perhaps in a container that shares it; stop that process and " \
        "try again"

/* A file and the mount that it is on. */
struct ident {
        uint64_t ino, mnt;
        dev_t dev;
        mode_t mode;
        struct statx_timestamp changed; /* ctime, which no process can set */
};

/* A directory between the top and the current one. Only the innermost is open: the way up is "..", compared with the
 * identity noted here. So neither depth nor path length has a limit. */
struct level {
        char *name; /* in its parent; the first one's path */
        struct ident id;
        char *subdirs; /* NUL-terminated names, one after the other, still to do */
        size_t pos, len;
        unsigned rescans;
        bool failed; /* something in it stays, and was reported */
        bool busy;   /* another process changes it */
        bool more;   /* has more names than were read */
};

struct walk {
        struct level *v;
        size_t n, size;
        size_t changes, large; /* counted up to CHANGES_MAX and LARGE_MAX */
        struct statx_timestamp start;
        int fd; /* of the innermost level */
        int r;  /* of the first thing that stays */
        struct ec_err *err;
};

static int identify(int fd, const char *name, struct ident *ret)
{
        int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
        struct statx sx;

        if (statx(fd, name, flags, STATX_BASIC_STATS | STATX_MNT_ID, &sx) < 0)
                return -errno;
        *ret = (struct ident){ .ino = sx.stx_ino,
                               .dev = makedev(sx.stx_dev_major, sx.stx_dev_minor),
                               .mode = sx.stx_mode,
                               .changed = sx.stx_ctime };
        /* A btrfs subvolume has a device number of its own, but is not another mount. */
        ret->mnt = sx.stx_mask & STATX_MNT_ID ? sx.stx_mnt_id : ret->dev;
        return 0;
}

static bool same_file(const struct ident *a, const struct ident *b)
{
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): errno of a failure is not negative */
        return a->mnt == b->mnt && a->dev == b->dev && a->ino == b->ino;
}

/* ---- reports ------------------------------------------------------------ */

/* The path of an entry of the innermost level; NULL name: the level itself. */
static char *path_of(const struct walk *w, const char *name)
{
        char *path = strdup(w->v[0].name);

        for (size_t i = 1; path && i <= w->n; i++) {
                const char *part = i < w->n ? w->v[i].name : name;
                char *longer;

                if (!part)
                        break;
                if (i + 1 < w->n && strlen(path) > SHOWN_PATH_MAX) {
                        part = "...";
                        i = w->n - 1; /* continue with the last name */
                }
                longer = fs_join(path, part);
                free(path);
                path = longer;
        }
        return path;
}

static void report(struct walk *w, int r, const char *name, const char *why)
{
        _cleanup_free_ char *path = NULL;

        w->v[w->n - 1].failed = true;
        if (w->r)
                return;
        w->r = r;
        path = path_of(w, name);
        if (path)
                err_set(w->err, r, "cannot remove '%s': %s", path, why ? why : strerror(-r));
        else
                err_oom(w->err);
}

/* ---- obstacles ---------------------------------------------------------- */

static void clear_flags(int fd)
{
        int flags;

        if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)))
                return;
        flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
        (void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* Lets the entries of a directory be removed, after -EPERM or -EACCES. Level 0 is the directory that contains the tree:
 * its flags are not ours to change. */
static void unlock_dir(size_t level, int fd)
{
        struct stat st;

        if (!level)
                return;
        clear_flags(fd);
        if (fstat(fd, &st) >= 0 && (st.st_mode & 0700) != 0700)
                (void)fchmod(fd, (st.st_mode & 07777) | 0700);
}

/* Only regular files have the flags; opening others may have side effects. */
static void unlock_file(int dir, const char *name, const struct ident *id)
{
        _cleanup_close_ int fd = -1;
        struct ident now;

        if (!S_ISREG(id->mode))
                return;
        fd = fs_open_regular(dir, name, O_RDONLY | O_NOFOLLOW, 0);
        if (fd >= 0 && identify(fd, "", &now) >= 0 && same_file(&now, id))
                clear_flags(fd);
}

static void unlock_subvolume(int fd, const struct ident *id)
{
        struct statfs sfs;
        uint64_t flags;

        /* Every subvolume's root has inode number 256: a cheap test first. */
        if (id->ino != 256 || fstatfs(fd, &sfs) < 0 || sfs.f_type != BTRFS_SUPER_MAGIC)
                return;
        if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) < 0 || !(flags & BTRFS_SUBVOL_RDONLY))
                return;
        flags &= ~BTRFS_SUBVOL_RDONLY;
        (void)ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags);
}

/* ---- the walk ----------------------------------------------------------- */

static int unlink_at(int dir, const char *name, int flags)
{
        return unlinkat(dir, name, flags) >= 0 || errno == ENOENT ? 0 : -errno;
}

/* Removes an entry that is not a directory: 0, also if it stays and was reported; 1: it is a directory. */
static int remove_file(struct walk *w, const char *name)
{
        struct ident id = { 0 };
        int r = unlink_at(w->fd, name, 0);

        if (r == 0 || r == -EISDIR)
                return r == -EISDIR;
        if (identify(w->fd, name, &id) >= 0 && S_ISDIR(id.mode))
                return 1;
        if (r == -EPERM || r == -EACCES) {
                unlock_dir(w->n - 1, w->fd);
                unlock_file(w->fd, name, &id);
                r = unlink_at(w->fd, name, 0);
        }
        if (r < 0)
                report(w, r, name,
                       r == -EBUSY && id.mnt != w->v[w->n - 1].id.mnt ? "another file is mounted there" : NULL);
        return 0;
}

/* Names of a directory but "." and "..", each with its NUL, up to about NAMES_MAX bytes. */
static int read_names(int fd, char **ret, size_t *ret_len, bool *ret_more)
{
        int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
        _cleanup_closedir_ DIR *d = copy < 0 ? NULL : fdopendir(copy);
        FILE *f = d ? open_memstream(ret, ret_len) : NULL;
        struct dirent *de = NULL;
        size_t len = 0;

        if (!f) {
                r = -errno;
                if (!d && copy >= 0)
                        close(copy);
                return r;
        }
        while ((errno = 0, len < NAMES_MAX) && (de = readdir(d)))
                if (strcmp(de->d_name, ".") && strcmp(de->d_name, "..")) {
                        len += strlen(de->d_name) + 1;
                        (void)fwrite(de->d_name, strlen(de->d_name) + 1, 1, f);
                }
        *ret_more = de;
        r = ferror(f) ? -ENOMEM : -errno;
        if (fclose(f) && !r)
                r = -ENOMEM;
        if (r < 0)
                free(TAKE_PTR(*ret));
        return r;
}

/* Removes the innermost level's files, and notes its directories. */
static void scan(struct walk *w)
{
        struct level *l = &w->v[w->n - 1];
        size_t len = 0, kept = 0;
        char *names = NULL;
        int r;

        r = read_names(w->fd, &names, &len, &l->more);
        if (r < 0) {
                report(w, r, NULL, NULL);
                return;
        }
        for (size_t i = 0, n; i < len; i += n) {
                n = strlen(names + i) + 1;
                w->changes += l->busy;
                if (remove_file(w, names + i) > 0) {
                        memmove(names + kept, names + i, n);
                        kept += n;
                }
        }
        free(l->subdirs);
        l->subdirs = names;
        l->len = kept;
        l->pos = 0;
}

static int push(struct walk *w, char *name, const struct ident *id)
{
        if (w->n == w->size) {
                size_t size = w->size ? w->size * 2 : 32;
                struct level *v = reallocarray(w->v, size, sizeof(*v));

                if (!v)
                        return -ENOMEM;
                w->v = v;
                w->size = size;
        }
        w->v[w->n++] = (struct level){ .name = name, .id = *id };
        return 0;
}

static void pop(struct walk *w)
{
        struct level *l = &w->v[--w->n];

        free(l->name);
        free(l->subdirs);
}

static bool later(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
        return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Whether another process has made, moved or filled a directory since the start. A time after now is from a clock that
 * was wrong. The directory's ctime becomes now, so that one that is moved and entered again counts, too. */
static int changed_by_others(struct walk *w, int fd, struct ident *id, const struct statx_timestamp *changed)
{
        int r;

        if (fchmod(fd, id->mode & 07777) < 0)
                unlock_dir(w->n, fd);
        r = identify(fd, "", id);
        if (r < 0)
                return r;
        if (w->n == 1) {
                struct timespec ts;

                /* ctimes have this clock's resolution; those of a network file system may be ahead of it. */
                clock_gettime(CLOCK_REALTIME_COARSE, &ts);
                w->start = (struct statx_timestamp){ .tv_sec = ts.tv_sec, .tv_nsec = (uint32_t)ts.tv_nsec };
                if (later(&id->changed, &w->start))
                        w->start = id->changed;
                return 0;
        }
        return later(changed, &w->start) && !later(changed, &id->changed);
}

static int open_dir(int dir, const char *name)
{
        int fd = -1;

        for (int i = 0; i < 2; i++) {
                fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd >= 0 || errno != EACCES || fchmodat(dir, name, 0700, AT_SYMLINK_NOFOLLOW) < 0)
                        break;
        }
        return fd < 0 ? -errno : fd;
}

/* Opens a directory of the innermost level and makes it the innermost. */
static void enter(struct walk *w, const char *name)
{
        _cleanup_close_ int fd = -1;
        struct ident id, before;
        char *copy;
        int r, busy;

        r = identify(w->fd, name, &before);
        if (r == -ENOENT)
                return;
        if (r < 0)
                return report(w, r, name, NULL);
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): errno of a failure is not negative */
        if (before.mnt != w->v[w->n - 1].id.mnt)
                return report(w, -EXDEV, name, "another file system is mounted there");
        fd = open_dir(w->fd, name);
        if (fd == -ENOENT)
                return;
        r = fd < 0 ? fd : identify(fd, "", &id);
        if (r < 0)
                return report(w, r, name, NULL);
        if (!same_file(&id, &before))
                return report(w, -ESTALE, name, "another process is changing it");
        unlock_subvolume(fd, &id);
        busy = changed_by_others(w, fd, &id, &before.changed);
        if (busy > 0 && w->changes++ >= CHANGES_MAX) {
                struct level *l = &w->v[w->n - 1];

                if (l->busy)
                        l->pos = l->len; /* there may be millions of them */
                return report(w, -ENOTEMPTY, NULL, OTHERS);
        }
        copy = busy < 0 ? NULL : strdup(name);
        r = busy < 0 ? busy : copy ? push(w, copy, &id) : -ENOMEM;
        if (r < 0) {
                free(copy);
                return report(w, r, name, NULL);
        }
        w->v[w->n - 1].busy = busy;
        close(w->fd);
        w->fd = TAKE_FD(fd);
        scan(w);
}

/* Whether to scan a directory again that is not empty. */
static bool again(struct walk *w, struct level *l)
{
        if (l->more)
                return w->large++ < LARGE_MAX;
        l->busy = true;
        return l->rescans++ < RESCANS_MAX && w->changes < CHANGES_MAX;
}

/* Returns to the parent and removes the directory. <0: the way up is lost. */
static int leave(struct walk *w)
{
        _cleanup_close_ int up = -1;
        struct level *l = &w->v[w->n - 1], *parent = l - 1;
        struct ident id;
        int r;

        up = openat(w->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = up < 0 ? -errno : identify(up, "", &id);
        if (r >= 0 && !same_file(&id, &parent->id))
                r = -ESTALE;
        if (r < 0) {
                report(w, r, NULL, r == -ESTALE ? "another process is moving directories in it" : NULL);
                return r;
        }
        r = l->failed ? 0 : unlink_at(up, l->name, AT_REMOVEDIR);
        if (r == -EPERM || r == -EACCES) {
                unlock_dir(w->n - 2, up);
                unlock_dir(w->n - 1, w->fd);
                r = unlink_at(up, l->name, AT_REMOVEDIR);
        }
        if (r == -EEXIST)
                r = -ENOTEMPTY;
        if (r == -ENOTEMPTY && again(w, l)) {
                scan(w);
                return 0;
        }
        if (r < 0)
                report(w, r, NULL, r == -ENOTEMPTY && w->changes ? OTHERS : NULL);
        parent->failed |= l->failed;
        close(w->fd);
        w->fd = TAKE_FD(up);
        pop(w);
        return 0;
}

static void walk(struct walk *w, const char *name)
{
        if (remove_file(w, name) == 0)
                return;
        enter(w, name);
        while (w->n > 1) {
                struct level *l = &w->v[w->n - 1];

                if (l->pos < l->len) {
                        const char *next = l->subdirs + l->pos;

                        l->pos += strlen(next) + 1;
                        /* enter() may move the levels, never a level's names. */
                        enter(w, next);
                } else if (leave(w) < 0) {
                        return;
                }
        }
}

/* Splits a path into the real path of its directory, and a name in it. -ENOENT: the directory does not exist. */
static int split(const char *path, char **ret_dir, char **ret_name, struct ec_err *err)
{
        _cleanup_free_ char *copy = strdup(path), *name = NULL;
        char *slash;

        if (!copy)
                return err_oom(err);
        for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
                copy[n - 1] = 0;
        slash = strrchr(copy, '/');
        name = strdup(slash ? slash + 1 : copy);
        if (!name)
                return err_oom(err);
        if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
                return err_set(err, -EINVAL, "cannot remove '%s': it does not name an entry of a directory", path);
        *ret_dir = realpath(dirname(copy), NULL);
        if (!*ret_dir && (errno == ENOENT || errno == ENOTDIR))
                return -ENOENT;
        if (!*ret_dir)
                return err_set(err, -errno, "cannot remove '%s': %s", path, strerror(errno));
        *ret_name = TAKE_PTR(name);
        return 0;
}

static void walk_done(struct walk *w)
{
        while (w->n)
                pop(w);
        free(w->v);
        if (w->fd >= 0)
                close(w->fd);
}

int fs_remove_tree(const char *path, struct ec_err *err)
{
        _cleanup_free_ char *dir = NULL, *name = NULL, *full = NULL;
        _cleanup_err_ struct ec_err mount_err = { 0 };
        _cleanup_(walk_done) struct walk w = { .fd = -1, .err = err };
        struct ident id;
        int r = split(path, &dir, &name, err);

        if (r < 0)
                return r == -ENOENT ? 0 : r;
        full = fs_join(dir, name);
        if (!full)
                return err_oom(err);
        fs_unmount_below(full, &mount_err);

        w.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = w.fd < 0 ? -errno : identify(w.fd, "", &id);
        if (r < 0)
                return r == -ENOENT ? 0 : err_set(err, r, "cannot remove '%s': %s", path, strerror(-r));
        if (push(&w, dir, &id) < 0)
                return err_oom(err);
        dir = NULL;
        walk(&w, name);
        /* A mount that cannot be undone explains why something stays. If nothing stays, this is not a failure. */
        if (!w.r || !mount_err.code)
                return w.r;
        r = mount_err.code;
        err_move(err, &mount_err);
        return r;
}
