/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

int create_run_list(void *self, struct ec_op *op, struct ec_err *err);
