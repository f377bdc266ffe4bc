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

/* Everything in the store that these files refer to, as nix-store counts it. */
struct closure {
        int64_t paths, bytes;
};
int closure_query(const struct ec_host *h, struct ec_op *op, const char *const *files, struct closure *ret,
                  struct ec_err *err);
