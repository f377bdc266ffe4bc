/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct ec_err;
/* --build-args, sorted by the program that takes them. */

struct nix_args {
        char **eval;      /* for nix-instantiate */
        char **realise;   /* for nix-store --realise */
        char **all;       /* for nix-build, if one is unknown */
        char **flake;     /* for nix flake metadata */
        char **build;     /* for nix build */
        char *flake_only; /* the first one that only makes sense for flakes, or NULL */
        bool unknown;     /* an option is not in our table: nix-build has to take them all */
        bool jobs;        /* max-jobs is among them */
        bool format;      /* the user's own log format */
        bool logs;        /* -L */
        bool no_logs;     /* -Q */
        bool show_trace;
};
int nix_args_sort(const char *const *args, struct nix_args *ret, struct ec_err *err);
void nix_args_done(struct nix_args *a);
/* Is max-jobs set in NIX_CONFIG or in a nix.conf? */
bool nix_args_jobs_configured(void);
bool nix_takes_option(const char *name); /* as a build argument: "-I", "--max-jobs" */
