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
/* The last lines, read backwards from until: "unit: text". boot: only entries of this boot, or NULL. -ENOMEM. */
int journal_tail(sd_journal *j, uint64_t since, uint64_t until, size_t max, const sd_id128_t *boot, char ***ret);
