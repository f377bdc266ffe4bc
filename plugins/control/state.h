/* SPDX-License-Identifier: MIT */
#pragma once
#include "facts.h"

/* The state of one container. Strings of c live as long as op. */
struct state {
        const struct ec_container *c;
        char *active, *sub; /* of its unit; NULL: systemd does not answer */
        char *label;        /* of its NixOS system; NULL: not known */
        char **failed;      /* units in it; NULL: not known */
        struct facts facts; /* if it runs */
        int up;
};

struct states {
        struct state *items;
        size_t n;
};

/* Containers ends with NULL. Calls systemd once, and each running container's systemd, in parallel. */
int states_read(const struct ec_host *h, struct ec_op *op, const struct ec_container *const *containers,
                struct states *ret, struct ec_err *err);
void states_done(struct states *s);
/* "running", "starting", "stopped" ...; NULL: not known. */
const char *state_word(const struct state *s);
/* Its addresses in a network of its own, newline-separated; "" if there is none. NULL: no memory. */
char *state_addresses(const struct ec_host *h, const struct state *s);
const char *state_origin(const struct ec_host *h, const struct state *s);
