/* SPDX-License-Identifier: MIT */
#pragma once
#include <systemd/sd-bus.h>

#include "svc/machine/command.h"

/* Opens the container's system bus, ready for use. 1; 0: it has no usable one. */
int exec_connect(struct exec *x, sd_bus **ret, struct ec_err *err);
/* Runs the command as a transient unit. 1: it ran, *ret_status is set; 0: it cannot be run that way, and was not. */
int exec_transient(struct exec *x, sd_bus **bus, int32_t *ret_status, struct ec_err *err);
