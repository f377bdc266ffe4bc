/* SPDX-License-Identifier: MIT */
#include "svc/machine/streams.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/strv.h"

/* How long to wait for what a command has left in its pipes. */
#define DRAIN_TIMEOUT (10 * USEC_PER_SEC)

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
        s->in = (struct stream){ .pipe = -1, .ours = -1 };
        s->out = s->in;
        s->err = s->in;
        s->theirs[0] = s->theirs[1] = s->theirs[2] = -1;
        s->forward = (struct forward)FORWARD_NONE;
        s->both = true;
        s->sink = sink;
        s->data = data;
        return s;
}

void streams_free(struct streams *s)
{
        if (!s)
                return;
        streams_end(s);
        close_end(&s->out.pipe);
        close_end(&s->err.pipe);
        free(s->message);
        free(s);
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
        struct forward_way ways[3] = { { .out = false }, { .out = true }, { .out = true } };
        int r;

        s->both = s->sink || same_file(ours[1], ours[2]);
        r = forward_begin(&s->forward, ways, s->both ? 2 : 3, true);
        if (r < 0)
                return r;
        s->in = (struct stream){ .pipe = ways[0].ours, .ours = ours[0] };
        s->out = (struct stream){ .pipe = ways[1].ours, .ours = s->sink ? -1 : ours[1] };
        if (!s->both)
                s->err = (struct stream){ .pipe = ways[2].ours, .ours = ours[2] };
        if (ours[0] < 0)
                close_end(&s->in.pipe);
        for (int i = 0; i < 3; i++)
                s->theirs[i] = ways[s->both && i == 2 ? 1 : i].theirs;
        return 0;
}

static void fill_out(const struct stream *s, struct pollfd fds[static 2])
{
        fds[0] = (struct pollfd){ .fd = buffer_empty(&s->buffer) ? s->pipe : -1, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = buffer_empty(&s->buffer) ? -1 : s->ours, .events = POLLOUT };
}

void streams_fill(const struct streams *s, struct pollfd fds[static STREAMS_FDS])
{
        const struct stream *in = &s->in;
        bool empty = buffer_empty(&in->buffer);

        fds[0] = (struct pollfd){ .fd = empty && in->pipe >= 0 ? in->ours : -1, .events = POLLIN };
        fds[1] = (struct pollfd){ .fd = empty ? -1 : in->pipe, .events = POLLOUT };
        fill_out(&s->out, fds + 2);
        fill_out(&s->err, fds + 4);
}

static void handle_in(struct stream *s, bool readable)
{
        if (readable) {
                ssize_t n = buffer_read(&s->buffer, s->ours);

                s->ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
        }
        if (s->pipe >= 0 && !buffer_empty(&s->buffer) && buffer_write(&s->buffer, s->pipe) < 0)
                close_end(&s->pipe);
        if (s->ended && buffer_empty(&s->buffer))
                close_end(&s->pipe);
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
        close_end(&from->pipe);
}

static void copy_out(struct streams *s, struct stream *from)
{
        ssize_t n = 1;

        if (from->pipe >= 0 && buffer_empty(&from->buffer))
                n = buffer_read(&from->buffer, from->pipe);
        if (!buffer_empty(&from->buffer))
                put(s, from);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                close_end(&from->pipe);
}

void streams_handle(struct streams *s, const struct pollfd fds[static STREAMS_FDS])
{
        handle_in(&s->in, fds[0].revents);
        if (fds[2].revents || fds[3].revents)
                copy_out(s, &s->out);
        if (fds[4].revents || fds[5].revents)
                copy_out(s, &s->err);
}

void streams_tell(struct streams *s, const char *what, const char *text)
{
        free(s->message);
        s->message = str_printf("%s: %s\n", what, text);
}

void streams_end(struct streams *s)
{
        close_end(&s->in.pipe);
        buffer_clear(&s->in.buffer);
        for (int i = 0; i < (s->both ? 2 : 3); i++)
                close_end(&s->theirs[i]);
        s->theirs[2] = -1;
        forward_end(&s->forward);
        s->patience = DRAIN_TIMEOUT;
        s->waits_since = clock_usec();
}

/* Only the time in which nothing waits for our reader counts: a container that sends a little again and again does not
 * get more of it. */
static void count_wait(struct streams *s, bool reader)
{
        uint64_t now = clock_usec(), waited = s->waits_since ? now - s->waits_since : 0;

        s->patience -= waited < s->patience ? waited : s->patience;
        s->waits_since = reader ? 0 : now;
}

int streams_drained(struct streams *s, uint64_t *deadline)
{
        bool reader = !buffer_empty(&s->out.buffer) || !buffer_empty(&s->err.buffer);

        count_wait(s, reader);
        if (reader)
                return 0;
        if (s->out.pipe < 0 && s->err.pipe < 0)
                return 1;
        if (!s->patience)
                return -ETIMEDOUT;
        if (s->waits_since + s->patience < *deadline)
                *deadline = s->waits_since + s->patience;
        return 0;
}

void streams_finish(struct streams *s)
{
        int fd = s->both ? s->out.ours : s->err.ours;

        if (s->message && s->sink)
                s->sink(s->data, s->message, strlen(s->message));
        else if (s->message && fd >= 0)
                dprintf(fd, "%s", s->message);
        free(TAKE_PTR(s->message));
}
