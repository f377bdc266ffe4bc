/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct ec_err;
struct journal_inside {
        char **lines;
        char **failed;          /* units that failed, and did not come up later */
        char **starting;        /* units that were still starting at the shutdown */
        uint64_t stopping_usec; /* when the shutdown began; 0: there was none */
};
/* The last lines from a container's own journal below its root, of the last boot; as journal_tail_unit(), but with the
 * unit before each text. up_only: only what was written before the shutdown. */
int journal_tail_root(const char *root, uint64_t since_usec, uint64_t until_usec, bool up_only, size_t max,
                      struct journal_inside *ret, struct ec_err *err);
/* Adds what the sandbox prints. -ENOMEM. */
int journal_inside_parse(const char *text, struct journal_inside *in);
void journal_inside_done(struct journal_inside *in);
