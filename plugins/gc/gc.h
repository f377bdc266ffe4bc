/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

#define GC_PREFIX "extra-container-"

/* suffix is "" for the unit's root, ".conf" for that of the settings; NULL: no memory. */
char *gc_root_path(const char *dir, const char *name, const char *suffix);
/* Both roots of a container; those that are there are left alone. */
int gc_set_roots(const struct ec_host *h, const struct ec_container *c, struct ec_err *err);
int gc_drop_root(const struct ec_host *h, const char *path, struct ec_err *err);
int gc_run(void *self, struct ec_op *op, struct ec_err *err);

/* What keeps one or several store files alive, by nix-store. */
struct closure {
        int64_t paths, bytes;
};
int closure_query(const struct ec_host *h, struct ec_op *op, const char *const *files, struct closure *ret,
                  struct ec_err *err);
