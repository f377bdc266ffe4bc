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

/* The command that prints them as lines of known_hosts, for cssh. */
#define HOST_KEYS_COMMAND "ssh-host-keys"
int host_keys_run(void *self, struct ec_op *op, struct ec_err *err);
/* The line for a public key file; NULL: it is not the key of a host, or no memory. */
char *host_key_line(const char *name, const char *text);
/* The public key files that a marker names, or those of sshd's default. */
char **host_key_paths(const char *marker);

/* The file in the system of containers with SSH; see module.nix. NULL: no system, or no memory. */
char *ssh_marker(const struct ec_host *h, const struct ec_container *c);
/* The hook: adds `cssh` if the container has SSH. */
int session_open(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err);
void session_close(struct ssh *s, struct ec_op *op);
