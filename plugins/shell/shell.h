/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

/* session.c: in which sessions we run, by a variable that they set. */
#define SESSION_VARIABLE "EXTRA_CONTAINER_SESSION"
int session_has(const char *container); /* one of the live sessions around us is of this container: 1 or 0 */
int session_hook(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err);

/* exec.c: what `c` runs. */
#define EXEC_COMMAND "shell-exec"
int exec_run(void *self, struct ec_op *op, struct ec_err *err);
