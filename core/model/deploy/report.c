/* SPDX-License-Identifier: MIT */
#include "model/deploy/report.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/deploy/unit_state.h"
#include "model/operation/op.h"
#include "svc/machine/machine.h"
#include "svc/systemd/journal.h"
#include "svc/systemd/journal_inside.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/strv.h"

#define UNIT_LINES   10
#define INNER_LINES  15
#define INNER_SEARCH 500 /* lines in which failed units are looked for */
#define NAMES_MAX    20

void report_done(struct report *r)
{
        strv_free(r->failures);
        *r = (struct report){ 0 };
}

int report_add(struct report *r, struct ec_err *err, const char *fmt, ...)
{
        char *text = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        if (strv_push_take(&r->failures, text) < 0)
                return err_oom(err);
        r->n++;
        return 0;
}

int report_result(struct report *r, size_t of, const char *what, struct ec_err *err)
{
        int code = r->code ? r->code : -EIO;

        if (!r->n)
                return 0;
        if (r->n == 1)
                return err_set(err, code, "%s", r->failures[0]);
        for (size_t i = 0; i < r->n; i++)
                log_msg(LOG_ERR, "%s", r->failures[i]);
        return err_set(err, code, "%zu of %zu containers could not be %s", r->n - r->more, of, what);
}

static void show_lines(char **lines)
{
        for (char **l = lines; l && *l; l++)
                log_notice("    %s", *l);
}

/* A line begins with its time. */
static bool of_failed(const char *line, char **failed)
{
        line += strcspn(line, " ");
        line += *line == ' ';
        for (char **f = failed; f && *f; f++) {
                const char *text = str_after(line, *f);

                if (text && *text == ':')
                        return true;
        }
        return false;
}

/* The last lines of these units; false: there are none. */
static bool show_of(const char *title, char **lines, char **failed)
{
        size_t n = strv_len(STRV_CONST(lines)), first = n, found = 0;

        for (; first && found < INNER_LINES; first--)
                found += of_failed(lines[first - 1], failed);
        if (found)
                log_notice("  %s:", title);
        for (; found && first < n; first++)
                if (of_failed(lines[first], failed))
                        log_notice("    %s", lines[first]);
        return found;
}

static bool show_failed(char **lines, char **failed)
{
        return show_of("journal of the failed units", lines, failed);
}

/* Prefers lines of failed units, or of those that took too long, because the end of the journal only shows the
 * shutdown. */
static void show_inner(char **lines, char **failed, char **starting)
{
        size_t n = strv_len(STRV_CONST(lines));
        bool shown = show_failed(lines, failed);

        shown |= show_of("journal of the units still starting", lines, starting);
        if (shown)
                return;
        log_notice("  last lines of the journal in the container:");
        show_lines(lines + (n > INNER_LINES ? n - INNER_LINES : 0));
}

/* The container chooses how many there are. */
static char *join_names(char **names)
{
        size_t n = strv_len(STRV_CONST(names));
        _cleanup_free_ char *first = NULL;
        char *next;

        if (n <= NAMES_MAX)
                return strv_join(STRV_CONST(names), ", ");
        next = names[NAMES_MAX];
        names[NAMES_MAX] = NULL;
        first = strv_join(STRV_CONST(names), ", ");
        names[NAMES_MAX] = next;
        return first ? str_printf("%s and %zu more", first, n - NAMES_MAX) : NULL;
}

static void show_units(const char *what, char **units)
{
        _cleanup_free_ char *list = units && *units ? join_names(units) : NULL;

        if (list)
                log_notice("  %s: %s", what, list);
}

/* What lines of a journal say about a limit, the most specific first. A container can write anything to its console and
 * its journal: words are only a reason to ask the kernel and systemd, or they must be those of the host's systemd. */
static const struct {
        const char *words[2];
        const char *limit; /* of the unit, a property of services; NULL: the words are enough */
        uint64_t usual;    /* it is lower */
        const char *hint;
} hints[] = {
        { { "Too many open files", "" },
          "LimitNOFILE",
          1024,
          "a process may not open more files; raise LimitNOFILE= of its unit" },
        { { "fork", "Resource temporarily unavailable" },
          "TasksMax",
          256,
          "the limit of processes is reached; raise TasksMax= of the container's unit" },
        { { "killed by the OOM killer", "" },
          NULL,
          0,
          "a process was killed because it used more memory than it may: raise MemoryMax= of its unit, or the host "
          "needs more memory" },
        { { "systemd-oomd killed", "" },
          NULL,
          0,
          "systemd-oomd(8) killed it because of its use of memory; 'oomctl' shows the limits" },
};

