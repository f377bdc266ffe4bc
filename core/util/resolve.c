/* SPDX-License-Identifier: MIT */
#include "util/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/helper.h"

int resolve_in(int root, const char *path, int flags)
{
        struct open_how how = { .flags = (unsigned)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        int fd;

        /* EAGAIN: a component was renamed meanwhile. */
        for (int tries = 0; tries < 100; tries++) {
                fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
                if (fd >= 0)
                        return fd;
                if (errno != EAGAIN && errno != EINTR)
                        break;
        }
        return -errno;
}

struct look {
        int root;
        const char *path;
        size_t max;
};

/* What a helper writes first. */
struct header {
        int32_t code;
        uint32_t len; /* of what follows */
};

static void tell(int out, int code, const void *data, size_t len)
{
        struct header h = { code, code < 0 ? 0 : (uint32_t)len };
        const char *p = data, *end = p + h.len;
        ssize_t n = write(out, &h, sizeof(h));

        while (n > 0 && p < end) {
                n = write(out, p, (size_t)(end - p));
                p += n;
        }
}

static void look_at(void *data, int out)
{
        const struct look *l = data;
        _cleanup_close_ int fd = resolve_in(l->root, l->path, O_PATH | O_CLOEXEC);
        struct stat st;

        tell(out, fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0, &st, sizeof(st));
}

static void read_file(void *data, int out)
{
        const struct look *l = data;
        _cleanup_close_ int at = resolve_in(l->root, l->path, O_PATH | O_CLOEXEC);
        _cleanup_close_ int fd = at < 0 ? at : fs_reopen_regular(at, O_RDONLY);
        _cleanup_free_ char *text = NULL;
        size_t len = 0;
        int r = fd < 0 ? fd : fs_read_fd(fd, l->max, &text, &len);

        tell(out, r, text, len);
}

/* *ret: what the helper wrote after the header, and a NUL. */
static int in_helper(void (*fn)(void *data, int out), struct look *l, int wake, char **ret, size_t *ret_len)
{
        _cleanup_free_ char *text = NULL;
        struct header h;
        size_t len;
        int r = helper_run(fn, l, &l->root, 1, sizeof(h) + l->max, wake, &text, &len);

        if (!text || len < sizeof(h))
                return r < 0 ? r : -EIO;
        memcpy(&h, text, sizeof(h));
        if (h.code < 0)
                return h.code;
        if (len != sizeof(h) + h.len)
                return r < 0 ? r : -EIO;
        memmove(text, text + sizeof(h), h.len + 1);
        *ret = TAKE_PTR(text);
        *ret_len = h.len;
        return 0;
}

int resolve_stat(int root, const char *path, int wake, struct stat *ret)
{
        struct look l = { root, path, sizeof(*ret) };
        _cleanup_free_ char *st = NULL;
        size_t len;
        int r = in_helper(look_at, &l, wake, &st, &len);

        if (r >= 0)
                memcpy(ret, st, sizeof(*ret));
        return r;
}

int resolve_read(int root, const char *path, size_t max, int wake, char **ret)
{
        struct look l = { root, path, max };
        size_t len;

        return in_helper(read_file, &l, wake, ret, &len);
}

bool resolve_failed(int r)
{
        static const int codes[] = { -ETIMEDOUT, -ECANCELED, -EIO, -ENOMEM, -EAGAIN, -EMFILE, -ENFILE };

        for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
                if (r == codes[i])
                        return true;
        return false;
}

const char *resolve_strerror(int r)
{
        return r == -ETIMEDOUT ? "its file systems do not answer" : r == -ECANCELED ? "interrupted" : fs_strerror(r);
}
