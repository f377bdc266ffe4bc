/* SPDX-License-Identifier: MIT */
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/strv.h"

int fs_read(const char *path, size_t max, char **ret, size_t *ret_len)
{
        _cleanup_close_ int fd = -1;
        _cleanup_free_ char *buf = NULL;
        size_t len = 0, size = 0;
        struct stat st;

        if (max > SSIZE_MAX - 2)
                max = SSIZE_MAX - 2;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return -EISDIR;
        /* The size is only a hint: files of /proc and pipes have none. */
        if (S_ISREG(st.st_mode) && st.st_size > 0 && (uintmax_t)st.st_size <= max)
                size = st.st_size + 2;
        else
                size = 4096;
        for (;;) {
                ssize_t n;

                if (!buf || len + 1 >= size) {
                        char *p;

                        if (buf)
                                size *= 2;
                        if (size > max + 2)
                                size = max + 2; /* one byte more than allowed, and the NUL */
                        p = realloc(buf, size);
                        if (!p)
                                return -ENOMEM;
                        buf = p;
                }
                n = read(fd, buf + len, size - len - 1);
                if (n < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (!n)
                        break;
                len += n;
                if (len > max)
                        return -EFBIG;
        }
        buf[len] = 0;
        *ret = TAKE_PTR(buf);
        if (ret_len)
                *ret_len = len;
        return 0;
}

int fs_readlinkat(int dirfd, const char *path, char **ret)
{
        for (size_t size = 256;; size *= 2) {
                char *buf = malloc(size);
                ssize_t n;

                if (!buf)
                        return -ENOMEM;
                n = readlinkat(dirfd, path, buf, size);
                if (n < 0) {
                        int r = -errno;

                        free(buf);
                        return r;
                }
                if ((size_t)n < size) {
                        buf[n] = 0;
                        *ret = buf;
                        return 0;
                }
                free(buf);
        }
}

static int is_dir(const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int fs_mkdir_p(const char *path, mode_t mode)
{
        _cleanup_free_ char *p = NULL;
        size_t i = 0;

        if (!*path)
                return -ENOENT;
        p = strdup(path);
        if (!p)
                return -ENOMEM;
        for (;;) {
                char c;
                int r;

                i += strspn(p + i, "/");
                i += strcspn(p + i, "/");
                c = p[i];
                p[i] = 0;
                if (mkdir(p, mode) < 0) {
                        int e = errno;

                        /* In a read-only parent, mkdir() may fail otherwise although the directory exists. */
                        if (e != EEXIST && e != EROFS && e != EACCES && e != EPERM)
                                return -e;
                        r = is_dir(p);
                        if (r < 0)
                                return e == EEXIST ? r : -e;
                }
                if (!c)
                        return 0;
                p[i] = c;
                if (!p[i + strspn(p + i, "/")])
                        return 0;
        }
}

/* What follows the last slash; *ret_dir_len bytes come before it, including the slash. */
static const char *file_name(const char *path, size_t *ret_dir_len)
{
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

        if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
                return NULL;
        *ret_dir_len = name - path;
        return name;
}

/* Opens the directory that contains path; *ret_name points into path. */
static int open_parent(const char *path, const char **ret_name)
{
        size_t len = 0;
        const char *name = file_name(path, &len);
        _cleanup_free_ char *dir = NULL;
        int fd;

        if (!name)
                return -EINVAL;
        *ret_name = name;
        dir = len ? strndup(path, len) : strdup(".");
        if (!dir)
                return -ENOMEM;
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* systemd and others ignore names with ".#". The length is fixed, so that a name of 255 bytes has a temporary name,
 * too. */
#define TEMP_PREFIX    ".#extra-container-"
#define TEMP_NAME_SIZE sizeof(TEMP_PREFIX "0123456789abcdef")

static int temp_name(char buf[static TEMP_NAME_SIZE])
{
        uint64_t n;

        if (getrandom(&n, sizeof(n), 0) != sizeof(n))
                return -errno;
        snprintf(buf, TEMP_NAME_SIZE, TEMP_PREFIX "%016llx", (unsigned long long)n);
        return 0;
}

/* symlink() is atomic; a temporary name is only needed to replace a link. Works with paths, because opening the
 * directory would take as long as the rest. */
int fs_symlink_atomic(const char *target, const char *path)
{
        _cleanup_free_ char *temp = NULL;
        size_t len;
        int r;

        if (!file_name(path, &len))
                return -EINVAL;
        if (symlink(target, path) >= 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        temp = malloc(len + TEMP_NAME_SIZE);
        if (!temp)
                return -ENOMEM;
        memcpy(temp, path, len);
        do {
                r = temp_name(temp + len);
                if (r < 0)
                        return r;
                r = symlink(target, temp) < 0 ? -errno : 0;
        } while (r == -EEXIST);
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
        _cleanup_close_ int dir = -1, fd = -1;
        char temp[TEMP_NAME_SIZE];
        const char *name;
        int r;

        dir = open_parent(path, &name);
        if (dir < 0)
                return dir;
        do {
                r = temp_name(temp);
                if (r < 0)
                        return r;
                fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
                r = fd < 0 ? -errno : 0;
        } while (r == -EEXIST);
        if (r < 0)
                return r;
        r = write_all(fd, data, len);
        /* Independent of the umask. */
        if (!r && fchmod(fd, mode) < 0)
                r = -errno;
        if (!r && fsync(fd) < 0)
                r = -errno;
        if (close(TAKE_FD(fd)) < 0 && !r)
                r = -errno;
        if (!r && renameat(dir, temp, dir, name) < 0)
                r = -errno;
        if (r < 0)
                unlinkat(dir, temp, 0);
        return r;
}

void fs_remove_temp(const char *dir)
{
        _cleanup_closedir_ DIR *d = opendir(dir);

        for (struct dirent *e; d && (e = readdir(d));)
                if (!strncmp(e->d_name, TEMP_PREFIX, strlen(TEMP_PREFIX)))
                        unlinkat(dirfd(d), e->d_name, 0);
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
