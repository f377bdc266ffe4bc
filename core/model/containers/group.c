/* SPDX-License-Identifier: MIT */
#include "model/containers/group.h"

#include <errno.h>
#include <stdlib.h>

int group_init(struct group *g, size_t max)
{
        g->items = calloc(max + 1, sizeof(*g->items));
        g->n = 0;
        return g->items ? 0 : -ENOMEM;
}

void group_add(struct group *g, struct ec_container *c)
{
        g->items[g->n++] = c;
}

size_t group_find(const struct group *g, const struct ec_container *c)
{
        size_t i = 0;

        while (i < g->n && g->items[i] != c)
                i++;
        return i;
}

void group_done(struct group *g)
{
        free(g->items);
        *g = (struct group){ 0 };
}
