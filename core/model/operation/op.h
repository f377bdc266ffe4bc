/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>

#include "model/operation/tmp_dir.h"
struct conf;
struct layout;
struct registry;
struct systemd;
struct ec_eval;
struct deployment;
struct owned;

/* Everything that one run of one command works on. */
struct ec_op {
        const struct ec_command *command;
        struct parsed_options *options; /* model/operation/options.h; owned */
        struct conf *conf;
        struct layout *layout;
        struct registry *registry;     /* plugins, for hooks */
        struct systemd *systemd;       /* opened at first use */
        struct deployment *deployment; /* set at first use, by model/deploy; owned */
        struct tmp_dir tmp;            /* made by op_tmp_dir(), removed at the end */
        const char *program;           /* absolute path of this program */
        void *app;                     /* the builtin commands' own */
        int lock_fd;                   /* model/operation/lock.h; while locked > 0 */
        unsigned locked;               /* calls of op_lock() without their op_unlock() */
        struct owned *owned;           /* freed backwards at the end */
};
#define OP_INIT                                    \
        {                                          \
                .tmp = TMP_DIR_INIT, .lock_fd = -1 \
        }
/* p is freed with the op, or at once if there is no memory. */
int op_own(struct ec_op *op, void *p, void (*free_fn)(void *p), struct ec_err *err);
void op_free_owned(struct ec_op *op); /* op_done() also calls this */
int op_tmp_dir(struct ec_op *op, const char **ret, struct ec_err *err);
int op_systemd(struct ec_op *op, struct systemd **ret, struct ec_err *err);
/* Lines of the command's result: on stdout, or on stderr if stdout belongs to a session. */
void op_result(const struct ec_op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Frees what the op owns; conf, layout and registry are the caller's. */
void op_done(struct ec_op *op);
