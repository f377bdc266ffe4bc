/* SPDX-License-Identifier: MIT */
#pragma once
#include "model/operation/options.h"
#include "plugin/commands.h"
#include <extra-container/plugin.h>
#include <stdbool.h>
struct command_list {
        struct command_ref *items;
        size_t n;
};

/* All commands but the hidden ones, by name. */
int commands_list(const struct plugins *l, struct command_list *ret, struct ec_err *err);
void command_list_done(struct command_list *l);

/* The options of a command: its own, then the core's, then the plugins', in name order. */
int command_options(const struct plugins *l, const struct command_ref *ref, struct option_set *ret, struct ec_err *err);
