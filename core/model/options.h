/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
/* Options that one command takes: its own, the core's, and those of plugins whose scopes meet its own. */
struct option_ref { const struct ec_option *option; const char *plugin; /* NULL: the core */ bool own; };
struct option_set { struct option_ref *items; size_t n; };
struct parsed_options;
int options_parse(const struct option_set *set, const struct ec_command *cmd, char *const *argv /* behind the command */,
                  struct parsed_options **ret, struct ec_err *err);
void options_free(struct parsed_options *p);
int options_is_set(const struct parsed_options *p, const char *name);
const char *options_value(const struct parsed_options *p, const char *name);
const char *const *options_values(const struct parsed_options *p, const char *name);
const char *const *options_args(const struct parsed_options *p);
