/* SPDX-License-Identifier: MIT */
#include "util/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"

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

int resolve_stat(int root, const char *path, struct stat *ret)
{
        _cleanup_close_ int fd = resolve_in(root, path, O_PATH | O_CLOEXEC);

        return fd < 0 ? fd : fstat(fd, ret) < 0 ? -errno : 0;
}

int resolve_read(int root, const char *path, size_t max, char **ret)
{
        _cleanup_close_ int at = resolve_in(root, path, O_PATH | O_CLOEXEC);
        _cleanup_close_ int fd = at < 0 ? at : fs_reopen_regular(at, O_RDONLY);

        return fd < 0 ? fd : fs_read_fd(fd, max, ret, NULL);
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
