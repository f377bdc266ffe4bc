/* SPDX-License-Identifier: MIT */
#include "create.h"

#include <string.h>

struct search {
        const struct ec_host *host;
        struct ec_op *op;
        char **states, **names;
        struct ec_err *err;
};

/* What does not run needs nothing. */
static int add(void *data, const struct ec_container *c)
{
        struct search *s = data;
        const struct ec_containers_api *a = s->host->containers;

        if (strcmp(create_state_of(s->states, a->unit(c)), "active") != 0 || a->outstanding(s->op, c) == EC_CHANGE_NONE)
                return 0;
        return strv_push(&s->names, a->name(c)) < 0 ? no_memory(s->host, s->err) : 0;
}

int create_tell_outstanding(const struct ec_host *h, struct ec_op *op, struct ec_err *err)
{
        struct search s = { .host = h, .op = op, .err = err };
        int r = create_read_states(h, op, &s.states, err);

        if (r >= 0 && s.states)
                r = h->containers->foreach(op, add, &s, err);
        if (r >= 0 && s.names) {
                _cleanup_free_ char *names = strv_join(STRV_CONST(s.names), " ");

                if (names)
                        h->log->log(h, 5, "not yet applied to what runs: %s; use --update-changed, or restart it",
                                    names);
        }
        strv_free(s.names);
        strv_free(s.states);
        return r;
}
