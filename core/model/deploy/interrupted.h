/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct ec_op;
struct group;
/* After an interruption: says which containers run, and which do not. destroy: which were not destroyed. */
void interrupted_tell(struct ec_op *op, const struct group *g, bool destroy);
