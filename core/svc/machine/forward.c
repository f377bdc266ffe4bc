/* SPDX-License-Identifier: MIT */
#include "svc/machine/forward.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/helper.h"

#define BLOCK 65536
/* The most that a pipe holds, unless its owner has rights on the host. */
#define PIPE_MAX ((size_t)1 << 20)

/* read() and write() copy. splice() would move the container's pages to us. */
struct channel {
        bool out;
        int from, to;      /* -1: closed */
        size_t left;       /* to be read before the end */
        size_t start, end; /* of what was read and not written yet */
        char data[BLOCK];
};

static void close_end(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

/* ---- the process ------------------------------------------------------------ */

static void channel_close(struct channel *c)
{
        c->start = c->end = 0;
        close_end(&c->from);
        close_end(&c->to);
}

static bool failed(ssize_t n)
{
        return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void channel_read(struct channel *c, bool ending)
{
        ssize_t n = read(c->from, c->data, ending && c->left < BLOCK ? c->left : BLOCK);

        if (failed(n)) {
                channel_close(c);
                return;
        }
        c->end = n > 0 ? (size_t)n : 0;
        c->left -= c->left < c->end ? c->left : c->end;
}

static void channel_write(struct channel *c)
{
        ssize_t n = write(c->to, c->data + c->start, c->end - c->start);

        if (failed(n)) {
                channel_close(c);
                return;
        }
        c->start += n > 0 ? (size_t)n : 0;
        if (c->start == c->end)
                c->start = c->end = 0;
}

static void channel_handle(struct channel *c, const struct pollfd fds[static 2], bool ending)
{
        /* Its reader has closed it: the writer learns that as without us. */
        if (fds[1].revents & POLLERR) {
                channel_close(c);
                return;
        }
        if (fds[0].revents)
                channel_read(c, ending);
        if (c->end)
                channel_write(c);
        if (ending && !c->left && !c->end)
                channel_close(c);
}

/* Processes that the command has left running may write without end. */
static void begin_end(struct channel *c, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                int k = 0;

                if (!c[i].out || (c[i].from >= 0 && ioctl(c[i].from, FIONREAD, &k) < 0) || k < 0)
                        k = 0;
                c[i].left = (size_t)k < PIPE_MAX ? (size_t)k : PIPE_MAX;
                if (!c[i].out || (!c[i].left && !c[i].end))
                        channel_close(&c[i]);
        }
}

static bool all_closed(const struct channel *c, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (c[i].from >= 0)
                        return false;
        return true;
}

static void copy(struct channel *c, size_t n, int control)
{
        bool ending = false;

        while (!ending || !all_closed(c, n)) {
                struct pollfd fds[1 + 2 * FORWARD_MAX] = { { .fd = ending ? -1 : control, .events = POLLIN } };

                for (size_t i = 0; i < n; i++) {
                        fds[1 + 2 * i] = (struct pollfd){ .fd = c[i].end ? -1 : c[i].from, .events = POLLIN };
                        fds[2 + 2 * i] = (struct pollfd){ .fd = c[i].to, .events = c[i].end ? POLLOUT : 0 };
                }
                if (poll(fds, 1 + 2 * n, -1) < 0 && errno != EINTR)
                        return;
                for (size_t i = 0; i < n; i++)
                        if (c[i].from >= 0)
                                channel_handle(&c[i], fds + 1 + 2 * i, ending);
                if (fds[0].revents) {
                        ending = true;
                        begin_end(c, n);
                }
        }
}

/* The parent waits until descriptors of other commands are closed in its copy of us: later, their containers could make
 * that wait. */
static void run(struct channel *c, size_t n, const int *keep, size_t n_keep, int control)
{
        pid_t pid;
        int r = helper_isolate(keep, n_keep);

        if (r >= 0)
                r = helper_drop_capabilities();
        if (r < 0)
                _exit(-r);
        pid = fork();
        if (pid)
                _exit(pid < 0 ? errno : 0);
        (void)prctl(PR_SET_NAME, "ec-forward", 0, 0, 0);
        (void)signal(SIGPIPE, SIG_IGN);
        copy(c, n, control);
        _exit(0);
}

/* ---- its start -------------------------------------------------------------- */

/* A pipe of whose ends neither blocks us; that of the container may block it. */
static int make_pipe(int fds[static 2], int theirs)
{
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        return theirs >= 0 && fcntl(fds[theirs], F_SETFL, 0) < 0 ? -errno : 0;
}

static int make_way(struct forward_way *w, struct channel *c)
{
        int far[2] = { -1, -1 }, near[2] = { -1, -1 }, r = make_pipe(far, w->out);

        if (r >= 0)
                r = make_pipe(near, -1);
        *c = (struct channel){ .out = w->out, .from = w->out ? far[0] : near[0], .to = w->out ? near[1] : far[1] };
        w->ours = near[w->out ? 0 : 1];
        w->theirs = far[w->out ? 1 : 0];
        return r;
}

static int start(struct channel *c, const struct forward_way *ways, size_t n, bool keep, int control)
{
        int fds[1 + 3 * FORWARD_MAX] = { control }, status;
        size_t n_fds = 1;
        pid_t pid;

        for (size_t i = 0; i < n; i++) {
                fds[n_fds++] = c[i].from;
                fds[n_fds++] = c[i].to;
                if (keep)
                        fds[n_fds++] = ways[i].theirs;
        }
        pid = fork();
        if (pid < 0)
                return -errno;
        if (!pid)
                run(c, n, fds, n_fds, control);
        /* Its child is not ours, because even a signal may not end that. */
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int forward_begin(struct forward *f, struct forward_way *ways, size_t n, bool keep)
{
        _cleanup_free_ struct channel *c = n <= FORWARD_MAX ? calloc(FORWARD_MAX, sizeof(*c)) : NULL;
        int control[2] = { -1, -1 }, r = c ? make_pipe(control, -1) : -ENOMEM;

        *f = (struct forward)FORWARD_NONE;
        for (size_t i = 0; i < n; i++)
                ways[i].ours = ways[i].theirs = -1;
        for (size_t i = 0; c && i < n; i++) {
                c[i].from = c[i].to = -1;
                if (r >= 0)
                        r = make_way(&ways[i], &c[i]);
        }
        if (r >= 0)
                r = start(c, ways, n, keep, control[0]);
        for (size_t i = 0; c && i < n; i++)
                channel_close(&c[i]);
        close_end(&control[0]);
        f->control = control[1];
        if (r >= 0)
                return 0;
        forward_end(f);
        for (size_t i = 0; i < n; i++) {
                close_end(&ways[i].ours);
                close_end(&ways[i].theirs);
        }
        return r;
}

void forward_end(struct forward *f)
{
        close_end(&f->control);
}
