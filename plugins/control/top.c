/* SPDX-License-Identifier: MIT */
/* What running containers use, again and again. */
#include "control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "facts.h"

/* extra-container(1) documents them: add new ones at the end only. */
static const struct ec_column columns[] = {
        { .key = "name", .title = "NAME", .type = EC_COL_STR },
        { .key = "cpu", .title = "CPU %", .type = EC_COL_INT },
        { .key = "cpuUSec", .title = "CPU TIME", .type = EC_COL_INT, .flags = EC_COL_JSON_ONLY },
        { .key = "memory", .title = "MEMORY", .type = EC_COL_SIZE },
        { .key = "tasks", .title = "TASKS", .type = EC_COL_INT },
        { .key = "received", .title = "RECEIVED", .type = EC_COL_SIZE },
        { .key = "sent", .title = "SENT", .type = EC_COL_SIZE },
        { .key = "since", .title = "SINCE", .type = EC_COL_TIME },
};
static const struct ec_array column_array = EC_ARRAY(columns);

struct row {
        char *name;
        struct facts facts;
        uint64_t at; /* when they were read */
};

struct rows {
        const struct ec_host *host;
        struct row *items;
        size_t n;
};

static void rows_done(struct rows *r)
{
        for (size_t i = 0; i < r->n; i++) {
                free(r->items[i].name);
                facts_done(&r->items[i].facts);
        }
        free(r->items);
        r->items = NULL;
        r->n = 0;
}

static int add(void *data, const struct ec_cgroup *c)
{
        struct rows *r = data;
        const char *name = str_after(c->unit, "container@");
        struct row *items = reallocarray(r->items, r->n + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        r->items = items;
        items[r->n] = (struct row){ .name = strndup(name, strlen(name) - strlen(".service")),
                                    .facts = FACTS_NONE,
                                    .at = clock_usec() };
        if (!items[r->n++].name)
                return -ENOMEM;
        return facts_read(c, &items[r->n - 1].facts);
}

static int by_name_of(const void *a, const void *b)
{
        return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static int read_rows(const struct ec_host *h, struct ec_op *op, struct rows *ret, struct ec_err *err)
{
        int r;

        *ret = (struct rows){ .host = h };
        r = h->machine->cgroups(op, add, ret, err);
        if (r == -ENOMEM)
                return no_memory(h, err);
        if (ret->n)
                qsort(ret->items, ret->n, sizeof(*ret->items), by_name_of);
        return r;
}

/* The share of one processor in percent, since the last look, or since the container began. */
static int64_t cpu_of(const struct row *row, const struct rows *before)
{
        int64_t now = (int64_t)(clock_realtime_usec() / USEC_PER_SEC), used = row->facts.cpu_usec;
        uint64_t span = row->facts.since >= 0 && now > row->facts.since
                                ? (uint64_t)(now - row->facts.since) * USEC_PER_SEC
                                : 0;

        for (size_t i = 0; i < before->n; i++) {
                const struct row *old = &before->items[i];

                if (strcmp(old->name, row->name) != 0 || old->facts.cpu_usec > used)
                        continue;
                used -= old->facts.cpu_usec;
                span = row->at - old->at;
        }
        return row->facts.cpu_usec < 0 || !span ? -1 : used * 100 / (int64_t)span;
}

static int put_row(struct ec_table *t, const struct rows *all, const struct row *row, const struct rows *before,
                   struct ec_err *err)
{
        const struct ec_table_api *a = all->host->table;
        const struct {
                const char *key;
                int64_t value;
        } numbers[] = { { "cpu", cpu_of(row, before) },      { "cpuUSec", row->facts.cpu_usec },
                        { "memory", row->facts.memory },     { "tasks", row->facts.tasks },
                        { "received", row->facts.received }, { "sent", row->facts.sent },
                        { "since", row->facts.since } };
        int r = a->add_row(t, err);

        if (r >= 0)
                r = a->set_str(t, "name", row->name, err);
        for (size_t i = 0; i < ARRAY_SIZE(numbers) && r >= 0; i++)
                if (numbers[i].value >= 0)
                        r = a->set_int(t, numbers[i].key, numbers[i].value, err);
        return r;
}

static int print(const struct ec_host *h, struct ec_op *op, const struct rows *rows, const struct rows *before,
                 struct ec_err *err)
{
        struct ec_table *t;
        int r = h->table->create(op, &column_array, &t, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < rows->n && r >= 0; i++)
                r = put_row(t, rows, &rows->items[i], before, err);
        if (r >= 0)
                r = h->table->print(t, err);
        h->table->free(t);
        return r;
}

/* -ECANCELED: the user ends it. */
static int pause_for(const struct ec_host *h, struct ec_op *op, uint64_t ms, struct ec_err *err)
{
        struct pollfd p = { .fd = h->cancel->fd(op), .events = POLLIN };
        uint64_t until = clock_usec() + ms * USEC_PER_MSEC;
        int r;

        do {
                r = h->cancel->check(op, err);
                if (r >= 0 && poll(&p, 1, clock_timeout_ms(until)) < 0 && errno != EINTR)
                        r = -errno;
        } while (r >= 0 && clock_usec() < until);
        return r;
}

int control_top(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        int once = h->opt->is_set(op, "once") || h->opt->is_set(op, "json") || !h->term->is_tty(h), r;
        uint64_t ms = h->opt->is_set(op, "interval") ? h->opt->get_ms(op, "interval") : 2000;
        _cleanup_(rows_done) struct rows before = { 0 };

        if (!ms)
                return h->err->usage(err, "--interval must not be 0");
        do {
                struct rows rows;

                r = read_rows(h, op, &rows, err);
                if (r >= 0 && !once)
                        h->term->clear(h);
                if (r >= 0)
                        r = print(h, op, &rows, &before, err);
                if (r >= 0 && !once && !rows.n)
                        h->term->out(h, "no container runs\n");
                rows_done(&before);
                before = rows;
                if (r >= 0 && !once)
                        r = pause_for(h, op, ms, err);
        } while (r >= 0 && !once);
        /* ^C is how it ends. */
        if (r == -ECANCELED && !once) {
                h->err->clear(err);
                return 0;
        }
        return r < 0 ? r : 0;
}
