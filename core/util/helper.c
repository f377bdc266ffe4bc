/* SPDX-License-Identifier: MIT */
#include "util/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
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
        /* Fails if it has one. */
        (void)setsid();
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

int helper_drop_capabilities(void)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[2] = { { 0 } };

        return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
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

int helper_begin(struct helper *h, void (*fn)(void *data, int out), void *data, const int *keep, size_t n, size_t max)
{
        _cleanup_close_ int from = -1, to = -1;
        _cleanup_free_ char *text = NULL;
        int fds[2];
        pid_t pid;

        *h = (struct helper)HELPER_NONE;
        if (n >= HELPER_FDS)
                return -E2BIG;
        text = malloc(max + 1);
        if (!text)
                return -ENOMEM;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        from = fds[0];
        to = fds[1];
        if (fcntl(from, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (!pid)
                child(fn, data, keep, n, to);
        h->pid = pid;
        h->from = TAKE_FD(from);
        h->text = TAKE_PTR(text);
        h->max = max;
        h->until = clock_usec() + HELPER_SECONDS * USEC_PER_SEC;
        return 0;
}

/* Until it has ended, however it ends, or its time is over: what it reads could have taken it over. */
int helper_step(struct helper *h)
{
        while (h->len < h->max) {
                ssize_t n = read(h->from, h->text + h->len, h->max - h->len);

                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        return -errno;
                if (n < 0 && errno == EAGAIN)
                        return clock_usec() < h->until ? 0 : -ETIMEDOUT;
                if (n == 0)
                        break;
                h->len += n > 0 ? n : 0;
        }
        h->ended = true;
        return 1;
}

/* File systems of others can delay even the end of a killed process: that is not waited for. */
static int reap(pid_t pid, bool ended)
{
        _cleanup_close_ int fd = syscall(SYS_pidfd_open, pid, 0);
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int status = 0, r;

        kill(pid, SIGKILL);
        while (fd >= 0 && (r = poll(&p, 1, ended ? USEC_PER_SEC / USEC_PER_MSEC : 0)) <= 0)
                if (!r || errno != EINTR)
                        return 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

int helper_end(struct helper *h, char **ret, size_t *ret_len)
{
        int r = h->from < 0 ? 0 : reap(h->pid, h->ended);

        if (h->from >= 0) {
                close(h->from);
                h->text[h->len] = 0;
        }
        *ret = h->text;
        *ret_len = h->len;
        *h = (struct helper)HELPER_NONE;
        return r;
}

void helper_done(struct helper *h)
{
        _cleanup_free_ char *text = NULL;
        size_t len;

        (void)helper_end(h, &text, &len);
}

int helper_run(void (*fn)(void *data, int out), void *data, const int *keep, size_t n, size_t max, int wake, char **ret,
               size_t *ret_len)
{
        struct helper h;
        int r = helper_begin(&h, fn, data, keep, n, max), k;

        *ret = NULL;
        if (r < 0)
                return r;
        while ((r = helper_step(&h)) == 0) {
                struct pollfd p[] = { { .fd = h.from, .events = POLLIN }, { .fd = wake, .events = POLLIN } };

                if (poll(p, ARRAY_SIZE(p), clock_timeout_ms(h.until)) > 0 && p[1].revents) {
                        r = -ECANCELED;
                        break;
                }
        }
        k = helper_end(&h, ret, ret_len);
        return r < 0 ? r : k;
}
