/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>

#include "svc/machine/command.h"

#define EXEC_INIT(systemd)                                                                         \
        {                                                                                          \
                .s = (systemd), .leader = LEADER_NONE, .fds = { -1, -1, -1 }, .look = HELPER_NONE, \
                .deadline = UINT64_MAX                                                             \
        }
/* Makes the command's pipes. The strings of in are used until exec_done(). */
int exec_begin(struct exec *x, const struct ec_exec *in, struct ec_err *err);
/* Finds the container, which may be starting. 1: it runs; 0: call it again after a poll(). -EHOSTDOWN. */
int exec_find(struct exec *x, struct pollfd fds[static EXEC_FDS], uint64_t *deadline, struct ec_err *err);
/* Looks for its user and the program. Comes after exec_connect(), because a booting container may not have any users
 * and programs before. */
int exec_look(struct exec *x, const struct ec_exec *in, struct ec_err *err);
/* 1: it has looked; 0: call it again after a poll(). */
int exec_looked(struct exec *x, struct pollfd fds[static EXEC_FDS], uint64_t *deadline, struct ec_err *err);
/* Decides what runs, and opens the terminal. 1: it cannot be run, and *ret_status is what a shell would return. */
int exec_prepare(struct exec *x, const struct ec_exec *in, int32_t *ret_status, struct ec_err *err);
/* false: the command is not UTF-8 text, and cannot be sent over a bus. */
bool exec_fits_bus(const struct exec *x);
void exec_done(struct exec *x);
