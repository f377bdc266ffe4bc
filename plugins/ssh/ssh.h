/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

struct ssh {
        const struct ec_host *host;
        char *container; /* of the session, NULL: there is none */
        char *sockets;   /* directory of its master connections */
};

/* The key that containers accept, and the directory that it is in. */
struct key {
        char *dir;    /* resolved */
        char *path;   /* of the private key, which is for ssh alone */
        char *public; /* "ssh-ed25519 AAAA...", without a comment */
};

/* The path of the key directory as it is set, below the host's root prefix. */
int key_dir(const struct ec_host *h, char **ret, struct ec_err *err);
/* 1: there is one, or it was made; 0: there is none. A directory or a file that others
 * could have had their hands on is an error. Safe beside other runs that do the same. */
int key_get(const struct ec_host *h, struct ec_op *op, int make, struct key *ret, struct ec_err *err);
void key_done(struct key *k);
/* The type and the key itself of a line of a public key file; NULL: no ed25519 key, or no memory. */
char *key_parse_public(const char *text);

/* The hook: `cssh` for a session whose container has SSH. */
int session_open(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err);
void session_close(struct ssh *s, struct ec_op *op);
