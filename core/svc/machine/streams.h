/* SPDX-License-Identifier: MIT */
#pragma once
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "svc/machine/buffer.h"

/* The streams of a command without a terminal. The container only gets ends of pipes that are made here; what goes
 * through them is copied from and to the caller's descriptors. */
struct stream {
        int pipe[2]; /* reading and writing end; -1: closed */
        int ours;    /* -1: none */
        bool ended;  /* nothing more to read from ours */
        struct buffer buffer;
};

struct streams {
        struct stream in, out, err;
        int theirs[3]; /* stdin, stdout and stderr of the command */
        int failure;   /* the -errno of output that could not be written */
        /* Gets the output, stdout and stderr in the order of arrival, instead of ours; or NULL. */
        void (*sink)(void *data, const char *text, size_t len);
        void *data;
};
#define STREAMS_FDS 6

/* NULL: out of memory. */
struct streams *streams_new(void (*sink)(void *data, const char *text, size_t len), void *data);
void streams_free(struct streams *s);
/* ours: stdin, stdout, stderr; -1 for none. -errno. */
int streams_begin(struct streams *s, const int ours[static 3]);
void streams_fill(const struct streams *s, struct pollfd fds[static STREAMS_FDS]);
void streams_handle(struct streams *s, const struct pollfd fds[static STREAMS_FDS]);
/* Writes "WHAT: TEXT" where the command's stderr goes, after its output. Not through its pipe, which may be full. */
void streams_tell(struct streams *s, const char *what, const char *text);
/* After the command has ended: copies what is still in the pipes. An interruption ends this. */
void streams_drain(struct streams *s);
