/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
struct ec_container;
struct ec_err;
struct ec_op;
struct report;
/* Switches running containers to their installed systems, side by side. What fails is added to the report. */
int update_run(struct ec_op *op, struct ec_container *const *containers, size_t n, struct report *report,
               struct ec_err *err);
