/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

/* Tells which of the definition's containers run, and not as it defines them. */
int create_tell_outstanding(const struct ec_host *h, struct ec_op *op, struct ec_err *err);

/* "UNIT=STATE" of each unit of a container that is loaded, by one call. *ret NULL: systemd did not answer, and
 * everything else can be done. */
int create_read_states(const struct ec_host *h, struct ec_op *op, char ***ret, struct ec_err *err);
const char *create_state_of(char *const *states, const char *unit);

int create_run_list(void *self, struct ec_op *op, struct ec_err *err);
