/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct ec_container;
struct ec_err;
struct ec_op;
/* What went wrong, container by container. */
struct report {
        char **failures;
        size_t n;
        size_t more; /* failures of containers that have another one */
        int code;    /* of the result; 0: -EIO */
};
void report_done(struct report *r);
int report_add(struct report *r, struct ec_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* 0; or -EIO or the code: err is the only failure, or the number of failures, each of which is logged. */
int report_result(struct report *r, size_t of, const char *what, struct ec_err *err);
/* Shows why a unit did not start, on stderr: units that failed inside, or after a timeout those that were still
 * starting, and the last lines of the journals of its first attempt since then. message: what happened, for the first
 * line; NULL: it is reported later. */
void report_unit(struct ec_op *op, const struct ec_container *c, const char *message, uint64_t since_usec,
                 bool timed_out);
/* Shows units that failed in a running container and the last lines of their journals since then (0: its boot), in the
 * same words. Returns their names, joined; NULL: no memory. */
char *report_failed_inside(const struct ec_container *c, char **failed, uint64_t since_usec);
