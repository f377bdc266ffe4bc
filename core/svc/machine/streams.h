/* SPDX-License-Identifier: MIT */
#pragma once
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "svc/machine/buffer.h"
#include "svc/machine/forward.h"

/* The streams of a command without a terminal. The container only gets ends of pipes that are made here; what goes
 * through them is forwarded to and from other pipes, and copied from and to the caller's descriptors. */
struct stream {
        int pipe;   /* -1: closed */
        int ours;   /* -1: none */
        bool ended; /* nothing more to read from ours */
        struct buffer buffer;
};

struct streams {
        struct stream in, out, err;
        bool both; /* out is for stderr, too */
        struct forward forward;
        int theirs[3];        /* stdin, stdout and stderr of the command; -1 after its end */
        int failure;          /* the -errno of output that could not be written */
        char *message;        /* comes after the output; or NULL */
        uint64_t patience;    /* after its end: how long to wait for what is still in its pipes */
        uint64_t waits_since; /* 0: our reader is waited for */
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
/* "WHAT: TEXT" is written where the command's stderr goes, after its output. */
void streams_tell(struct streams *s, const char *what, const char *text);
/* After the command has ended: what is still in its pipes comes. Nothing else may have `theirs`. */
void streams_end(struct streams *s);
/* Then: 1: all is copied; 0: call it again after a poll() of the descriptors until *deadline. -ETIMEDOUT: nothing more
 * comes, because the container makes it wait. */
int streams_drained(struct streams *s, uint64_t *deadline);
/* At last: the message. */
void streams_finish(struct streams *s);
