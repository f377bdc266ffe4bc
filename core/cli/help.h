/* SPDX-License-Identifier: MIT */
#pragma once
#include "cli/command.h"
/* Both print to stdout, from the tables. */
int help_overview(const struct plugins *l, struct ec_err *err);
int help_command(const struct plugins *l, const struct command_ref *ref, struct ec_err *err);
