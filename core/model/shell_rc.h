/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
/* How the user's own shell is started for a session, so that the session's
 * commands come first on PATH and its name stands in the prompt whatever the
 * user's own startup files say. */

/* shell: the value of $SHELL, or NULL. dir: the session's own, for startup files
 * that read the user's first. Gives the shell's argv, and adds to the
 * environment's delta. The prompt is $EXTRA_CONTAINER_PROMPT, if that is set. */
int shell_rc_prepare(const char *shell, const char *dir, char ***ret_argv, char ***env, struct ec_err *err);
