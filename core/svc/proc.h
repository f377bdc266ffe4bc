/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
#include <sys/types.h>

/* The service of plugin.h, without an op. */
int proc_run(const struct ec_proc *p, struct ec_proc_result *ret, struct ec_err *err);
void proc_result_done(struct ec_proc_result *r);
#define _cleanup_proc_result_ _cleanup_(proc_result_done)

/* For callers with a loop of their own (Nix' progress): lines of stderr go to a function. */
struct proc_stream {
        void (*line)(void *data, const char *line, size_t len); /* stderr, one line without \n */
        void (*tick)(void *data);                               /* every tick_ms, while it runs */
        void *data;
        unsigned tick_ms;
};
int proc_run_stream(const struct ec_proc *p, const struct proc_stream *s, struct ec_proc_result *ret, struct ec_err *err);

/* The environment of children: ours without LD_*, BASH_ENV, ENV, IFS, CDPATH,
 * GCONV_PATH, changed by delta ("K=V" sets, "K" unsets). NULL: no memory. */
char **proc_environment(const char *const *delta);
/* Replaces this process; returns only on failure. */
int proc_exec(const char *const *argv, const char *const *env_delta, struct ec_err *err);
bool proc_find(const char *program, char **ret_path); /* in PATH */
