/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-journal.h>

#define JOURNAL_LINE_BYTES 1000 /* longer lines are cut */
#define _cleanup_journal_  _cleanup_(sd_journal_closep)

/* A value of the current entry, NUL-terminated; NULL: none, or no memory. */
char *journal_field(sd_journal *j, const char *name);
/* Is the current entry recent enough? since: realtime, 0: any. */
bool journal_recent(sd_journal *j, uint64_t since);
/* A position for sd_journal_previous(). until: realtime, 0: the end. */
int journal_seek_end(sd_journal *j, uint64_t until);
struct journal_query {
        uint64_t since, until;  /* realtime; 0: any, and the end */
        size_t max;             /* lines */
        const sd_id128_t *boot; /* only entries of this boot, or NULL */
        const char *unit;       /* of a container on the host: lines do not repeat its name, and omit the progress that
                                 * a container shows on its console; or NULL */
        uint64_t cut, cut_sent; /* as in struct journal_failure: omits how this unit is stopped from then on */
};
/* The last lines, read backwards from until: "HH:MM:SS unit: text", in local time. Call tzset() first. -ENOMEM. */
int journal_tail(sd_journal *j, const struct journal_query *q, char ***ret);
