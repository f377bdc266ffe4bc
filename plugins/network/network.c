/* SPDX-License-Identifier: MIT */
/* Networks of containers: their addresses, and what module.nix needs to know of the host. */
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
        /* First the partition, then the look at what is there: who had it before us is installed. */
        if (r >= 0)
                r = partition_take(n, &partition, err);
        if (r >= 0)
                r = allocation(n, partition, &json, err);
        return r < 0 ? r : h->nix->add_arg(ev, "network", json, err);
}

static int pre_install(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        (void)op;
        return allocation_check(self, c, err);
}

static int wait_for(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        struct network *n = self;
        const struct ec_host *h = n->host;
        _cleanup_(addresses_done) struct addresses a = { 0 };
        uint64_t ms = h->conf->get_ms(h, "wait");
        int r;

        (void)op;
        partition_release(n); /* all are installed, so others see what they have */
        state_warn(h, h->containers->name(c));
        r = addresses_of(h, c, &a, err);
        /* Behind a bridge it may be out of the host's reach. */
        if (r < 0)
                return r;
        if (!a.private_network || a.bridge || !ms)
                return 0;
        if (a.local4)
                r = neighbour_wait(h, AF_INET, a.local4, ms, err);
        if (r >= 0 && a.local6)
                r = neighbour_wait(h, AF_INET6, a.local6, ms, err);
        return r < 0 ? h->err->prefix(err, "container '%s'", h->containers->name(c)) : 0;
}

/* FIXME-plugins: all at once */
static int started(void *self, struct ec_op *op, const struct ec_container *const *containers, struct ec_err *err)
{
        int r = 0;

        for (; *containers && r >= 0; containers++)
                r = wait_for(self, op, *containers, err);
        return r;
}

/* $ip is the session's own, and holds one of two addresses. */
static int shell(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        struct network *n = self;
        const struct ec_host *h = n->host;
        _cleanup_(addresses_done) struct addresses a = { 0 };
        int r = addresses_of(h, h->shell->container(sh), &a, err);

        (void)op;
        partition_release(n);
        /* None must not leave that of a session around this one. */
        return r < 0 ? r : h->shell->setenv(sh, "ip6", a.local6, err);
}

/* Its unit has done so already, unless the host crashed. */
static int removed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        const struct ec_host *h = ((struct network *)self)->host;

        /* What is still installed, after an update that failed, keeps its rules. */
        if (access(h->containers->unit_path(c), F_OK) == 0)
                return 0;
        return state_clear(h, op, h->containers->name(c), err);
}

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
        int r;

        if (!args[0])
                return h->err->usage(err, "no container was given");
        if (args[1])
                return h->err->usage(err, "only one container can be given");
        r = addresses_read(h, args[0], &a, err);
        if (r < 0)
                return r;
        if (!r)
                return h->err->set(err, -ENOENT, "no container named '%s'", args[0]);
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
        *n = (struct network){ .host = host, .partition = -1 };
        *ret_self = n;
        return 0;
}

static void done(void *self)
{
        partition_release(self);
        free(self);
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
          .details = "One line each: the address of IPv4, then that of IPv6, as far as it has them. The container need "
                     "not run.",
          .run = show_ip },
};

static const struct ec_setting settings[] = {
        { "range", "string", "10.236.0.0/16",
          "Where extra.addressPrefix = \"auto\" takes networks of four addresses from" },
        { "range6", "string", "fd65:7863:6e74::/48", "Where extra.addressPrefix6 = \"auto\" takes networks from" },
        { "firewall", "string", "auto",
          "What sets up the rules of extra.enableWAN: nft, iptables, or auto, which is what the host uses" },
        { "wait", "duration", "10s", "How long a started container's address may take to answer; 0 does not wait" },
};

EC_PLUGIN(network, .version = EC_VERSION, .summary = "Addresses and internet access for containers",
          .commands = EC_ARRAY(commands), .settings = EC_ARRAY(settings), .hooks = &hooks, .init = init, .done = done);
