/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
/* struct ec_shell of plugin.h: what the `shell` hooks put together for a session. */
int shell_open(struct ec_op *op, const struct ec_container *c, struct ec_shell **ret, struct ec_err *err);
const struct ec_container *shell_container(const struct ec_shell *sh);
const char *shell_dir(const struct ec_shell *sh);
int shell_setenv(struct ec_shell *sh, const char *key, const char *value, struct ec_err *err);
int shell_command(struct ec_shell *sh, const char *name, const char *script, const char *help, struct ec_err *err);
/* NULL-terminated, never NULL. */
const char *const *shell_env(const struct ec_shell *sh);
const char *const *shell_help(const struct ec_shell *sh);
