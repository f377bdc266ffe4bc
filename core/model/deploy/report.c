/* SPDX-License-Identifier: MIT */
#include "model/deploy/report.h"

#include <stdarg.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/operation/op.h"
#include "svc/machine/machine.h"
#include "svc/systemd/journal.h"
#include "svc/systemd/journal_inside.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/strv.h"

#define UNIT_LINES   10
#define INNER_LINES  15
#define INNER_SEARCH 500 /* lines in which failed units are looked for */

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
        return err_set(err, code, "%zu of %zu containers could not be %s", r->n, of, what);
}

static void show_lines(char **lines)
{
        for (char **l = lines; l && *l; l++)
                log_notice("    %s", *l);
}

static bool of_failed(const char *line, char **failed)
{
        for (char **f = failed; f && *f; f++) {
                const char *text = str_after(line, *f);

                if (text && *text == ':')
                        return true;
        }
        return false;
}

/* Prefers lines of failed units, because the end of the journal only shows the shutdown. */
static void show_inner(char **lines, char **failed)
{
        size_t n = strv_len(STRV_CONST(lines)), first = n, found = 0;

        for (; first && found < INNER_LINES; first--)
                found += of_failed(lines[first - 1], failed);
        if (!found) {
                log_notice("  last lines of the journal inside it:");
                show_lines(lines + (n > INNER_LINES ? n - INNER_LINES : 0));
                return;
        }
        log_notice("  last lines of what failed inside it:");
        for (; first < n; first++)
                if (of_failed(lines[first], failed))
                        log_notice("    %s", lines[first]);
}

static void show_units(const char *what, char **units)
{
        _cleanup_free_ char *list = units && *units ? strv_join(STRV_CONST(units), ", ") : NULL;

        if (list)
                log_notice("  %s: %s", what, list);
}

/* Debian's kernels allow 128 for all containers together, and each needs about four. */
static void show_hint(char **lines)
{
        for (char **l = lines; l && *l; l++) {
                if (!strstr(*l, "inotify") || !strstr(*l, "Too many open files"))
                        continue;
                log_notice("  the host has too few inotify instances for so many containers; raise the limit, for "
                           "example with "
                           "'sysctl fs.inotify.max_user_instances=4096'");
                return;
        }
}

/* If its own journal does not show when it began to stop, the message about the unit's timeout does. */
static char **at_timeout(char **lines)
{
        size_t n = 0;

        while (lines && lines[n] && !strstr(lines[n], "start operation timed out"))
                n++;
        if (lines && lines[n])
                n++;
        for (size_t i = n; lines && lines[i]; i++)
                free(TAKE_PTR(lines[i]));
        return lines + (n > UNIT_LINES ? n - UNIT_LINES : 0);
}

void report_unit(struct ec_op *op, const struct ec_container *c, uint64_t since_usec, bool timed_out)
{
        uint64_t until = journal_failed_at(c->unit, since_usec);
        struct journal_inside in = { 0 };
        _cleanup_strv_ char **lines = NULL;
        _cleanup_err_ struct ec_err e = { 0 };
        struct systemd *s;

        log_notice("container '%s':", c->name);
        if (journal_tail_root(c->state_path, since_usec, until, timed_out, INNER_SEARCH, &in, &e) < 0)
                err_done(&e);
        if (!in.failed && (op_systemd(op, &s, &e) < 0 || machine_failed_units(s, c->name, &in.failed, &e) < 0))
                err_done(&e);
        show_units("failed inside it", in.failed);
        if (timed_out)
                show_units("still starting inside it", in.starting);
        if (timed_out && in.stopping_usec)
                until = in.stopping_usec - 1;
        if (journal_tail_unit(c->unit, since_usec, until, timed_out ? INNER_SEARCH : UNIT_LINES, &lines, &e) < 0)
                err_done(&e);
        if (lines) {
                log_notice("  last lines of its unit's journal:");
                show_lines(timed_out ? at_timeout(lines) : lines);
        }
        if (in.lines)
                show_inner(in.lines, in.failed);
        if (!lines && !in.lines)
                log_notice("  its journal is empty");
        show_hint(lines);
        show_hint(in.lines);
        journal_inside_done(&in);
}

void report_failed_inside(struct ec_op *op, const struct ec_container *c)
{
        _cleanup_strv_ char **failed = NULL;
        _cleanup_free_ char *list = NULL;
        _cleanup_err_ struct ec_err e = { 0 };
        struct systemd *s;

        if (op_systemd(op, &s, &e) < 0 || machine_failed_units(s, c->name, &failed, &e) < 0 || !failed)
                return;
        list = strv_join(STRV_CONST(failed), ", ");
        if (list)
                log_warn("container '%s' runs, but units failed in it: %s", c->name, list);
}
