/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>

#include "svc/nix/error.h"
struct ec_err;
/* Runs Nix's programs, with progress on a terminal and with errors that name the user's files. */

struct nix {
        char *tmp_dir; /* gc roots of results are made below it */
        bool print_build_logs, show_trace;
        bool flakes;       /* expressions use the functions of flakes */
        char **build_args; /* as after --build-args */
        char **env;        /* of Nix: "K=V" sets, "K" unsets */
        char **warned;     /* warnings that were shown */
        struct nix_names names;
};
void nix_done(struct nix *n); /* not what names refers to */

struct nix_expr {
        const char *file, *attr;
        const char *const *args; /* "--argstr", "NAME", "VALUE" ... */
        const char *what;        /* "evaluating web.nix" */
};
/* Evaluates and realises a derivation; *ret_path is the store path, held by a
 * gc root below tmp_dir until that is removed. */
int nix_build(struct nix *n, const struct nix_expr *e, char **ret_path, struct ec_err *err);
/* Evaluates to JSON, builds nothing. */
int nix_eval_json(struct nix *n, const struct nix_expr *e, char **ret_json, struct ec_err *err);

/* Fetches a flake; ref is relative to dir, or to the working directory if dir is NULL. */
int nix_flake_metadata(struct nix *n, const char *ref, const char *dir, const char *what, char **ret_json,
                       struct ec_err *err);
/* As nix_build(), for an installable of nix(1). */
int nix_build_installable(struct nix *n, const char *installable, const char *dir, char **ret_path, struct ec_err *err);

/* Holds an existing store path with a gc root below tmp_dir. -ENOENT: the path is gone. */
int nix_hold_path(const char *store_path, const char *tmp_dir, struct ec_err *err);
