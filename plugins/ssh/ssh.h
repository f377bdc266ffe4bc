/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

struct ssh {
        const struct ec_host *host;
        char *container; /* of the session; NULL: no session */
        char *sockets;   /* directory of its master connections */
};

/* The key that containers accept, and its directory. */
struct key {
        char *dir;    /* resolved */
        char *path;   /* of the private key, which only ssh reads */
        char *public; /* "ssh-ed25519 AAAA...", without a comment */
};

/* 1: it exists or was created; 0: there is none. A directory or a file that others could
 * have changed is an error. Parallel runs are safe. */
int key_get(const struct ec_host *h, struct ec_op *op, int make, struct key *ret, struct ec_err *err);
void key_done(struct key *k);
/* The type and the key itself from a public key file; NULL: not an ed25519 key, or no memory. */
char *key_parse_public(const char *text);

/* The hook: adds `cssh` if the container has SSH. */
int session_open(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err);
void session_close(struct ssh *s, struct ec_op *op);
