/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What was read from one descriptor and not yet written to another. */
#define BUFFER_SIZE 16384
struct buffer {
        char data[BUFFER_SIZE];
        size_t start, end;
};

static inline bool buffer_empty(const struct buffer *b)
{
        return b->start == b->end;
}
/* Fills an empty buffer. As read(). */
ssize_t buffer_read(struct buffer *b, int fd);
/* Writes what can be written without waiting, if poll() says that something can. -errno, as -EPIPE. */
int buffer_write(struct buffer *b, int fd);
void buffer_clear(struct buffer *b);
