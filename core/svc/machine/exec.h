/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>

#include "svc/machine/command.h"

#define EXEC_INIT(systemd)                                                                \
        {                                                                                 \
                .s = (systemd), .leader = LEADER_NONE, .root = -1, .deadline = UINT64_MAX \
        }
/* Finds the container, and makes the command's pipes. The strings of in are used until exec_done(). */
int exec_begin(struct exec *x, const struct ec_exec *in, struct ec_err *err);
/* Finds its user and the program, and opens the terminal. 1: it cannot be run, and *ret_status is what a shell would
 * return. Comes after exec_connect(), because a booting container may not have any users and programs before. */
int exec_prepare(struct exec *x, const struct ec_exec *in, int32_t *ret_status, struct ec_err *err);
/* false: the command is not UTF-8 text, and cannot be sent over a bus. */
bool exec_fits_bus(const struct exec *x);
void exec_done(struct exec *x);
