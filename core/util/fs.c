/* SPDX-License-Identifier: MIT */
#include "util/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "util/cleanup.h"
#include "util/strv.h"

int fs_check_regular(int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) ? 0 : FS_NOT_REGULAR;
}

int fs_reopen(int fd, int flags)
{
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
        int r;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        /* O_NONBLOCK: another process may have a lease on the file. */
        r = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return r < 0 ? -errno : r;
}

/* A FIFO or a device is not even opened, which could block or change it. */
static int open_existing(int dirfd, const char *path, int flags)
{
        _cleanup_close_ int fd = openat(dirfd, path, O_PATH | O_CLOEXEC | (flags & O_NOFOLLOW));
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return -ELOOP;
        return S_ISREG(st.st_mode) ? fs_reopen(fd, flags & ~O_NOFOLLOW) : FS_NOT_REGULAR;
}

int fs_open_regular(int dirfd, const char *path, int flags, mode_t mode)
{
        _cleanup_close_ int fd = -1;
        int r;

        if (!(flags & O_CREAT))
                return open_existing(dirfd, path, flags);
        fd = openat(dirfd, path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
        if (fd < 0)
                return errno == ENXIO ? FS_NOT_REGULAR : -errno; /* a socket; a FIFO without a reader */
        r = fs_check_regular(fd);
        return r < 0 ? r : TAKE_FD(fd);
}

/* To read a file of the kernel may wait, and takes away what others would read. */
static int check_not_kernel(int fd)
{
        static const unsigned long kernel[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC,      TRACEFS_MAGIC,
                                                DEBUGFS_MAGIC,    SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC,
                                                BPF_FS_MAGIC,     PSTOREFS_MAGIC,   CGROUP2_SUPER_MAGIC };
        struct statfs fs;

        if (fstatfs(fd, &fs) < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(kernel); i++)
                if ((unsigned long)fs.f_type == kernel[i])
                        return FS_NOT_REGULAR;
        return 0;
}

int fs_reopen_regular(int fd, int flags)
{
        int r = fs_check_regular(fd);

        if (r >= 0)
                r = check_not_kernel(fd);
        return r < 0 ? r : fs_reopen(fd, flags);
}

const char *fs_strerror(int r)
{
        return r == FS_NOT_REGULAR ? "it is not a regular file" : strerror(-r);
}

int fs_read_fd(int fd, size_t max, char **ret, size_t *ret_len)
{
        _cleanup_free_ char *buf = NULL;
        size_t len = 0, size = 0;
        ssize_t n;

        do {
                if (len + 1 >= size) {
                        char *p = realloc(buf, size ? size * 2 : 4096);

                        if (!p)
                                return -ENOMEM;
                        buf = p;
                        size = size ? size * 2 : 4096;
                }
                n = read(fd, buf + len, size - len - 1);
                if (n < 0 && errno != EINTR)
                        return -errno;
                len += n > 0 ? n : 0;
                if (len > max)
                        return -EFBIG;
        } while (n);
        buf[len] = 0;
        *ret = TAKE_PTR(buf);
        if (ret_len)
                *ret_len = len;
        return 0;
}

int fs_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
        _cleanup_close_ int fd = fs_open_regular(AT_FDCWD, path, O_RDONLY, 0);

        return fd < 0 ? fd : fs_read_fd(fd, max, ret, ret_len);
}

int fs_readlinkat(int dirfd, const char *path, char **ret)
{
        for (size_t size = 256;; size *= 2) {
                _cleanup_free_ char *buf = malloc(size);
                ssize_t n;

                if (!buf)
                        return -ENOMEM;
                n = readlinkat(dirfd, path, buf, size);
                if (n < 0)
                        return -errno;
                if ((size_t)n < size) {
                        buf[n] = 0;
                        *ret = TAKE_PTR(buf);
                        return 0;
                }
        }
}

/* Independent of the umask. */
static int make_dir(const char *path, mode_t mode)
{
        struct stat st;

        if (mkdir(path, mode) < 0)
                return -errno;
        if (lstat(path, &st) >= 0 && (st.st_mode & mode) == mode)
                return 0;
        return chmod(path, mode) < 0 ? -errno : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): a path that the kernel accepts has up to PATH_MAX bytes */
