/* SPDX-License-Identifier: MIT */
#pragma once
#include "svc/nix/log.h"
struct ec_err;

/* What the user calls the files that Nix names. */
struct nix_names {
        const char *const *files; /* paths, */
        const char *const *names; /* and what to call each */
        const char *definition;   /* the user's file, or NULL */
        const char *where;        /* what to call it if Nix names no position; NULL: its name */
};
/* Sets the error of a failed run, from what it wrote. status is its exit status, program its name. */
int nix_error_set(const struct nix_log *l, const struct nix_names *n, const char *program, int status, bool show_trace,
                  struct ec_err *err);
