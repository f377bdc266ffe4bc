/* SPDX-License-Identifier: MIT */
#include "create.h"

#include <string.h>

/* README.md documents them: add new ones at the end only. */
static const struct ec_column columns[] = {
        { .key = "name", .title = "NAME", .type = EC_COL_STR },
        { .key = "state", .title = "STATE", .type = EC_COL_STR, .flags = EC_COL_STATE },
        { .key = "autoStart", .title = "AUTOSTART", .type = EC_COL_BOOL },
        { .key = "systemPath", .title = "SYSTEM", .type = EC_COL_STR, .flags = EC_COL_JSON_ONLY },
        { .key = "unit", .title = "UNIT", .type = EC_COL_STR, .flags = EC_COL_JSON_ONLY },
        { .key = "unitPath", .title = "UNIT FILE", .type = EC_COL_STR, .flags = EC_COL_JSON_ONLY },
        { .key = "confPath", .title = "SETTINGS", .type = EC_COL_STR, .flags = EC_COL_JSON_ONLY },
        { .key = "statePath", .title = "ROOT", .type = EC_COL_STR, .flags = EC_COL_JSON_ONLY },
};
static const struct ec_array column_array = EC_ARRAY(columns);

struct listing {
        const struct ec_host *host;
        struct ec_table *table; /* NULL: names alone */
        char **states;
        struct ec_err *err;
};

static int add_state(void *data, const char *unit, const char *active, const char *sub)
{
        (void)sub;
        return strv_pushf(data, "%s=%s", unit, active);
}

int create_read_states(const struct ec_host *h, struct ec_op *op, char ***ret, struct ec_err *err)
{
        _cleanup_strv_ char **states = calloc(1, sizeof(*states));
        int r = states ? h->systemd->states(op, "container@*.service", add_state, &states, err) : -ENOMEM;

        *ret = NULL;
        if (r == -ENOMEM)
                return no_memory(h, err);
        if (r == -ECANCELED)
                return r;
        if (r >= 0) {
                *ret = TAKE_PTR(states);
                return 0;
        }
        h->log->log(h, 7, "states of units: %s", h->err->message(err));
        h->err->clear(err);
        return 0;
}

const char *create_state_of(char *const *states, const char *unit)
{
        for (char *const *s = states; *s; s++) {
                const char *rest = str_after(*s, unit);

                if (rest && *rest == '=')
                        return rest + 1;
        }
        return "inactive";
}

static int fill_row(struct listing *l, const struct ec_container *c)
{
        const struct ec_containers_api *a = l->host->containers;
        const struct ec_table_api *t = l->host->table;
        const char *auto_start = a->conf_get(c, "AUTO_START"), *system = a->conf_get(c, "SYSTEM_PATH");
        int r = t->add_row(l->table, l->err);

        if (r >= 0)
                r = t->set_str(l->table, "name", a->name(c), l->err);
        if (r >= 0 && l->states)
                r = t->set_str(l->table, "state", create_state_of(l->states, a->unit(c)), l->err);
        if (r >= 0)
                r = t->set_int(l->table, "autoStart", auto_start && !strcmp(auto_start, "1"), l->err);
        if (r >= 0 && system)
                r = t->set_str(l->table, "systemPath", system, l->err);
        if (r >= 0)
                r = t->set_str(l->table, "unit", a->unit(c), l->err);
        if (r >= 0)
                r = t->set_str(l->table, "unitPath", a->unit_path(c), l->err);
        if (r >= 0)
                r = t->set_str(l->table, "confPath", a->conf_path(c), l->err);
        if (r >= 0)
                r = t->set_str(l->table, "statePath", a->state_path(c), l->err);
        return r;
}

static int add(void *data, const struct ec_container *c)
{
        struct listing *l = data;

        if (l->table)
                return fill_row(l, c);
        l->host->term->out(l->host, "%s\n", l->host->containers->name(c));
        return 0;
}

int create_run_list(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        struct listing l = { .host = h, .err = err };
        int r = 0;

        /* Scripts get names alone. */
        if (h->opt->is_set(op, "json") || h->term->is_tty(h))
                r = h->table->create(op, &column_array, &l.table, err);
        if (r >= 0 && l.table)
                r = create_read_states(h, op, &l.states, err);
        if (r >= 0)
                r = h->containers->foreach_installed(op, add, &l, err);
        if (r >= 0 && l.table)
                r = h->table->print(l.table, err);
        if (l.table)
                h->table->free(l.table);
        strv_free(l.states);
        return r < 0 ? r : 0;
}
