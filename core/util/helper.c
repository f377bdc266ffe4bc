/* SPDX-License-Identifier: MIT */
#include "util/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"

static int by_number(const void *a, const void *b)
{
        return *(const int *)a - *(const int *)b;
}

static void close_others(const int *keep, size_t n)
{
        int sorted[HELPER_FDS], first = STDERR_FILENO + 1;

        memcpy(sorted, keep, n * sizeof(*keep));
        qsort(sorted, n, sizeof(*sorted), by_number);
        for (size_t i = 0; i < n; i++) {
                if (sorted[i] > first)
                        (void)syscall(SYS_close_range, first, sorted[i] - 1, 0);
                first = sorted[i] + 1;
        }
        (void)syscall(SYS_close_range, first, ~0U, 0);
}

int helper_isolate(const int *keep, size_t n)
{
        sigset_t none;
        int null;

        if (n > HELPER_FDS)
                return -E2BIG;
        for (int sig = 1; sig < NSIG; sig++)
                (void)signal(sig, SIG_DFL);
        sigemptyset(&none);
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
                return -errno;
        /* First, because few may be open. */
        close_others(keep, n);
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0)
                return -errno;
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
                if (dup2(null, fd) < 0)
                        return -errno;
        close(null);
        return 0;
}

static void child(void (*fn)(void *data, int out), void *data, const int *fds, size_t n, int out)
{
        int keep[HELPER_FDS], r;

        if (n)
                memcpy(keep, fds, n * sizeof(*fds));
        keep[n++] = out;
        r = helper_isolate(keep, n);
        if (r < 0)
                _exit(-r);
        /* If we are gone. */
        alarm(HELPER_SECONDS + 1);
        fn(data, out);
        _exit(0);
}

/* Until the child has ended, however it ends, or its time is over: what it reads could have taken it over. */
static int read_all(int fd, size_t max, int wake, char *text, size_t *ret_len)
{
        uint64_t end = clock_usec() + HELPER_SECONDS * USEC_PER_SEC, now;
        struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = wake, .events = POLLIN } };
        size_t len = 0;
        ssize_t n = 1;

        while (len < max && n && !p[1].revents && (now = clock_usec()) < end) {
                if (poll(p, ARRAY_SIZE(p), (int)((end - now) / USEC_PER_MSEC) + 1) <= 0 || !p[0].revents)
                        continue;
                n = read(fd, text + len, max - len);
                if (n < 0 && errno != EINTR)
                        break;
                len += n > 0 ? n : 0;
        }
        text[len] = 0;
        *ret_len = len;
        return len == max || !n ? 0 : p[1].revents ? -ECANCELED : -ETIMEDOUT;
}

/* File systems of others can delay even the end of a killed process: that is not waited for. */
static int end(pid_t pid)
{
        _cleanup_close_ int fd = syscall(SYS_pidfd_open, pid, 0);
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int status = 0, r;

        kill(pid, SIGKILL);
        while (fd >= 0 && (r = poll(&p, 1, USEC_PER_SEC / USEC_PER_MSEC)) <= 0)
                if (!r || errno != EINTR)
                        return 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        r = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        return r == SIGINT || r == SIGTERM || r == SIGHUP ? -ECANCELED : WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

int helper_run(void (*fn)(void *data, int out), void *data, const int *keep, size_t n, size_t max, int wake, char **ret,
               size_t *ret_len)
{
        _cleanup_close_ int from = -1, to = -1;
        _cleanup_free_ char *text = NULL;
        int pipe_fds[2], r, k;
        pid_t pid;

        *ret = NULL;
        if (n >= HELPER_FDS)
                return -E2BIG;
        text = malloc(max + 1);
        if (!text)
                return -ENOMEM;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        from = pipe_fds[0];
        to = pipe_fds[1];
        pid = fork();
        if (pid < 0)
                return -errno;
        if (!pid)
                child(fn, data, keep, n, to);
        close(TAKE_FD(to));
        r = read_all(from, max, wake, text, ret_len);
        k = end(pid);
        *ret = TAKE_PTR(text);
        return r < 0 ? r : k;
}
