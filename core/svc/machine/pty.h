/* SPDX-License-Identifier: MIT */
#pragma once
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "svc/machine/buffer.h"

/* Connects our terminal to the master of another one. */
struct pty {
        int master;
        int peer; /* kept open: without an open slave, reads from the master fail */
        int in, out;
        int signals;   /* signalfd: window changes, and return from a stop */
        sigset_t mask; /* as it was */
        bool masked;
        struct termios tio; /* as it was */
        bool raw;
        bool in_done, out_done, eof_due;
        unsigned escapes; /* of three ^] within a second */
        uint64_t escape_until;
        struct buffer to, from;
};
#define PTY_FDS 4

/* Takes master. Sets raw mode and the window's size until pty_end(). in and out need not be terminals. */
int pty_begin(struct pty *p, int master, int in, int out);
void pty_fill(const struct pty *p, struct pollfd fds[static PTY_FDS]);
/* 0; SIGHUP: our side is gone, or the user typed ^] three times to end it. */
int pty_handle(struct pty *p, const struct pollfd fds[static PTY_FDS]);
bool pty_escaped(const struct pty *p); /* the latter */
/* Copies what was written before the other side ended. */
void pty_drain(struct pty *p);
void pty_end(struct pty *p);
