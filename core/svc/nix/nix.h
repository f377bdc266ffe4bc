/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
struct ec_err;

/* struct ec_eval of plugin.h: one evaluation and its realisation. */
struct ec_eval;
struct nix_settings {
        const char *eval_nix;  /* eval-config.nix */
        const char *tmp_dir;   /* private directory of the operation: gc roots of the result */
        bool print_build_logs; /* -L */
        bool show_trace;
};
int eval_create(const struct nix_settings *s, struct ec_eval **ret, struct ec_err *err);
void eval_free(struct ec_eval *ev);
int eval_add_module(struct ec_eval *ev, const char *path, struct ec_err *err);
int eval_add_arg(struct ec_eval *ev, const char *name, const char *value, struct ec_err *err);
int eval_add_build_arg(struct ec_eval *ev, const char *arg, struct ec_err *err);
int eval_setenv(struct ec_eval *ev, const char *key, const char *value, struct ec_err *err);
int eval_argstr(struct ec_eval *ev, const char *name, const char *value, struct ec_err *err); /* of eval-config.nix */
int eval_argexpr(struct ec_eval *ev, const char *name, const char *expr, struct ec_err *err);
int eval_disabled(struct ec_eval *ev, const char *option, const char *feature, struct ec_err *err);
int eval_search_path(struct ec_eval *ev, const char *entry, struct ec_err *err); /* -I */
/* What to call the expression's temporary file in Nix' messages: "(standard input)". */
int eval_display_name(struct ec_eval *ev, const char *file, const char *name, struct ec_err *err);

/* Takes the place of a definition's file: fetches the flake `ref`, as seen from directory dir
 * (NULL: where we are), and looks for its attribute `attr` ("": the default). `display` is what
 * both are called. 0: it is a definition, as any other; 1: Nix builds it as the flake says, so
 * eval_build() gives what that is, and nothing can be evaluated. To be called once, as the last. */
int eval_flake(struct ec_eval *ev, const char *ref, const char *dir, const char *attr, const char *display,
               struct ec_err *err);

/* Evaluates and realises attribute `attr`; *ret_path is the store path, held by a
 * gc root below tmp_dir until that is removed. */
int eval_build(struct ec_eval *ev, const char *attr, char **ret_path, struct ec_err *err);
/* Evaluates attribute `attr` to JSON, builds nothing. */
int eval_json(struct ec_eval *ev, const char *attr, char **ret_json, struct ec_err *err);

bool nix_takes_option(const char *name);  /* as a build argument: "-I", "--max-jobs" */
bool nix_is_store_path(const char *path); /* /nix/store/HASH-name, maybe with more behind it; honours NIX_STORE_DIR */
/* Of that, the length of "/nix/store/HASH-name"; 0: none. */
size_t nix_store_path_len(const char *path);
/* Holds a store path that is there already by a gc root below tmp_dir. */
int nix_hold_path(const char *store_path, const char *tmp_dir, struct ec_err *err);
/* Nix' own links to the gc roots below dir; before dir is removed. */
void nix_forget_roots(const char *dir);
