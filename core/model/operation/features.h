/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
struct ec_err;
struct registry;
/*
 * Feature files, NAME/feature.json in a directory of plugins: what a plugin
 * provides, so that its commands and options are answered with the reason
 * when it is not loaded:
 *   { "feature": "x", "commands": ["a"], "options": ["--b", "-c"],
 *     "nixOptions": ["extra.d"], "forwards": ["a"] }
 * Every list is optional. `forwards` are commands that nixos-container has too;
 * they are passed on to it while the plugin is not loaded.
 */
struct feature {
        char *name;
        char **commands, **options, **nix_options, **forwards;
};
struct feature_list {
        struct feature *items;
        size_t n;
};
/* The features of plugins that are not in r, by name, from r's directories: the first one that has a name wins.
 * A broken or untrusted file is skipped with a warning, or silently if quiet. */
int features_load(const struct registry *r, bool quiet, struct feature_list *ret, struct ec_err *err);
void feature_list_done(struct feature_list *l);
const struct feature *feature_of_command(const struct feature_list *l, const char *word);
const struct feature *feature_of_option(const struct feature_list *l, const char *word);
