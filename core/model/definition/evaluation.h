/* SPDX-License-Identifier: MIT */
#pragma once
#include "model/definition/definition.h"
struct ec_op;

/* struct ec_eval of plugin.h: a definition with all arguments of eval-config.nix for it. */
struct ec_eval;
/* Runs the `eval` hooks, and fetches the definition if it is a flake. def must outlive the result. */
int evaluation_new(struct ec_op *op, const struct definition *def, struct ec_eval **ret, struct ec_err *err);
void evaluation_free(struct ec_eval *ev);
/* Nix builds it as its flake says: the output may be anything, and its names are not known before the build. */
bool evaluation_is_prebuilt(const struct ec_eval *ev);
/* Only its flake decides the result; our modules and arguments have no effect. */
bool evaluation_is_fixed(const struct ec_eval *ev);
/* Builds the etc output; *ret_path is a store path, held until the operation's temporary directory is removed. */
int evaluation_build(struct ec_eval *ev, char **ret_path, struct ec_err *err);
/* The names of the containers, without a build. Not for a prebuilt definition. */
int evaluation_names(struct ec_eval *ev, char ***ret, struct ec_err *err);

/* For the hooks. */
int evaluation_add_module(struct ec_eval *ev, const char *path, struct ec_err *err);
int evaluation_add_arg(struct ec_eval *ev, const char *name, const char *value, struct ec_err *err);
int evaluation_add_build_arg(struct ec_eval *ev, const char *arg, struct ec_err *err);
int evaluation_setenv(struct ec_eval *ev, const char *key, const char *value, struct ec_err *err);
