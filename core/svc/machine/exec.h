/* SPDX-License-Identifier: MIT */
#pragma once
#include <systemd/sd-bus.h>

#include "svc/machine/command.h"

#define EXEC_INIT(systemd)                                                                \
        {                                                                                 \
                .s = (systemd), .leader = LEADER_NONE, .root = -1, .deadline = UINT64_MAX \
        }
/* Finds the container, its user and the program, and opens the terminal and the bus inside (NULL if there is none, or
 * if the command is not UTF-8 text and cannot be sent over one). 1: it cannot be run, and *ret_status is what a shell
 * would return. The strings of in are used until exec_done(). */
int exec_prepare(struct exec *x, const struct ec_exec *in, sd_bus **ret_bus, int32_t *ret_status, struct ec_err *err);
void exec_done(struct exec *x);
