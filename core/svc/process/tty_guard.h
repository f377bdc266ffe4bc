/* SPDX-License-Identifier: MIT */
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

/* What a child must inherit, or must not do to us, while it runs. */
struct guard {
        struct sigaction pipe, quit, intr, ttin, ttou;
        bool terminal, foreground;
        int tty;
        struct termios tio;
        bool has_tio;
        pid_t group;
};

void guard_begin(struct guard *g, bool terminal, bool foreground);
void guard_end(struct guard *g, bool killed);
/* What is at its default in the child: all but what our own caller had ignored (nohup). */
void guard_child_defaults(const struct guard *g, sigset_t *ret);
