/* SPDX-License-Identifier: MIT */
/* What runs: a table of all containers, or a page for each. */
#include "control.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "state.h"

#define STATUS_NOT_RUNNING 3 /* as of systemctl */
#define JOURNAL_LINES      "10"
#define JOURNAL_TIMEOUT    5000
#define LINE_MAX_SHOWN     500

/* extra-container(1) documents them: add new ones at the end only. */
static const struct ec_column columns[] = {
        { .key = "name", .title = "NAME", .type = EC_COL_STR },
        { .key = "state", .title = "STATE", .type = EC_COL_STR, .flags = EC_COL_STATE },
        { .key = "since", .title = "SINCE", .type = EC_COL_TIME },
        { .key = "addresses", .title = "ADDRESS", .type = EC_COL_LIST },
        { .key = "system", .title = "SYSTEM", .type = EC_COL_STR },
        { .key = "failedUnits", .title = "FAILED UNITS", .type = EC_COL_LIST },
        { .key = "origin", .title = "ORIGIN", .type = EC_COL_STR },
        { .key = "outstanding", .title = "NEEDS", .type = EC_COL_STR },
        { .key = "activeState", .title = "ACTIVE", .type = EC_COL_STR, .flags = EC_COL_JSON_ONLY },
        { .key = "subState", .title = "SUB", .type = EC_COL_STR, .flags = EC_COL_JSON_ONLY },
        { .key = "autoStart", .title = "AUTOSTART", .type = EC_COL_BOOL, .flags = EC_COL_JSON_ONLY },
        { .key = "systemPath", .title = "SYSTEM PATH", .type = EC_COL_STR, .flags = EC_COL_JSON_ONLY },
        { .key = "unit", .title = "UNIT", .type = EC_COL_STR, .flags = EC_COL_JSON_ONLY },
        { .key = "leader", .title = "LEADER", .type = EC_COL_INT, .flags = EC_COL_JSON_ONLY },
        { .key = "memory", .title = "MEMORY", .type = EC_COL_SIZE, .flags = EC_COL_JSON_ONLY },
        { .key = "cpuUSec", .title = "CPU", .type = EC_COL_INT, .flags = EC_COL_JSON_ONLY },
        { .key = "tasks", .title = "TASKS", .type = EC_COL_INT, .flags = EC_COL_JSON_ONLY },
};
static const struct ec_array column_array = EC_ARRAY(columns);

/* ---- the table ---------------------------------------------------------- */

struct row {
        const struct ec_host *host;
        struct ec_table *table;
        struct ec_err *err;
        int r;
};

static void set_str(struct row *row, const char *key, const char *value)
{
        if (row->r >= 0 && value)
                row->r = row->host->table->set_str(row->table, key, value, row->err);
}

static void set_int(struct row *row, const char *key, int64_t value)
{
        if (row->r >= 0 && value >= 0)
                row->r = row->host->table->set_int(row->table, key, value, row->err);
}

static const char *outstanding(const struct ec_host *h, struct ec_op *op, const struct state *s)
{
        switch (s->up ? h->containers->outstanding(op, s->c) : EC_CHANGE_NONE) {
        case EC_CHANGE_NONE:
                return NULL;
        case EC_CHANGE_UPDATE:
                return "update";
        default:
                return "restart";
        }
}

static int auto_starts(const struct ec_host *h, const struct state *s)
{
        const char *value = h->containers->conf_get(s->c, "AUTO_START");

        return value && !strcmp(value, "1");
}

static void set_numbers(struct row *row, const struct facts *f)
{
        set_int(row, "leader", f->leader);
        set_int(row, "memory", f->memory);
        set_int(row, "cpuUSec", f->cpu_usec);
        set_int(row, "tasks", f->tasks);
}

static int add_row(const struct ec_host *h, struct ec_op *op, struct ec_table *t, const struct state *s,
                   struct ec_err *err)
{
        struct row row = { .host = h, .table = t, .err = err, .r = h->table->add_row(t, err) };
        _cleanup_free_ char *addresses = state_addresses(h, s),
                            *failed = s->failed ? strv_join(STRV_CONST(s->failed), "\n") : NULL;

