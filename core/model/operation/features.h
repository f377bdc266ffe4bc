/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
struct ec_err;
struct registry;
/*
 * Feature files, DATA/features/NAME.json: what a plugin would bring if it were
 * there, so that its words are answered with "feature NAME is disabled":
 *   { "feature": "x", "commands": ["a"], "options": ["--b", "-c"],
 *     "nixOptions": ["extra.d"], "forwards": ["a"] }
 * All lists may be left out. `forwards` are those commands that nixos-container
 * has too: it gets them while the feature is disabled.
 */
struct feature {
        char *name;
        char **commands, **options, **nix_options, **forwards;
};
struct feature_list {
        struct feature *items;
        size_t n;
};
/* Those of plugins that are not in r, by name. No directory: none. A broken file
 * is a warning, or nothing if quiet. */
int features_load(const char *data, const struct registry *r, bool quiet, struct feature_list *ret, struct ec_err *err);
void feature_list_done(struct feature_list *l);
const struct feature *feature_of_command(const struct feature_list *l, const char *word);
const struct feature *feature_of_option(const struct feature_list *l, const char *word);
