/* SPDX-License-Identifier: MIT */
#pragma once
#include "svc/machine/command.h"

/* Runs the command in the container's namespaces, without help from inside. */
int exec_setns(struct exec *x, int32_t *ret_status, struct ec_err *err);
