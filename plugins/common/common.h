/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What plugins share: each links a hidden copy, because a plugin imports nothing
 * from the program. clock.c, fs.c and strv.c are core/util's, compiled a second time.
 */
#include <errno.h>
#include <extra-container/plugin.h>

#include "../../core/util/cleanup.h"
#include "../../core/util/clock.h"
#include "../../core/util/fs.h"
#include "../../core/util/strv.h"

/* Sets the error and returns -ENOMEM. */
int no_memory(const struct ec_host *h, struct ec_err *err);
/* An init for plugins without a state: the host is their self. */
int host_as_self(const struct ec_host *host, void **ret_self, struct ec_err *err);
/* path below the root prefix of the host; NULL: no memory. */
char *host_path(const struct ec_host *h, const char *path);
/* s as one word of a shell, in quotes; NULL: no memory. */
char *shell_quote(const char *s);
/* Adds the plugin's module.nix to an evaluation. */
int add_own_module(const struct ec_host *h, struct ec_eval *ev, struct ec_err *err);
typedef int phase_by_name(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err);
/* Calls a phase of host->deploy with the containers of this host that the arguments of the command choose: names,
 * patterns, or the option "all", which leaves out those that are up (up 0) or down (up 1). */
int by_name(const struct ec_host *h, struct ec_op *op, phase_by_name *phase, uint32_t flags, int up,
            struct ec_err *err);
/* Gives a command in a container our standard streams: a terminal of its own if all three are one, which would mix
 * stdout and stderr otherwise. */
void exec_streams(struct ec_exec *x);
/* Says how to run a command line that was given as the name of a program, if argv ended with this status. */
void exec_hint(const struct ec_host *h, const char *const *argv, int32_t status);
/* Runs a program that must succeed. Its first line on stderr ends the message that begins with
 * what. *ret_out is never NULL; with ret_out NULL its output is discarded. */
int run_program(const struct ec_host *h, struct ec_op *op, struct ec_proc *p, const char *what, char **ret_out,
                struct ec_err *err);
