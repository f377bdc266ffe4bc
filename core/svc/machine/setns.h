/* SPDX-License-Identifier: MIT */
#pragma once
#include "svc/machine/command.h"

struct join;
/* Starts the command in the container's namespaces, without help from inside. */
int exec_setns_begin(struct exec *x, struct join **ret, struct ec_err *err);
/* Sets fds and lowers *deadline for a poll(). false: it has ended. */
bool exec_setns_fill(struct join *j, struct pollfd fds[static EXEC_FDS], uint64_t *deadline);
void exec_setns_handle(struct join *j, const struct pollfd fds[static EXEC_FDS]);
/* Frees it. */
int exec_setns_end(struct join *j, int32_t *ret_status, struct ec_err *err);