        if (!addresses || (s->failed && !failed))
                return no_memory(h, err);
        set_str(&row, "name", h->containers->name(s->c));
        set_str(&row, "state", state_word(s));
        set_int(&row, "since", s->facts.since);
        set_str(&row, "addresses", addresses);
        set_str(&row, "system", s->label);
        set_str(&row, "failedUnits", failed);
        set_str(&row, "origin", state_origin(h, s));
        set_str(&row, "outstanding", outstanding(h, op, s));
        set_str(&row, "activeState", s->active);
        set_str(&row, "subState", s->sub);
        set_int(&row, "autoStart", auto_starts(h, s));
        set_str(&row, "systemPath", h->containers->conf_get(s->c, "SYSTEM_PATH"));
        set_str(&row, "unit", h->containers->unit(s->c));
        set_numbers(&row, &s->facts);
        return row.r;
}

static int print_table(const struct ec_host *h, struct ec_op *op, const struct states *all, struct ec_err *err)
{
        struct ec_table *t;
        int r = h->table->create(op, &column_array, &t, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < all->n && r >= 0; i++)
                r = add_row(h, op, t, &all->items[i], err);
        if (r >= 0)
                r = h->table->print(t, err);
        h->table->free(t);
        return r;
}

/* ---- a page ------------------------------------------------------------- */

static void line(const struct ec_host *h, const char *title, const char *text)
{
        if (text && *text)
                h->term->out(h, "%12s: %s\n", title, text);
}

static void put_state(const struct ec_host *h, const struct state *s)
{
        uint64_t now = clock_realtime_usec() / USEC_PER_SEC, since = (uint64_t)s->facts.since;
        time_t at = s->facts.since;
        char date[64], span[CLOCK_SPAN_MAX];
        struct tm tm;

        if (s->facts.since < 0 || !localtime_r(&at, &tm) || !strftime(date, sizeof(date), "%a %F %T %Z", &tm))
                h->term->out(h, "%12s: %s\n", "State", state_word(s) ?: "not known");
        else
                h->term->out(h, "%12s: %s since %s; %s ago\n", "State", state_word(s) ?: "runs", date,
                             clock_span((now > since ? now - since : 0) * USEC_PER_SEC, span));
}

static void put_size(const struct ec_host *h, const char *title, int64_t bytes)
{
        if (bytes >= 0)
                h->term->out(h, "%12s: %.1f MiB\n", title, (double)bytes / (1 << 20));
}

static void put_facts(const struct ec_host *h, const struct facts *f)
{
        char span[CLOCK_SPAN_MAX];

        if (f->leader > 0)
                h->term->out(h, "%12s: %" PRId64 "\n", "Leader", f->leader);
        put_size(h, "Memory", f->memory);
        if (f->cpu_usec >= 0)
                h->term->out(h, "%12s: %s\n", "CPU", clock_span((uint64_t)f->cpu_usec, span));
        if (f->tasks >= 0)
                h->term->out(h, "%12s: %" PRId64 "\n", "Tasks", f->tasks);
}

/* The container chooses how long they are. */
static void put_lines(const struct ec_host *h, char *text)
{
        h->term->out(h, "\n");
        for (char *end; *text; text = end) {
                size_t n = strcspn(text, "\n");

                end = text + n + (text[n] == '\n');
                h->term->out(h, "%.*s%s\n", (int)(n < LINE_MAX_SHOWN ? n : LINE_MAX_SHOWN), text,
                             n > LINE_MAX_SHOWN ? "..." : "");
        }
}

