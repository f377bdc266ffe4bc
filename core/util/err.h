/* SPDX-License-Identifier: MIT */
#pragma once
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>

/* struct ec_err of plugin.h. Out of memory is kept without allocating. */
struct ec_err {
        int code;   /* 0: none */
        bool usage; /* exit status 2 */
        char *msg;
};

#define _cleanup_err_ _cleanup_(err_done)

int err_set(struct ec_err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_setv(struct ec_err *err, int code, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));
int err_usage(struct ec_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_prefix(struct ec_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_oom(struct ec_err *err); /* -ENOMEM, "out of memory" */
const char *err_msg(const struct ec_err *err);
void err_move(struct ec_err *to, struct ec_err *from);
void err_done(struct ec_err *err); /* err can be used again */
