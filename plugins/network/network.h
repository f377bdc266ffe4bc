/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"
#include <netinet/in.h>

struct network {
        const struct ec_host *host;
        int partition; /* descriptor of its lock; -1: none */
};

/* ---- range.c: small networks, numbered, in a range of addresses ---- */

#define SLOT_BITS4 30 /* a network of IPv4 for one container: .1 is the host, .2 the container */
#define SLOT_BITS6 64 /* the same for IPv6 */

struct prefix {
        int family; /* AF_INET, AF_INET6 */
        unsigned bits;
        uint8_t addr[16];
};
struct range {
        struct prefix prefix;
        uint32_t slots;
};
/* "10.1.2.3" or "10.1.2.0/24"; -EINVAL for anything else and for another family. */
int prefix_parse(const char *text, int family, struct prefix *ret);
/* -EINVAL: not a range; -ERANGE: too large or too small. */
int range_parse(const char *text, int family, struct range *ret);
/* 1 and the slots that a prefix covers or is part of; 0: none. */
int range_covered(const struct range *r, const struct prefix *p, uint32_t *ret_from, uint32_t *ret_to);
/* The slot that these addresses of host and container belong to; -1: none. */
int64_t range_slot_of(const struct range *r, const char *host, const char *local);

/* ---- routes.c: the host's routing tables ---- */

struct route {
        struct prefix to;
        unsigned index; /* of its interface; 0: none */
        char dev[16];   /* "": none */
};
struct routes {
        struct route *items;
        size_t n;
};
/* All tables, without default routes. */
int routes_read(const struct ec_host *h, int family, struct routes *ret, struct ec_err *err);
/* Adds the routes of netlink messages. 1: the list ends; 0: more follow; or the -errno of the kernel. */
int routes_parse(struct routes *r, const void *messages, size_t size);
/* The index of the interface that the host's most specific route to an address leads to; 0: none. */
unsigned routes_interface(const struct routes *r, const struct prefix *address);
void routes_done(struct routes *r);

/* ---- addresses.c: the addresses in containers' settings ---- */

struct addresses {
        union {
                struct {
                        char *host4, *local4, *host6, *local6, *bridge; /* NULL: none */
                        char *ports;                                    /* "tcp:8080:80,udp:53:53" */
                };
                char *all[6];
        };
        int private_network;
};
void addresses_done(struct addresses *a);
/* The addresses in the text of a conf file, with masks. -ENOMEM. */
int addresses_parse(const char *text, struct addresses *ret);
/* The addresses of a container of the operation, without masks. */
int addresses_of(const struct ec_host *h, const struct ec_container *c, struct addresses *ret, struct ec_err *err);
/* The addresses of an installed container, also of one that other tools installed, without masks: 1; 0: there is no
 * such container. */
int addresses_read(const struct ec_host *h, const char *name, struct addresses *ret, struct ec_err *err);
/* The addresses of all installed containers, with masks, in name order in each directory. If fn returns non-zero, the
 * walk ends with that value; err need not be set for -ENOMEM. */
int addresses_foreach(const struct ec_host *h, int (*fn)(void *data, const char *name, const struct addresses *a),
                      void *data, struct ec_err *err);

/* ---- allocate.c: what the evaluation needs to pick addresses ---- */

/* Parallel runs pick from different slots: each locks a partition, usually 0. */
int partition_take(struct network *n, unsigned *ret_partition, struct ec_err *err);
void partition_release(struct network *n);
int allocation_settings(const struct ec_host *h, struct ec_err *err); /* checks them */
/* JSON for module.nix, to be freed. */
int allocation(struct network *n, unsigned partition, char **ret, struct ec_err *err);
/* Does one of the addresses (without masks) look like one that the evaluation picks? */
int allocation_is_picked(struct network *n, const struct addresses *a, struct ec_err *err);

/* ---- clash.c: before an installation ---- */

/* -EADDRINUSE: another container of the definition or of the host has one of its addresses or forwarded ports. */
int clash_check(struct network *n, struct ec_op *op, const struct ec_container *c, struct ec_err *err);

/* ---- neighbour.c: addresses that are waited for ---- */

struct neighbour {
        const char *container; /* of neighbours_add() */
        char *address;
        struct prefix prefix;
        unsigned index; /* of the interface that the host's route to it leads to; 0: none yet */
        int answers;
};
struct neighbours {
        struct neighbour *items;
        size_t n;
};
int neighbours_add(struct neighbours *list, const struct ec_host *h, const char *container, int family,
                   const char *address, struct ec_err *err);
/* Notes the addresses that answer according to netlink messages. */
void neighbours_parse(struct neighbours *list, const void *messages, size_t size);
/* Reads events, and answers to the request, but not without end: containers make events. Returns how many addresses
 * have not answered. */
int neighbours_read(struct neighbours *list, int fd);
void neighbours_done(struct neighbours *list);
/* Waits, for ms at most, until the kernel has learnt the hardware addresses of all, and warns about those that do not
 * answer. -ECANCELED: interrupted. */
int neighbours_wait(struct neighbours *list, const struct ec_host *h, struct ec_op *op, uint64_t ms,
                    struct ec_err *err);

/* ---- state.c: what firewall.sh and networkd.sh set up while a container runs ---- */

char *state_path(const struct ec_host *h, const char *name);
void state_warn(const struct ec_host *h, const char *name);
/* For a container that is removed. */
int state_clear(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err);
