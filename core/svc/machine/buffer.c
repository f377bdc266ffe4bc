/* SPDX-License-Identifier: MIT */
#include "svc/machine/buffer.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

ssize_t buffer_read(struct buffer *b, int fd)
{
        ssize_t n = read(fd, b->data, sizeof(b->data));

        b->start = 0;
        b->end = n > 0 ? n : 0;
        return n;
}

int buffer_write(struct buffer *b, int fd)
{
        size_t len = b->end - b->start;
        ssize_t n = write(fd, b->data + b->start, len < PIPE_BUF ? len : PIPE_BUF);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        b->start += n;
        if (buffer_empty(b))
                buffer_clear(b);
        return 0;
}

void buffer_clear(struct buffer *b)
{
        b->start = b->end = 0;
}
