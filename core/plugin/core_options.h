/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
/* Scopes 0 means every command. */
extern const struct ec_array core_options;
extern const struct ec_array json_option;     /* of commands that list */
extern const struct ec_option option_version; /* only before a command */
/* Does the command get this option of the program, or of a plugin? */
bool option_applies(const struct ec_option *o, const struct ec_command *c);
