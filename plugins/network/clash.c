/* SPDX-License-Identifier: MIT */
/* Addresses and forwarded ports that only one container can have: checked before an installation, against the other
 * containers of the definition, and those that are installed. */
#include "network.h"

#include <string.h>

struct check {
        const struct ec_host *host;
        const char *name;
        const struct addresses *mine;
        int is_picked;  /* its address was picked automatically */
        char **defined; /* other containers of the definition */
        struct ec_err *err;
};

static int same(const char *a, const char *b, int family)
{
        struct prefix p, q;

        return a && b && prefix_parse(a, family, &p) >= 0 && prefix_parse(b, family, &q) >= 0 &&
               !memcmp(p.addr, q.addr, sizeof(p.addr));
}

/* The same address can exist on two bridges. */
static int apart(const struct addresses *a, const struct addresses *b)
{
        return a->bridge && b->bridge && strcmp(a->bridge, b->bridge) != 0;
}

/* The address in mine that other prevents, and the names of the options of both. The host only has the hostAddress of a
 * container that is not in a bridge; several may share one. */
static const char *find_address(const struct addresses *mine, const struct addresses *other, const char **ret_option,
                                const char **ret_other)
{
        static const char *const host[] = { "hostAddress", "hostAddress6" };
        static const char *const local[] = { "localAddress", "localAddress6" };

        for (size_t i = 0; i < ARRAY_SIZE(host); i++) {
                const int family = i ? AF_INET6 : AF_INET;
                const char *my_host = mine->all[2 * i], *my_local = mine->all[2 * i + 1];
                const char *its_host = other->all[2 * i], *its_local = other->all[2 * i + 1];

                *ret_option = *ret_other = local[i];
                if (!apart(mine, other) && same(my_local, its_local, family))
                        return my_local;
                *ret_other = host[i];
                if (!other->bridge && same(my_local, its_host, family))
                        return my_local;
                *ret_option = host[i];
                *ret_other = local[i];
                if (!mine->bridge && same(my_host, its_local, family))
                        return my_host;
        }
        return NULL;
}

/* 1 and the first port of the host that both have; "tcp:8080:80,udp:53:53" */
static int find_port(const struct addresses *mine, const struct addresses *other, char **ret)
{
        _cleanup_strv_ char **a = strv_split(mine->ports ?: "", ","), **b = strv_split(other->ports ?: "", ",");

        if (!a || !b)
                return -ENOMEM;
        for (char **p = a; *p; p++)
                for (char **q = b; *q; q++) {
                        char *first = strchr(*p, ':'), *end = strrchr(*p, ':');

                        if (first == end || strncmp(*p, *q, (size_t)(end - *p) + 1) != 0)
                                continue;
                        *end = 0;
                        *ret = strdup(*p);
                        return *ret ? 1 : -ENOMEM;
                }
        return 0;
}

static int compare(const struct check *c, const char *name, const struct addresses *a)
{
        const struct ec_host *h = c->host;
        _cleanup_free_ char *port = NULL;
        const char *option, *its, *address = find_address(c->mine, a, &option, &its), *number;
        int r;

        if (address && c->is_picked)
                return h->err->set(c->err, -EADDRINUSE,
                                   "its address %s was given to container '%s' after it was built; build it again",
                                   address, name);
        if (address)
                return h->err->set(c->err, -EADDRINUSE,
                                   "its %s %s is also the %s of container '%s'; change one of them, or destroy '%s'",
                                   option, address, its, name, name);
        r = find_port(c->mine, a, &port);
        if (r < 0)
                return no_memory(h, c->err);
        if (!port)
                return 0;
        number = strchr(port, ':');
        return h->err->set(
                c->err, -EADDRINUSE,
                "its forwardPorts have hostPort %s (%.*s), which is also forwarded to container '%s'; change "
                "one of them, or destroy '%s'",
                number + 1, (int)(number - port), port, name, name);
}

static int compare_defined(void *data, const struct ec_container *other)
{
        struct check *c = data;
        _cleanup_(addresses_done) struct addresses a = { 0 };
        const char *name = c->host->containers->name(other);
        int r;

        if (!strcmp(name, c->name))
                return 0;
        if (strv_push(&c->defined, name) < 0)
                return no_memory(c->host, c->err);
        r = addresses_of(c->host, other, &a, c->err);
        return r < 0 ? r : compare(c, name, &a);
}

static int compare_installed(void *data, const char *name, const struct addresses *a)
{
        struct check *c = data;

        /* What the definition says about a container replaces what is installed. */
        return !strcmp(name, c->name) || strv_contains(STRV_CONST(c->defined), name) ? 0 : compare(c, name, a);
}

int clash_check(struct network *n, struct ec_op *op, const struct ec_container *container, struct ec_err *err)
{
        const struct ec_host *h = n->host;
        _cleanup_(addresses_done) struct addresses mine = { 0 };
        struct check c = { .host = h, .name = h->containers->name(container), .mine = &mine, .err = err };
        int r = addresses_of(h, container, &mine, err);

        if (r < 0 || !mine.private_network)
                return r;
        r = c.is_picked = allocation_is_picked(n, &mine, err);
        if (r >= 0)
                r = h->containers->foreach(op, compare_defined, &c, err);
        if (r >= 0)
                r = addresses_foreach(h, compare_installed, &c, err);
        strv_free(c.defined);
        return r;
}
