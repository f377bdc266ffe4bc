/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>
struct ec_err;
struct ec_op;
/* Starts, updates and restarts what the flags (EC_START_*) say; installs first. 1: some are still starting. */
int deploy_start(struct ec_op *op, uint32_t flags, struct ec_err *err);
