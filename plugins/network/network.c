/* SPDX-License-Identifier: MIT */
/* Networks of containers: their addresses, and what module.nix needs to know about the host. */
#include "network.h"

#include <string.h>

static int eval(void *self, struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        struct network *n = self;
        const struct ec_host *h = n->host;
        _cleanup_free_ char *json = NULL;
        unsigned partition;
        int r = add_own_module(h, ev, err);

        (void)op;
        /* Take the partition before reading what is installed: the run that held it before has finished its
         * installation. */
        if (r >= 0)
                r = partition_take(n, &partition, err);
        if (r >= 0)
                r = allocation(n, partition, &json, err);
        return r < 0 ? r : h->nix->add_arg(ev, "network", json, err);
}

static int pre_install(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        return clash_check(self, op, c, err);
}

/* Skips addresses behind a bridge, which the host may not reach. */
static int add_neighbours(struct neighbours *to, const struct ec_host *h, const struct ec_container *c,
                          struct ec_err *err)
{
        _cleanup_(addresses_done) struct addresses a = { 0 };
        const char *name = h->containers->name(c);
        int r = addresses_of(h, c, &a, err);

        if (r < 0 || !a.private_network || a.bridge)
                return r;
        if (a.local4)
                r = neighbours_add(to, h, name, AF_INET, a.local4, err);
        if (r >= 0 && a.local6)
                r = neighbours_add(to, h, name, AF_INET6, a.local6, err);
        return r;
}

static int started(void *self, struct ec_op *op, const struct ec_container *const *containers, struct ec_err *err)
{
        struct network *n = self;
        const struct ec_host *h = n->host;
        _cleanup_(neighbours_done) struct neighbours wanted = { 0 };
        uint64_t ms = h->conf->get_ms(h, "wait");
        int r = 0;

        partition_release(n); /* other runs see the addresses of installed containers */
        for (const struct ec_container *const *c = containers; *c; c++) {
                state_warn(h, h->containers->name(*c));
                if (r >= 0 && ms)
                        r = add_neighbours(&wanted, h, *c, err);
        }
        return r < 0 ? r : neighbours_wait(&wanted, h, op, ms, err);
}

/* $ip is set by the shell plugin, to the IPv4 address if there is one. */
static int shell(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        struct network *n = self;
        const struct ec_host *h = n->host;
        _cleanup_(addresses_done) struct addresses a = { 0 };
        int r = addresses_of(h, h->shell->container(sh), &a, err);

        (void)op;
        partition_release(n);
        /* Without one, this unsets the variable of an outer session. */
        return r < 0 ? r : h->shell->setenv(sh, "ip6", a.local6, err);
}

/* The unit has cleaned up already, unless the host crashed. */
static int removed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        const struct ec_host *h = ((struct network *)self)->host;

        return state_clear(h, op, h->containers->name(c), err);
}

/* Always called, so done() has nothing else to release. */
static void finish(void *self, struct ec_op *op, int status)
{
        (void)op, (void)status;
        partition_release(self);
}

static int show_ip(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = ((struct network *)self)->host;
        const char *const *args = h->opt->args(op);
        _cleanup_(addresses_done) struct addresses a = { 0 };
        const struct ec_container *c;
        int r;

        if (!args[0])
                return h->err->usage(err, "show-ip needs the name of a container");
        if (args[1])
                return h->err->usage(err, "show-ip takes the name of one container");
        r = addresses_read(h, args[0], &a, err);
        if (!r)
                r = h->containers->find(op, args[0], &c, err);
        if (r < 0)
                return r;
        if (!a.local4 && !a.local6)
                return h->err->set(err, -EADDRNOTAVAIL, "container '%s' has no address of its own", args[0]);
        if (a.local4)
                h->term->out(h, "%s\n", a.local4);
        if (a.local6)
                h->term->out(h, "%s\n", a.local6);
        return 0;
}

static int init(const struct ec_host *host, void **ret_self, struct ec_err *err)
{
        struct network *n = malloc(sizeof(*n));

        if (!n)
                return no_memory(host, err);
        /* Only an evaluation needs them, and fails. Without the plugin it would make other units, and restart
         * containers. */
        if (allocation_settings(host, err) < 0) {
                host->log->log(host, 4, "%s", host->err->message(err));
                host->err->clear(err);
        }
        *n = (struct network){ .host = host, .partition = -1 };
        *ret_self = n;
        return 0;
}

static const struct ec_hooks hooks = {
        .size = sizeof(hooks),
        .eval = eval,
        .pre_install = pre_install,
        .started = started,
        .shell = shell,
        .removed = removed,
        .finish = finish,
};

static const struct ec_command commands[] = {
        { .name = "show-ip",
          .synopsis = "NAME",
          .summary = "Print the addresses of a container",
          .details = "The IPv4 address, then the IPv6 address, if there is one, on a line each. The container need not "
                     "be running.",
          .run = show_ip },
};

static const struct ec_setting settings[] = {
        { "range", "string", "10.236.0.0/16",
          "IPv4 addresses from which extra.addressPrefix = \"auto\" takes networks of four" },
        { "range6", "string", "fd65:7863:6e74::/48",
          "IPv6 addresses from which extra.addressPrefix6 = \"auto\" takes networks" },
        { "firewall", "string", "auto",
          "What sets up the rules of extra.enableWAN: nft, iptables, or auto, which is whatever the host uses; a "
          "change applies to containers that are built later" },
        { "connections", "int", "16384",
          "How many connections a container with extra.enableWAN or forwardPorts can have at a time; 0 means no "
          "limit; a change applies to containers that are built later" },
        { "wait", "duration", "10s",
          "How long to wait until the address of a started container answers; 0 does not wait" },
};

EC_PLUGIN(network, .version = EC_VERSION, .summary = "Addresses and internet access for containers",
          .commands = EC_ARRAY(commands), .settings = EC_ARRAY(settings), .hooks = &hooks, .init = init, .done = free);
