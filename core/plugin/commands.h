/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
struct plugins;
struct plugin;

struct command_ref {
        const struct ec_command *command;
        const struct plugin *plugin; /* NULL: builtin */
};
bool command_find(const struct plugins *l, const char *word, struct command_ref *ret);
/* If several have the scope: the command of the plugin that wins clashes. */
bool command_find_scope(const struct plugins *l, uint32_t scope, struct command_ref *ret);
/* In one table of commands or options; NULL: there is none. */
const struct ec_command *command_in(const struct ec_array *commands, const char *word);
const struct ec_option *option_in(const struct ec_array *options, const char *name, size_t len);
