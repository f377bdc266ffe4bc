/* SPDX-License-Identifier: MIT */
#pragma once
#include <errno.h>
#include <extra-container/plugin.h>
#include <stdlib.h>
#include <unistd.h>

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

/* `cssh` for a session whose container is reached by SSH. */
int session_open(struct ssh *s, struct ec_op *op, struct ec_shell *sh, struct ec_err *err);
void session_close(struct ssh *s, struct ec_op *op);

/* As a word of a shell, in quotes; NULL: no memory. */
char *shell_quote(const char *s);

static inline int no_memory(const struct ec_host *h, struct ec_err *err)
{
        return h->err->set(err, -ENOMEM, "out of memory");
}

static inline void cleanup_free(void *p)
{
        free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

#define _cleanup_(f)    __attribute__((cleanup(f)))
#define _cleanup_free_  _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
