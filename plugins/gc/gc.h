/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

#define GC_PREFIX "extra-container-"

/* suffix is "" for the root of the unit, ".conf" for that of the conf file; NULL: no memory. */
char *gc_root_path(const char *dir, const char *name, const char *suffix);
/* Creates both roots of a container. */
int gc_set_roots(const struct ec_host *h, const struct ec_container *c, struct ec_err *err);
int gc_drop_root(const struct ec_host *h, const char *path, struct ec_err *err);
int gc_run(void *self, struct ec_op *op, struct ec_err *err);

/* Everything in the store that files refer to. */
struct closures {
        struct node *nodes; /* sorted by path */
        size_t n, last;
};
int closures_read(const struct ec_host *h, struct ec_op *op, const char *const *files, struct closures *ret,
                  struct ec_err *err);
void closures_done(struct closures *c);
struct closure {
        int64_t paths, bytes;
};
/* That of some of these files, as nix-store counts it. -ENOMEM. */
int closure_of(struct closures *c, const char *const *files, struct closure *ret);
