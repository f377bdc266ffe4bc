/* SPDX-License-Identifier: MIT */
#pragma once
#define UNIT_PREFIX "extra-container-" /* of the units of commands */
#include <systemd/sd-bus.h>

#include "svc/machine/command.h"

struct unit;
/* Starts the command as a transient unit. Takes the bus, also on failure. */
int exec_unit_begin(struct exec *x, sd_bus *bus, struct unit **ret, struct ec_err *err);
/* Sets fds and lowers *deadline for a poll(), to 0 if there is more to do at once. false: it has ended. */
bool exec_unit_fill(struct unit *u, struct pollfd fds[static EXEC_FDS], uint64_t *deadline);
void exec_unit_handle(struct unit *u, const struct pollfd fds[static EXEC_FDS]);
/* Frees it. 1: it ran, *ret_status is set; 0: it cannot be run that way, and was not. */
int exec_unit_end(struct unit *u, int32_t *ret_status, struct ec_err *err);
