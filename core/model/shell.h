/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
/* struct ec_shell of plugin.h: a session while its hooks fill it; deploy_shell() runs it. */
const struct ec_container *shell_container(const struct ec_shell *sh);
int shell_setenv(struct ec_shell *sh, const char *key, const char *value, struct ec_err *err);
int shell_command(struct ec_shell *sh, const char *name, const char *script, const char *help, struct ec_err *err);
const char *shell_dir(const struct ec_shell *sh);
int deploy_shell(struct ec_op *op, const char *const *argv, int32_t *ret_status, struct ec_err *err);
