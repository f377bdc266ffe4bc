/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
#include <sys/types.h>

/* The service of plugin.h, without an op, and with structs of this version.
 *
 * A child has a process group of its own, in the background of the terminal: it can write there, but reading fails. ^C
 * reaches only us; INT, TERM or HUP is then passed on, and the child has some seconds to end. With EC_PROC_TERMINAL the
 * child shares our group and the terminal, and ^C reaches the child; other signals to us are passed on.
 * Returns when the child ends, even if its descendants keep its pipes open.
 * Programs are looked up in the PATH of the child's environment, without relative entries. */
int proc_run(const struct ec_proc *p, struct ec_proc_result *ret, struct ec_err *err);
void proc_result_done(struct ec_proc_result *r);
#define _cleanup_proc_result_ _cleanup_(proc_result_done)

/* For callers that read stderr line by line while the child runs, such as Nix's progress. */
struct proc_stream {
        void (*line)(void *data, const char *line,
                     size_t len); /* stderr, one line without \n, NUL-terminated; NULL: stderr as without a stream */
        void (*tick)(void *data); /* every tick_ms, while it runs */
        void *data;
        unsigned tick_ms;
        /* The child may ask on the terminal (passphrases): it shares our group; ^C reaches both, and cancels. */
        bool foreground;
};
int proc_run_stream(const struct ec_proc *p, const struct proc_stream *s, struct ec_proc_result *ret,
                    struct ec_err *err);
