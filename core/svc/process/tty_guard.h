/* SPDX-License-Identifier: MIT */
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

/* What a child must inherit, or must not do to us, while it runs. */
struct tty_guard {
        struct sigaction pipe, quit, intr, ttin, ttou;
        bool terminal, foreground;
        int tty;
        struct termios tio;
        bool has_tio;
        pid_t group;
};

void tty_guard_begin(struct tty_guard *g, bool terminal, bool foreground);
void tty_guard_end(struct tty_guard *g, bool killed);
/* What is at its default in the child: all but what our own caller had ignored (nohup). */
void tty_guard_child_defaults(const struct tty_guard *g, sigset_t *ret);
