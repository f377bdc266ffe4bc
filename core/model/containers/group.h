/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
struct ec_container;
/* Containers that get the same treatment; they belong to a list elsewhere. */
struct group {
        struct ec_container **items; /* NULL-terminated */
        size_t n;
};
int group_init(struct group *g, size_t max);                            /* -ENOMEM */
void group_add(struct group *g, struct ec_container *c);                /* at most max */
size_t group_find(const struct group *g, const struct ec_container *c); /* its index; g->n: it is not there */
void group_done(struct group *g);
#define GROUP_CONST(g) ((const struct ec_container *const *)(g)->items)
