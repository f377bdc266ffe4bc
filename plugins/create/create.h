/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

/* Tells which of the definition's containers run, and not as it defines them. */
int create_tell_outstanding(const struct ec_host *h, struct ec_op *op, struct ec_err *err);

int create_run_list(void *self, struct ec_op *op, struct ec_err *err);
