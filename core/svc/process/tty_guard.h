/* SPDX-License-Identifier: MIT */
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

/* Our signal dispositions and terminal while a child runs. */
struct tty_guard {
        struct sigaction pipe, quit, intr, ttin, ttou;
        bool terminal, background;
        sigset_t child_defaults; /* for the child: all signals but those that our caller ignores (nohup) */
        int tty;
        struct termios tio;
        bool has_tio;
        pid_t group;
};

void tty_guard_begin(struct tty_guard *g, bool terminal, bool foreground);
void tty_guard_end(struct tty_guard *g, bool killed);