static bool has_words(char **lines, const char *const words[static 2])
{
        for (char **l = lines; l && *l; l++)
                if (strstr(*l, words[0]) && strstr(*l, words[1]))
                        return true;
        return false;
}

/* Words that may come from a limit of the host. */
static bool speaks_of_limit(char **lines)
{
        static const char *const words[][2] = { { "Too many open files", "" },
                                                { "No space left on device", "" },
                                                { "Resource temporarily unavailable", "" } };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (has_words(lines, words[i]))
                        return true;
        return false;
}

static bool is_low(struct ec_op *op, const char *unit, const char *property, uint64_t usual)
{
        struct systemd *s;
        uint64_t n;

        return op_systemd(op, &s, NULL) >= 0 && systemd_get_u64(s, unit, "Service", property, &n, NULL) >= 0 &&
               n < usual;
}

/* unit: all lines of the unit; inside: those of the container's own journal. */
static void show_hint(struct ec_op *op, const struct ec_container *c, uint64_t since_usec,
                      const struct journal_failure *f, char **unit, char **inside)
{
        _cleanup_strv_ char **host = NULL;
        const char *hint = speaks_of_limit(unit) || speaks_of_limit(inside) ? limits_reached("/proc/sys") : NULL;

        if (!hint && journal_tail_unit(c->unit, since_usec, f, true, UNIT_LINES, &host, NULL) < 0)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(hints) && !hint; i++) {
                bool words = has_words(host, hints[i].words);

                if (hints[i].limit)
                        words = (words || has_words(unit, hints[i].words) || has_words(inside, hints[i].words)) &&
                                is_low(op, c->unit, hints[i].limit, hints[i].usual);
                if (words)
                        hint = hints[i].hint;
        }
        if (hint)
                log_notice("  %s", hint);
}

/* The units of containers have Restart=on-failure. */
static void show_restart(struct ec_op *op, const struct ec_container *c)
{
        struct systemd *s;

        if (op_systemd(op, &s, NULL) >= 0 && unit_starts_again(s, c->unit))
                log_notice("  systemd starts it again after each failure; 'systemctl stop %s' ends this", c->unit);
}

void report_unit(struct ec_op *op, const struct ec_container *c, const char *message, uint64_t since_usec,
                 bool timed_out)
{
        const struct journal_failure f = journal_failure(c->unit, since_usec);
        struct journal_inside in = { 0 };
        _cleanup_strv_ char **lines = NULL;
        _cleanup_err_ struct ec_err e = { 0 };
        struct systemd *s;

        if (message)
                log_notice("%s", message);
        else
                log_notice("container '%s':", c->name);
        if (journal_tail_root(c->state_path, since_usec, f.cut ? f.cut_sent : f.end, true, INNER_SEARCH, &in, &e) < 0)
                err_done(&e);
        if (!in.failed && (op_systemd(op, &s, &e) < 0 || machine_failed_units(s, c->name, &in.failed, &e) < 0))
                err_done(&e);
        show_units("failed units", in.failed);
        if (timed_out)
                show_units("units still starting", in.starting);
        if (journal_tail_unit(c->unit, since_usec, &f, false, UNIT_LINES, &lines, &e) < 0)
                err_done(&e);
        if (lines) {
                log_notice("  last lines of its unit's journal:");
                show_lines(lines);
        }
        /* What the host did wrong is not in the journal inside. */
        if (in.lines && f.cut && !timed_out)
                (void)show_failed(in.lines, in.failed);
        else if (in.lines)
                show_inner(in.lines, in.failed, timed_out ? in.starting : NULL);
        if (!lines && !in.lines)
                log_notice("  the journal has nothing about it");
        show_hint(op, c, since_usec, &f, lines, in.lines);
        show_restart(op, c);
        journal_inside_done(&in);
}

char *report_failed_inside(const struct ec_container *c, char **failed, uint64_t since_usec)
{
        struct journal_inside in = { 0 };
        char *list = join_names(failed);

        if (!list)
                return NULL;
        log_notice("container '%s':", c->name);
        log_notice("  failed units: %s", list);
        if (journal_tail_root(c->state_path, since_usec, 0, false, INNER_SEARCH, &in, NULL) >= 0)
                (void)show_failed(in.lines, failed);
        journal_inside_done(&in);
        return list;
}
