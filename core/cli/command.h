/* SPDX-License-Identifier: MIT */
#pragma once
#include "model/operation/options.h"
#include "plugin/commands.h"
#include <extra-container/plugin.h>
#include <stdbool.h>

/* All commands but the hidden ones, by name; the last item's command is NULL. *ret is freed with free(). */
int commands_list(const struct plugins *l, struct command_ref **ret, struct ec_err *err);

/* The options of a command: its own, then the core's, then the plugins', in name order. */
int command_options(const struct plugins *l, const struct command_ref *ref, struct option_set *ret, struct ec_err *err);
/* Does the command have this option ("--name", "--name=VALUE", "-x"), and show it? */
bool command_takes(const struct plugins *l, const struct command_ref *ref, const char *word);
