/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
#include <sys/types.h>

/* The service of plugin.h, without an op.
 *
 * A child is in a process group of its own, and background to the terminal: it
 * can write there, reading fails. ^C reaches us alone; INT, TERM or HUP is then
 * passed on, and the child has some seconds to end. With EC_PROC_TERMINAL it
 * shares our group and the terminal, ^C is its own; what other processes send us is passed on.
 * What a child leaves running does not keep us: its pipes are read until it ends.
 * PATH of the child's environment counts, without relative entries. */
int proc_run(const struct ec_proc *p, struct ec_proc_result *ret, struct ec_err *err);
void proc_result_done(struct ec_proc_result *r);
#define _cleanup_proc_result_ _cleanup_(proc_result_done)

/* For callers with a loop of their own (Nix' progress): lines of stderr go to a function. */
struct proc_stream {
        void (*line)(void *data, const char *line,
                     size_t len); /* stderr, one line without \n, NUL-terminated; NULL: stderr as without a stream */
        void (*tick)(void *data); /* every tick_ms, while it runs */
        void *data;
        unsigned tick_ms;
        bool foreground; /* the child may ask on the terminal (passphrases): it shares our group; ^C reaches both, and still cancels */
};
int proc_run_stream(const struct ec_proc *p, const struct proc_stream *s, struct ec_proc_result *ret,
                    struct ec_err *err);
