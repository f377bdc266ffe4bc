/* SPDX-License-Identifier: MIT */
#include "svc/systemd/journal_entries.h"

#include <string.h>

#include "util/cleanup.h"
#include "util/escape.h"
#include "util/strv.h"

#define LINE_BYTES JOURNAL_LINE_BYTES

char *journal_field(sd_journal *j, const char *name)
{
        const void *data;
        size_t len, n = strlen(name) + 1;

        if (sd_journal_get_data(j, name, &data, &len) < 0 || len < n)
                return NULL;
        return strndup((const char *)data + n, len - n);
}

/* Most messages of systemd already begin with the unit. */
static int push_line(char ***v, const char *unit, char *text)
{
        size_t n = strlen(unit);

        escape_clean(text, LINE_BYTES);
        if (!*text)
                return 0;
        if (!n || (!strncmp(text, unit, n) && text[n] == ':'))
                return strv_push(v, text);
        return strv_pushf(v, "%s: %s", unit, text);
}

/* The lines of the current entry, in their order. */
static int entry_lines(sd_journal *j, char ***ret)
{
        _cleanup_free_ char *message = journal_field(j, "MESSAGE"), *unit = journal_field(j, "UNIT");
        char *save = NULL;
        int r = 0;

        if (!message)
                return 0;
        if (!unit)
                unit = journal_field(j, "_SYSTEMD_UNIT");
        if (!unit)
                unit = journal_field(j, "SYSLOG_IDENTIFIER");
        if (unit)
                escape_clean(unit, LINE_BYTES);
        for (char *line = strtok_r(message, "\n", &save); line && r >= 0; line = strtok_r(NULL, "\n", &save))
                r = push_line(ret, unit ? unit : "", line);
        return r;
}

bool journal_recent(sd_journal *j, uint64_t since)
{
        uint64_t t;

        return !since || (sd_journal_get_realtime_usec(j, &t) >= 0 && t >= since);
}

int journal_seek_end(sd_journal *j, uint64_t until)
{
        return until ? sd_journal_seek_realtime_usec(j, until) : sd_journal_seek_tail(j);
}

int journal_tail(sd_journal *j, uint64_t since, uint64_t until, size_t max, const sd_id128_t *boot, char ***ret)
{
        _cleanup_strv_ char **reversed = NULL;
        size_t n = 0;
        int r;

        if (journal_seek_end(j, until) < 0)
                return 0;
        while (n < max && sd_journal_previous(j) > 0 && journal_recent(j, since)) {
                _cleanup_strv_ char **lines = NULL;
                sd_id128_t id;

                if (boot && (sd_journal_get_monotonic_usec(j, NULL, &id) < 0 || !sd_id128_equal(id, *boot)))
                        break;
                r = entry_lines(j, &lines);
                if (r < 0)
                        return r;
                for (size_t k = strv_len(STRV_CONST(lines)); k-- > 0 && n < max; n++) {
                        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no lines have the length 0 */
                        r = strv_push(&reversed, lines[k]);
                        if (r < 0)
                                return r;
                }
        }
        for (size_t k = 0; k < n / 2; k++) {
                char *s = reversed[k];

                reversed[k] = reversed[n - 1 - k];
                reversed[n - 1 - k] = s;
        }
        *ret = TAKE_PTR(reversed);
        return 0;
}