/* The lines of the unit on the host, which contain those of the container's console. */
static int put_journal(const struct ec_host *h, struct ec_op *op, const struct state *s, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL;
        struct ec_proc p = { .argv = (const char *const[]){ "journalctl", "--quiet", "--no-pager", "--output=short",
                                                            "--lines=" JOURNAL_LINES, "--unit",
                                                            h->containers->unit(s->c), NULL },
                             .timeout_ms = JOURNAL_TIMEOUT };
        int r = run_program(h, op, &p, "the journal", &text, err);

        if (r == -ECANCELED || r == -ENOMEM)
                return r;
        if (r < 0) {
                h->log->log(h, 5, "%s", h->err->message(err));
                h->err->clear(err);
        } else if (*text) {
                put_lines(h, text);
        }
        return 0;
}

static const char *outdated_text(const struct ec_host *h, struct ec_op *op, const struct state *s)
{
        switch (h->containers->outstanding(op, s->c)) {
        case EC_CHANGE_NONE:
                return NULL;
        case EC_CHANGE_UPDATE:
                return "the installed system does not run, or not completely; 'reload' switches to it. If a failed "
                       "unit is the cause, mend its definition, and 'create' it again";
        default:
                return "runs with older settings than the installed ones; 'restart' applies them";
        }
}

static int print_page(const struct ec_host *h, struct ec_op *op, const struct state *s, struct ec_err *err)
{
        _cleanup_free_ char *addresses = state_addresses(h, s), *list = NULL,
                            *failed = s->failed ? strv_join(STRV_CONST(s->failed), ", ") : NULL;
        _cleanup_strv_ char **v = addresses ? strv_split(addresses, "\n") : NULL;

        list = v ? strv_join(STRV_CONST(v), ", ") : NULL;
        if (!list || (s->failed && !failed))
                return no_memory(h, err);
        h->term->out(h, "Container '%s'\n", h->containers->name(s->c));
        put_state(h, s);
        line(h, "Failed units", failed);
        line(h, "Outdated", s->up ? outdated_text(h, op, s) : NULL);
        line(h, "Addresses", list);
        put_facts(h, &s->facts);
        line(h, "System", s->label);
        line(h, "System path", h->containers->conf_get(s->c, "SYSTEM_PATH"));
        line(h, "At boot", auto_starts(h, s) ? "starts" : "does not start");
        line(h, "Made by", state_origin(h, s));
        line(h, "Unit", h->containers->unit(s->c));
        line(h, "Settings", h->containers->conf_path(s->c));
        line(h, "Root", h->containers->state_path(s->c));
        return put_journal(h, op, s, err);
}

static int print_pages(const struct ec_host *h, struct ec_op *op, const struct states *all, struct ec_err *err)
{
        int r = 0;

        for (size_t i = 0; i < all->n && r >= 0; i++) {
                if (i)
                        h->term->out(h, "\n");
                r = print_page(h, op, &all->items[i], err);
        }
        return r;
}

/* What others cannot see looks as if it were not there. */
static void tell_unseen(const struct ec_host *h, const char *what)
{
        if (geteuid() && h->term->is_tty(h))
                h->log->log(h, 5, "only root sees %s: sudo extra-container status", what);
}

int control_status(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        const char *const *args = h->opt->args(op);
        const struct ec_container *const *c;
        _cleanup_(states_done) struct states all = { 0 };
        int r = h->containers->select(op, args, EC_SELECT_HOST | (*args ? 0 : EC_SELECT_ALL), &c, err);

        if (r >= 0)
                r = states_read(h, op, c, &all, err);
        if (r >= 0 && !h->opt->is_set(op, "quiet"))
                r = !*args || h->opt->is_set(op, "json") ? print_table(h, op, &all, err)
                                                         : print_pages(h, op, &all, err);
        if (r >= 0 && all.n && !h->opt->is_set(op, "quiet"))
                tell_unseen(h, *args ? "the log, failed units and outstanding updates"
                                     : "failed units and outstanding updates");
        for (size_t i = 0; i < all.n && *args && r >= 0; i++)
                if (!all.items[i].up)
                        r = STATUS_NOT_RUNNING;
        return r;
}
