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
