/* SPDX-License-Identifier: MIT */
#include "svc/machine/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "svc/process/interrupt.h"
#include "util/cleanup.h"
#include "util/strv.h"

/* The most that a pipe holds, unless its owner has rights on the host. */
#define PIPE_MAX ((size_t)1 << 20)

static void close_end(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

struct streams *streams_new(void (*sink)(void *, const char *, size_t), void *data)
{
        struct streams *s = calloc(1, sizeof(*s));

        if (!s)
                return NULL;
        s->in = s->out = s->err = (struct stream){ .pipe = { -1, -1 }, .ours = -1 };
        s->sink = sink;
        s->data = data;
        return s;
}

void streams_free(struct streams *s)
{
        if (!s)
                return;
        for (int i = 0; i < 2; i++) {
                close_end(&s->in.pipe[i]);
                close_end(&s->out.pipe[i]);
                close_end(&s->err.pipe[i]);
        }
        free(s);
}

/* Makes a pipe whose end `local` does not block. */
static int make(struct stream *s, int local, int ours)
{
        s->ours = ours;
        if (pipe2(s->pipe, O_CLOEXEC) < 0)
                return -errno;
        return fcntl(s->pipe[local], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* One pipe for both keeps the order of what is written. */
static bool same_file(int a, int b)
{
        struct stat x, y;

        return a == b || (a >= 0 && b >= 0 && fstat(a, &x) >= 0 && fstat(b, &y) >= 0 && x.st_dev == y.st_dev &&
                          x.st_ino == y.st_ino);
}

int streams_begin(struct streams *s, const int ours[static 3])
{
        int r = make(&s->in, 1, ours[0]);

        if (r >= 0)
                r = make(&s->out, 0, s->sink ? -1 : ours[1]);
        if (r >= 0 && !s->sink && !same_file(ours[1], ours[2]))
                r = make(&s->err, 0, ours[2]);
        if (r < 0)
                return r;
        if (ours[0] < 0)
                close_end(&s->in.pipe[1]);
        s->theirs[0] = s->in.pipe[0];
        s->theirs[1] = s->out.pipe[1];
        s->theirs[2] = s->err.pipe[1] >= 0 ? s->err.pipe[1] : s->out.pipe[1];
        return 0;
}

static void fill_out(const struct stream *s, struct pollfd fds[static 2])
{
        fds[0] = (struct pollfd){ .fd = buffer_empty(&s->buffer) ? s->pipe[0] : -1, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = buffer_empty(&s->buffer) ? -1 : s->ours, .events = POLLOUT };
}

void streams_fill(const struct streams *s, struct pollfd fds[static STREAMS_FDS])
{
        const struct stream *in = &s->in;
        bool empty = buffer_empty(&in->buffer);

        fds[0] = (struct pollfd){ .fd = empty && in->pipe[1] >= 0 ? in->ours : -1, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = empty ? -1 : in->pipe[1], .events = POLLOUT };
        fill_out(&s->out, fds + 2);
        fill_out(&s->err, fds + 4);
}

static void handle_in(struct stream *s, bool readable)
{
        if (readable) {
                ssize_t n = buffer_read(&s->buffer, s->ours);

                s->ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
        }
        if (s->pipe[1] >= 0 && !buffer_empty(&s->buffer) && buffer_write(&s->buffer, s->pipe[1]) < 0)
                close_end(&s->pipe[1]);
        if (s->ended && buffer_empty(&s->buffer))
                close_end(&s->pipe[1]);
}

static bool can_write(int fd)
{
        struct pollfd p = { .fd = fd, .events = POLLOUT };

        return poll(&p, 1, 0) > 0;
}

static void put(struct streams *s, struct stream *from)
{
        struct buffer *b = &from->buffer;
        int r;

        if (from->ours < 0) {
                if (s->sink)
                        s->sink(s->data, b->data + b->start, b->end - b->start);
                buffer_clear(b);
                return;
        }
        r = can_write(from->ours) ? buffer_write(b, from->ours) : 0;
        if (r >= 0)
                return;
        /* The command learns it as if it had written itself. */
        if (r != -EPIPE && !s->failure)
                s->failure = r;
        buffer_clear(b);
        close_end(&from->pipe[0]);
}

/* Returns the number of bytes that were read. */
static size_t copy_out(struct streams *s, struct stream *from)
{
        size_t n = 0;

        if (from->pipe[0] >= 0 && buffer_empty(&from->buffer))
                n = buffer_read(&from->buffer, from->pipe[0]) > 0 ? from->buffer.end : 0;
        if (!buffer_empty(&from->buffer))
                put(s, from);
        return n;
}

void streams_handle(struct streams *s, const struct pollfd fds[static STREAMS_FDS])
{
        handle_in(&s->in, fds[0].revents);
        if (fds[2].revents || fds[3].revents)
                copy_out(s, &s->out);
        if (fds[4].revents || fds[5].revents)
                copy_out(s, &s->err);
}

/* Waits until a reader of ours takes more. false: an interruption. */
static bool wait_writable(const struct streams *s)
{
        struct pollfd fds[] = { { .fd = buffer_empty(&s->out.buffer) ? -1 : s->out.ours, .events = POLLOUT },
                                { .fd = buffer_empty(&s->err.buffer) ? -1 : s->err.ours, .events = POLLOUT },
                                { .fd = interrupt_fd(), .events = POLLIN } };

        if (fds[0].fd < 0 && fds[1].fd < 0)
                return true;
        return (poll(fds, 3, -1) >= 0 || errno == EINTR) && !fds[2].revents;
}

void streams_tell(struct streams *s, const char *what, const char *text)
{
        _cleanup_free_ char *line = str_printf("%s: %s\n", what, text);
        int fd = s->err.pipe[0] >= 0 ? s->err.ours : s->out.ours;

        if (!line)
                return;
        streams_drain(s);
        if (s->sink)
                s->sink(s->data, line, strlen(line));
        else if (fd >= 0)
                dprintf(fd, "%s", line);
}

static size_t in_pipe(const struct stream *s)
{
        int n;

        if (s->pipe[0] < 0 || ioctl(s->pipe[0], FIONREAD, &n) < 0 || n < 0)
                return 0;
        return (size_t)n < PIPE_MAX ? (size_t)n : PIPE_MAX;
}

/* false: there is nothing left. */
static bool drain(struct streams *s, struct stream *from, size_t *left)
{
        bool empty = buffer_empty(&from->buffer);
        size_t n;

        if (!*left && empty)
                return false;
        n = copy_out(s, from);
        if (empty)
                *left = n && n < *left ? *left - n : 0;
        return true;
}

/* Processes that the command has left running may write without end. */
void streams_drain(struct streams *s)
{
        size_t out = in_pipe(&s->out), err = in_pipe(&s->err);
        bool more;

        do {
                more = drain(s, &s->out, &out);
                more = drain(s, &s->err, &err) || more;
        } while (more && wait_writable(s));
}
