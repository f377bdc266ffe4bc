/* SPDX-License-Identifier: MIT */
#include "create.h"

#include <string.h>

struct search {
        const struct ec_host *host;
        struct ec_op *op;
        const struct ec_container **changed; /* those that do not run need nothing */
        size_t n;
        char **running; /* names */
};

static int add_changed(void *data, const struct ec_container *c)
{
        struct search *s = data;
        const struct ec_container **items;

        if (s->host->containers->outstanding(s->op, c) == EC_CHANGE_NONE)
                return 0;
        items = reallocarray(s->changed, s->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        s->changed = items;
        s->changed[s->n++] = c;
        return 0;
}

static int add_running(void *data, const char *unit, const char *active, const char *sub)
{
        struct search *s = data;

        (void)sub;
        for (size_t i = 0; i < s->n; i++)
                if (!strcmp(unit, s->host->containers->unit(s->changed[i])) && !strcmp(active, "active"))
                        return strv_push(&s->running, s->host->containers->name(s->changed[i]));
        return 0;
}

int create_tell_outstanding(const struct ec_host *h, struct ec_op *op, struct ec_err *err)
{
        struct search s = { .host = h, .op = op };
        int r = h->containers->foreach(op, add_changed, &s, err);

        if (r >= 0 && s.n)
                r = h->systemd->states(op, "container@*.service", add_running, &s, err);
        if (r >= 0 && s.running) {
                _cleanup_free_ char *names = strv_join(STRV_CONST(s.running), " ");

                if (names)
                        h->log->log(h, 5, "not yet applied to what runs: %s; use --update-changed, or restart it",
                                    names);
        }
        free(s.changed);
        strv_free(s.running);
        if (r >= 0 || r == -ECANCELED)
                return r;
        /* Everything is installed. */
        h->log->log(h, 7, "states of units: %s", h->err->message(err));
        h->err->clear(err);
        return 0;
}
