/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
#include <stdint.h>
struct ec_err;
/* The last lines (at most max) that a unit of the host wrote since since_usec
 * (realtime, 0: any), "unit: text" in time order, without what would garble a
 * terminal. Without a journal: none. */
int journal_tail_unit(const char *unit, uint64_t since_usec, size_t max, char ***ret, struct ec_err *err);
/* The same out of a container's own journal below its root, last boot only;
 * *ret_failed gets the names of the units that failed there. */
int journal_tail_root(const char *root, uint64_t since_usec, size_t max, char ***ret, char ***ret_failed, struct ec_err *err);
