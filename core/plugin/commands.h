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
bool command_is_named(const struct ec_command *c, const char *word);
