/* SPDX-License-Identifier: MIT */
#pragma once
#include "cli/command.h"
struct app;
/* Both print to stdout, from the tables. */
int help_word(struct app *a, const char *word, struct ec_err *err); /* a command's help; NULL: the overview */
int help_command(const struct plugins *l, const struct command_ref *ref, struct ec_err *err);