int fs_mkdir_p(const char *path, mode_t mode)
{
        struct stat st;
        int r = make_dir(path, mode);

        if (r == -ENOENT && *path) {
                _cleanup_free_ char *copy = strdup(path);

                r = copy ? fs_mkdir_p(dirname(copy), mode) : -ENOMEM;
                if (r < 0)
                        return r;
                r = make_dir(path, mode);
        }
        /* In a read-only parent, mkdir() may fail otherwise although the directory exists. */
        if (!r || (stat(path, &st) >= 0 && S_ISDIR(st.st_mode)))
                return 0;
        if (r == -EEXIST)
                return access(path, F_OK) < 0 ? -errno : -ENOTDIR;
        return r;
}

/* What follows the last slash, or NULL. */
static const char *file_name(const char *path)
{
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

        return !*name || !strcmp(name, ".") || !strcmp(name, "..") ? NULL : name;
}

/* systemd and others ignore names with ".#". The length is fixed, so that a name of 255 bytes has a temporary name,
 * too. */
#define TEMP_PREFIX ".#extra-container-"

/* Makes a link (or without target, a file, which is returned open) with a temporary name in the directory of path. */
static int make_temp(const char *path, const char *target, char **ret)
{
        const char *name = file_name(path);

        if (!name)
                return -EINVAL;
        for (;;) {
                _cleanup_free_ char *temp = NULL;
                uint64_t n;
                int r;

                if (getrandom(&n, sizeof(n), 0) != sizeof(n))
                        return -errno;
                temp = str_printf("%.*s" TEMP_PREFIX "%016" PRIx64, (int)(name - path), path, n);
                if (!temp)
                        return -ENOMEM;
                r = target ? symlink(target, temp) : open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
                if (r < 0 && errno == EEXIST)
                        continue;
                if (r < 0)
                        return -errno;
                *ret = TAKE_PTR(temp);
                return r;
        }
}

/* symlink() is atomic; a temporary name is only needed to replace a link. */
int fs_symlink_atomic(const char *target, const char *path)
{
        _cleanup_free_ char *temp = NULL;
        int r;

        if (!file_name(path))
                return -EINVAL;
        if (symlink(target, path) >= 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        r = make_temp(path, target, &temp);
        if (r >= 0 && rename(temp, path) < 0) {
                r = -errno;
                unlink(temp);
        }
        return r;
}

static int write_all(int fd, const char *p, size_t len)
{
        while (len) {
                ssize_t n = write(fd, p, len);

                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                p += n;
                len -= n;
        }
        return 0;
}

int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode)
{
        _cleanup_free_ char *temp = NULL;
        int fd = make_temp(path, NULL, &temp), r;

        if (fd < 0)
                return fd;
        r = write_all(fd, data, len);
        /* Independent of the umask. */
        if (!r && fchmod(fd, mode) < 0)
                r = -errno;
        if (!r && fsync(fd) < 0)
                r = -errno;
        if (close(fd) < 0 && !r)
                r = -errno;
        if (!r && rename(temp, path) < 0)
                r = -errno;
        if (r < 0)
                /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): errno of a failure is not negative */
                unlink(temp);
        return r;
}

void fs_remove_temp(const char *dir)
{
        _cleanup_closedir_ DIR *d = opendir(dir);

        for (struct dirent *e; d && (e = readdir(d));)
                if (!strncmp(e->d_name, TEMP_PREFIX, strlen(TEMP_PREFIX)))
                        unlinkat(dirfd(d), e->d_name, 0);
}

bool fs_has_entries(const char *dir)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        const struct dirent *e;

        while (d && (e = readdir(d)))
                if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
                        return true;
        return false;
}

bool fs_exists(const char *path)
{
        return !faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW);
}

int fs_unlink(const char *path)
{
        if (unlink(path) >= 0)
                return 1;
        /* ENOTDIR counts as absent. */
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

char *fs_join(const char *a, const char *b)
{
        size_t n = strlen(a);

        b += strspn(b, "/");
        while (n && a[n - 1] == '/')
                n--;
        /* An empty first part adds no slash; "/" stays the root. */
        if (!*a)
                return strdup(b);
        return str_printf("%.*s/%s", (int)n, a, b);
}
