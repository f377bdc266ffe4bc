/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "label.h"

void states_done(struct states *s)
{
        for (size_t i = 0; i < s->n; i++) {
                free(s->items[i].active);
                free(s->items[i].sub);
                free(s->items[i].label);
                strv_free(s->items[i].failed);
                facts_done(&s->items[i].facts);
        }
        free(s->items);
        *s = (struct states){ 0 };
}

struct reader {
        const struct ec_host *host;
        struct states *to;
        size_t next; /* answers come in the order of the containers */
};

static int add_state(void *data, const char *unit, const char *active, const char *sub)
{
        struct reader *r = data;

        for (size_t i = 0; i < r->to->n; i++) {
                struct state *s = &r->to->items[i];

                if (strcmp(r->host->containers->unit(s->c), unit) != 0)
                        continue;
                s->active = strdup(active);
                s->sub = strdup(sub);
                return s->active && s->sub ? 0 : -ENOMEM;
        }
        return 0;
}

/* Without systemd, everything else is shown. */
static int read_units(struct reader *r, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = r->host;
        int k = h->systemd->states(op, "container@*.service", add_state, r, err);

        if (k == -ENOMEM)
                return no_memory(h, err);
        if (k == -ECANCELED)
                return k;
        for (size_t i = 0; i < r->to->n && k >= 0; i++) {
                struct state *s = &r->to->items[i];

                /* Stopped units are often not loaded. */
                s->active = s->active ?: strdup("inactive");
                s->sub = s->sub ?: strdup("dead");
                if (!s->active || !s->sub)
                        return no_memory(h, err);
        }
        if (k < 0) {
                h->log->log(h, 4, "systemd does not answer: %s", h->err->message(err));
                h->err->clear(err);
        }
        return 0;
}

static int add_failed(void *data, const char *name, const char *const *failed)
{
        struct reader *r = data;
        struct state *s;

        do
                s = &r->to->items[r->next++];
        while (!s->up || strcmp(r->host->containers->name(s->c), name) != 0);
        if (!failed)
                return 0;
        s->failed = *failed ? strv_copy(failed) : calloc(1, sizeof(*s->failed));
        return s->failed ? 0 : -ENOMEM;
}

/* Only root can ask them. */
static int read_failed(struct reader *r, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = r->host;
        _cleanup_strv_ char **names = NULL;
        int k = 0;

        for (size_t i = 0; i < r->to->n && k >= 0; i++)
                if (r->to->items[i].up)
                        k = strv_push(&names, h->containers->name(r->to->items[i].c));
        if (k >= 0 && names && geteuid() == 0)
                k = h->machine->failed_units(op, STRV_CONST(names), add_failed, r, err);
        return k == -ENOMEM ? no_memory(h, err) : k;
}

static int add_facts(void *data, const struct ec_cgroup *c)
{
        struct reader *r = data;

        for (size_t i = 0; i < r->to->n; i++) {
                struct state *s = &r->to->items[i];

                if (strcmp(r->host->containers->unit(s->c), c->unit) != 0)
                        continue;
                /* It runs, if systemd does not say otherwise. */
                s->up = s->up || !s->active;
                facts_done(&s->facts);
                return facts_read(c, &s->facts);
        }
        return 0;
}

static int read_rest(struct reader *r, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = r->host;
        int k = 0;

        for (size_t i = 0; i < r->to->n && k >= 0; i++) {
                struct state *s = &r->to->items[i];

                s->up = s->active && (!strcmp(s->active, "active") || !strcmp(s->active, "reloading"));
                k = label_read(h, s->c, &s->label);
        }
        if (k >= 0)
                k = h->machine->cgroups(op, add_facts, r, err);
        return k == -ENOMEM ? no_memory(h, err) : k;
}

int states_read(const struct ec_host *h, struct ec_op *op, const struct ec_container *const *containers,
                struct states *ret, struct ec_err *err)
{
        _cleanup_(states_done) struct states all = { 0 };
        struct reader reader = { .host = h, .to = &all };
        size_t n = 0;
        int r;

        while (containers[n])
                n++;
        all.items = calloc(n + 1, sizeof(*all.items));
        if (!all.items)
                return no_memory(h, err);
        for (; all.n < n; all.n++)
                all.items[all.n] = (struct state){ .c = containers[all.n], .facts = FACTS_NONE };
        r = read_units(&reader, op, err);
        if (r >= 0)
                r = read_rest(&reader, op, err);
        if (r >= 0)
                r = read_failed(&reader, op, err);
        if (r < 0)
                return r;
        *ret = all;
        all = (struct states){ 0 };
        return 0;
}

const char *state_word(const struct state *s)
{
        static const struct {
                const char *active, *word;
        } words[] = { { "active", "running" },        { "reloading", "running" }, { "activating", "starting" },
                      { "deactivating", "stopping" }, { "inactive", "stopped" },  { "failed", "failed" } };

        /* It has ended, and systemd waits before it starts it again. */
        if (s->active && s->sub && str_after(s->sub, "auto-restart"))
                return "restarting";
        for (size_t i = 0; s->active && i < ARRAY_SIZE(words); i++)
                if (!strcmp(s->active, words[i].active))
                        return words[i].word;
        return s->active;
}

char *state_addresses(const struct ec_host *h, const struct state *s)
{
        static const char *const keys[] = { "LOCAL_ADDRESS", "LOCAL_ADDRESS6" };
        _cleanup_strv_ char **v = NULL;

        if (s->facts.addresses)
                return strv_join(STRV_CONST(s->facts.addresses), "\n");
        /* It does not run, or this user may not see its network. */
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                const char *value = h->containers->conf_get(s->c, keys[i]);

                if (value && *value && strv_pushf(&v, "%.*s", (int)strcspn(value, "/"), value) < 0)
                        return NULL;
        }
        return v ? strv_join(STRV_CONST(v), "\n") : strdup("");
}

const char *state_origin(const struct ec_host *h, const struct state *s)
{
        switch (h->containers->origin(s->c)) {
        case EC_ORIGIN_PROGRAM:
                return "extra-container";
        case EC_ORIGIN_HOST:
                return "host";
        default:
                return "nixos-container";
        }
}
