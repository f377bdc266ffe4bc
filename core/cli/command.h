/* SPDX-License-Identifier: MIT */
#pragma once
#include "model/operation/options.h"
#include <extra-container/plugin.h>
#include <stdbool.h>
struct plugins;
struct plugin;

/* The core's own options: scopes 0 is "every command". */
extern const struct ec_array core_options;
/* Those that may stand before a command, too. */
extern const struct ec_option option_version;
extern const struct ec_array builtin_commands; /* cli/builtin.c */

struct command_ref {
        const struct ec_command *command;
        const struct plugin *plugin; /* NULL: builtin */
};
struct command_list {
        struct command_ref *items;
        size_t n;
};

/* All commands, by name; the hidden ones only if asked for. */
int commands_list(const struct plugins *l, bool hidden, struct command_list *ret, struct ec_err *err);
void command_list_done(struct command_list *l);
bool command_find(const struct plugins *l, const char *word, struct command_ref *ret);
bool command_find_scope(const struct plugins *l, uint32_t scope, struct command_ref *ret);
bool command_is_named(const struct ec_command *c, const char *word);

/* What a command takes: its own, then the core's, then the plugins', in name order. */
int command_options(const struct plugins *l, const struct command_ref *ref, struct option_set *ret, struct ec_err *err);
/* Could p (not yet in l) be added without a clash? One line that names both if not. */
int command_check_clash(const struct plugins *l, const struct ec_plugin *p, struct ec_err *err);
