/* SPDX-License-Identifier: MIT */
#include "svc/systemd/journal_entries.h"

#include <string.h>
#include <time.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/escape.h"
#include "util/strv.h"

#define LINE_BYTES  JOURNAL_LINE_BYTES
#define ENTRIES_MAX 20000 /* about two seconds */

char *journal_field(sd_journal *j, const char *name)
{
        const void *data;
        size_t len, n = strlen(name) + 1;

        if (sd_journal_get_data(j, name, &data, &len) < 0 || len < n)
                return NULL;
        return strndup((const char *)data + n, len - n);
}

static void print_time(sd_journal *j, char *buf, size_t size)
{
        uint64_t t = 0;
        time_t sec;
        struct tm tm;

        (void)sd_journal_get_realtime_usec(j, &t);
        sec = (time_t)(t / USEC_PER_SEC);
        if (!localtime_r(&sec, &tm) || !strftime(buf, size, "%H:%M:%S", &tm))
                *buf = 0;
}

/* Most messages of systemd already begin with the unit. */
static int push_line(char ***v, const char *when, const char *unit, const char *text, bool repeat)
{
        const char *rest = *unit ? str_after(text, unit) : NULL;

        if (rest && *rest == ':')
                return strv_pushf(v, "%s %s", when, repeat ? text : rest + 1 + strspn(rest + 1, " "));
        if (!*unit || !repeat)
                return strv_pushf(v, "%s %s", when, text);
        return strv_pushf(v, "%s %s: %s", when, unit, text);
}

/* The progress of a boot that systemd shows on the console: animations, what it starts, and what has started. */
static bool is_progress(const char *line)
{
        size_t n;

        if (*line != '[')
                return strspn(line, " ") == strlen("[  OK  ] ");
        n = strspn(line + 1, " *");
        return line[1 + n] == ']' || str_after(line, "[  OK  ]");
}

/* What systemd and systemd-nspawn say while they stop what runs. A command that failed may get its last lines to the
 * journal only now. journald may receive what nspawn says before what systemd has sent earlier. */
static bool is_stop(sd_journal *j, const struct journal_query *q)
{
        _cleanup_free_ char *pid = NULL, *comm = NULL;
        uint64_t t;

        if (!q->cut || sd_journal_get_realtime_usec(j, &t) < 0)
                return false;
        pid = t > q->cut ? journal_field(j, "_PID") : NULL;
        comm = t > q->cut_sent ? journal_field(j, "_COMM") : NULL;
        return (pid && !strcmp(pid, "1")) || (comm && !strcmp(comm, "systemd-nspawn"));
}

/* The lines of the current entry, in their order. */
static int entry_lines(sd_journal *j, const struct journal_query *q, char ***ret)
{
        _cleanup_free_ char *message = journal_field(j, "MESSAGE"), *unit = journal_field(j, "UNIT");
        char *save = NULL, when[16];
        int r = 0;

        if (!message || is_stop(j, q))
                return 0;
        if (!unit)
                unit = journal_field(j, "_SYSTEMD_UNIT");
        if (!unit)
                unit = journal_field(j, "SYSLOG_IDENTIFIER");
        if (unit)
                escape_clean(unit, LINE_BYTES);
        print_time(j, when, sizeof(when));
        for (char *line = strtok_r(message, "\n", &save); line && r >= 0; line = strtok_r(NULL, "\n", &save)) {
                escape_clean(line, LINE_BYTES);
                if (*line && !(q->unit && is_progress(line)))
                        r = push_line(ret, when, q->unit ? q->unit : unit ? unit : "", line, !q->unit);
        }
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

int journal_tail(sd_journal *j, const struct journal_query *q, char ***ret)
{
        _cleanup_strv_ char **reversed = NULL;
        size_t n = 0;
        int r;

        if (journal_seek_end(j, q->until) < 0)
                return 0;
        /* A container can fill the journal with lines that are not shown. */
        for (size_t i = 0; i < ENTRIES_MAX && n < q->max && sd_journal_previous(j) > 0 && journal_recent(j, q->since);
             i++) {
                _cleanup_strv_ char **lines = NULL;
                sd_id128_t id;

                if (q->boot && (sd_journal_get_monotonic_usec(j, NULL, &id) < 0 || !sd_id128_equal(id, *q->boot)))
                        break;
                r = entry_lines(j, q, &lines);
                if (r < 0)
                        return r;
                for (size_t k = strv_len(STRV_CONST(lines)); k-- > 0 && n < q->max; n++) {
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
