/* SPDX-License-Identifier: MIT */
#pragma once
#include "svc/machine/command.h"

/* The state of the container's unit on the host; "active" also for a machine without a unit. NULL: not known. */
char *exec_unit_state(struct exec *x);
bool exec_state_down(const char *state);
int exec_stopped(struct exec *x, struct ec_err *err); /* -ECONNRESET */
