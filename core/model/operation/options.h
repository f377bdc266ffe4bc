/* SPDX-License-Identifier: MIT */
#pragma once
#include "util/cleanup.h"
#include <extra-container/plugin.h>
#include <stdbool.h>
/* Options that one command takes: its own, the core's, and those of plugins that share a scope with it. */
struct option_ref {
        const struct ec_option *option;
        const char *plugin; /* NULL: the core */
        bool own;
};
struct option_set {
        struct option_ref *items;
        size_t n;
        /* Called for an option that is in no table ("--ssh", "-x"): sets err and returns < 0 if it has a better message
         * than "unknown option"; may be NULL. */
        int (*unknown)(void *data, const char *word, struct ec_err *err);
        /* Names of the other commands that have an option; NULL: none. May be NULL. */
        char *(*owners)(void *data, const char *word);
        void *data;
};
int option_set_add(struct option_set *set, const struct ec_option *o, const char *plugin, bool own); /* -ENOMEM */
void option_set_done(struct option_set *set);
/* The short name of an item of the set; 0: none. The command's own options take precedence over the core's; those of
 * plugins have none. */
int option_set_short(const struct option_set *set, const struct option_ref *ref);
const struct option_ref *option_set_find(const struct option_set *set, const char *name, size_t len);

struct parsed_options;
int options_parse(const struct option_set *set, const struct ec_command *cmd,
                  const char *const *argv /* after the command */, struct parsed_options **ret, struct ec_err *err);
void options_free(struct parsed_options *p);
DEFINE_CLEANUP(struct parsed_options, options_free)
/* p may be NULL: nothing is set. */
int options_is_set(const struct parsed_options *p, const char *name);
uint64_t options_ms(const struct parsed_options *p, const char *name); /* of a "duration"; 0: not given */
const char *options_value(const struct parsed_options *p, const char *name);
const char *const *options_values(const struct parsed_options *p, const char *name);
const char *const *options_args(const struct parsed_options *p);
/* Names of the given options that pass through one of these scopes; new. */
int options_given(const struct parsed_options *p, uint32_t scopes, char ***ret); /* -ENOMEM */
