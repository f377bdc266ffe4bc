/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct ec_err;
/* When a start of the unit failed for the first time since since_usec; 0: none did. Later entries belong to other
 * attempts. */
uint64_t journal_failed_at(const char *unit, uint64_t since_usec);
/* The last lines (at most max) of a unit of the host, from since_usec (realtime; 0: any) until until_usec (0: the end):
 * "unit: text" in time order, without control characters. None if there is no journal. */
int journal_tail_unit(const char *unit, uint64_t since_usec, uint64_t until_usec, size_t max, char ***ret,
                      struct ec_err *err);
struct journal_inside {
        char **lines;
        char **failed;          /* units that failed, and did not come up later */
        char **starting;        /* units that were still starting at the shutdown */
        uint64_t stopping_usec; /* when the shutdown began; 0: there was none */
};
/* The same from a container's own journal below its root, of the last boot.
 * up_only: only what was written before the shutdown. */
int journal_tail_root(const char *root, uint64_t since_usec, uint64_t until_usec, bool up_only, size_t max,
                      struct journal_inside *ret, struct ec_err *err);
void journal_inside_done(struct journal_inside *in);
