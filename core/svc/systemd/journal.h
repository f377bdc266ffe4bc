/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct ec_err;
/* A start of a unit that failed, in realtime. */
struct journal_failure {
        uint64_t end; /* it was over, and later entries belong to other attempts; 0: none failed */
        uint64_t cut; /* systemd began to stop what it had started, because of a timeout or a command; 0: it did not */
        uint64_t cut_sent; /* the same when systemd said so, before journald received it */
};
/* The first one since since_usec. */
struct journal_failure journal_failure(const char *unit, uint64_t since_usec);
/* The last lines (at most max) of a container's unit on the host: "HH:MM:SS text", in time order and without control
 * characters. They begin at since_usec (realtime; 0: anywhere) and end at the failure, or where the journal ends if
 * there was none. If there is no journal, *ret is NULL. host: only what the host's systemd says. The other
 * lines may be what the container has written to its console, so nothing can be concluded from them. */
int journal_tail_unit(const char *unit, uint64_t since_usec, const struct journal_failure *f, bool host, size_t max,
                      char ***ret, struct ec_err *err);
/* Calls fn for each setting of a unit of which systemd has said since then (realtime) that it ignores it, with its own
 * words. Returns what fn returns if that is not 0. */
int journal_ignored_settings(uint64_t since_usec, int (*fn)(void *data, const char *unit, const char *text),
                             void *data);
/* What became of a container, and of an earlier one of this name, after the first start of the unit at or after
 * since_usec. */
struct journal_machine {
        bool starting; /* the start is in the journal; else nothing is known */
        bool began;    /* machined registered it, until until_usec (0: ever), before which no process of it runs */
        bool ended;    /* machined removed a registration */
};
struct journal_machine journal_machine(const char *unit, uint64_t since_usec, uint64_t until_usec);
