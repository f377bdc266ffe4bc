/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct ec_err;
/* When its start failed for the first time since then, 0: it did not. What comes later is of another try. */
uint64_t journal_failed_at(const char *unit, uint64_t since_usec);
/* The last lines (at most max) that a unit of the host wrote since since_usec
 * (realtime, 0: any) until until_usec (0: the end), "unit: text" in time order,
 * without what would garble a terminal. Without a journal: none. */
int journal_tail_unit(const char *unit, uint64_t since_usec, uint64_t until_usec, size_t max, char ***ret,
                      struct ec_err *err);
struct journal_inside {
        char **lines;
        char **failed;          /* units that failed, and did not come up later */
        char **starting;        /* those that were still starting when it went down */
        uint64_t stopping_usec; /* when it began to go down, 0: it did not */
};
/* The same out of a container's own journal below its root, of the last boot until then.
 * up_only: what it said before it went down. */
int journal_tail_root(const char *root, uint64_t since_usec, uint64_t until_usec, bool up_only, size_t max,
                      struct journal_inside *ret, struct ec_err *err);
void journal_inside_done(struct journal_inside *in);
