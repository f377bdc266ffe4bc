/* SPDX-License-Identifier: MIT */
#include "model/operation/lock.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "svc/process/interrupt.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"

#define HOLDER_MAX 256

/* "PID COMMAND LINE", shown by runs that wait. Best effort. */
static void write_holder(int fd)
{
        char text[HOLDER_MAX], args[HOLDER_MAX - 32];
        _cleanup_close_ int cmdline = fs_open_regular(AT_FDCWD, "/proc/self/cmdline", O_RDONLY, 0);
        ssize_t n = cmdline < 0 ? 0 : read(cmdline, args, sizeof(args) - 1);

        for (ssize_t i = 0; i < n; i++)
                if (!isprint((unsigned char)args[i]))
                        args[i] = ' ';
        while (n > 0 && args[n - 1] == ' ')
                n--;
        args[n < 0 ? 0 : n] = 0;
        snprintf(text, sizeof(text), "%d %s\n", getpid(), args);
        if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0)
                log_debug("cannot write the lock's holder: %m");
}

static pid_t read_holder(int fd, char *buf, size_t size)
{
        ssize_t n = pread(fd, buf, size - 1, 0);
        long pid;

        buf[n < 0 ? 0 : n] = 0;
        buf[strcspn(buf, "\n")] = 0;
        pid = strtol(buf, NULL, 10);
        return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* Waits until the holder closes the file or ends, or the user interrupts. */
static int wait_for_change(int events, int holder, struct ec_err *err)
{
        struct pollfd p[] = { { interrupt_fd(), POLLIN, 0 }, { events, POLLIN, 0 }, { holder, POLLIN, 0 } };
        char drop[4096];
        /* The limit covers hosts without inotify or pidfds, and a holder that ended before it wrote its name. */
        int r = poll(p, ARRAY_SIZE(p), 1000);

        if (r < 0 && errno != EINTR)
                return err_set(err, -errno, "cannot wait for the lock: %s", strerror(errno));
        if (r > 0 && p[1].revents && read(events, drop, sizeof(drop)) < 0)
                return 0;
        return interrupt_check(err);
}

static int wait_for_lock(const char *path, int fd, struct ec_err *err)
{
        _cleanup_close_ int events = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        char text[HOLDER_MAX], told[HOLDER_MAX] = "";

        if (events >= 0 && inotify_add_watch(events, path, IN_MODIFY | IN_CLOSE_WRITE) < 0)
                log_debug("cannot watch %s: %m", path);
        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                _cleanup_close_ int holder = -1;
                pid_t pid;
                int r;

                if (errno != EWOULDBLOCK && errno != EINTR)
                        return err_set(err, -errno, "cannot lock %s: %s", path, strerror(errno));
                pid = read_holder(fd, text, sizeof(text));
                holder = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
                if (*text && strcmp(text, told)) {
                        const char *args = text + strspn(text, "0123456789");

                        log_notice("waiting for process %.*s (%s)", (int)(args - text), text, args + (*args == ' '));
                        memcpy(told, text, sizeof(told));
                }
                r = wait_for_change(events, holder, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int lock_take(const struct layout *l, int *ret_fd, struct ec_err *err)
{
        _cleanup_close_ int fd = -1;
        int r = layout_make_run_state(l, NULL, err);

        if (r < 0)
                return r;
        /* Mode 0600, because everyone who can open it can lock it. */
        fd = fs_open_regular(AT_FDCWD, l->lock, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
        if (fd < 0)
                return err_set(err, fd, "cannot open %s: %s", l->lock, fs_strerror(fd));
        r = wait_for_lock(l->lock, fd, err);
        if (r < 0)
                return r;
        write_holder(fd);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static void lock_release(int *fd)
{
        if (ftruncate(*fd, 0) < 0)
                log_debug("cannot clear the lock's holder: %m");
        /* Before the close, which wakes waiting runs. */
        flock(*fd, LOCK_UN);
        close(*fd);
        *fd = -1;
}

int op_lock(struct ec_op *op, struct ec_err *err)
{
        int r = op->locked ? 0 : lock_take(op->layout, &op->lock_fd, err);

        if (r >= 0)
                op->locked++;
        return r;
}

void op_unlock(struct ec_op *op)
{
        if (op->locked && --op->locked == 0)
                lock_release(&op->lock_fd);
}
