/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
struct ec_op;
struct group;
struct outcome;
/* Switches running containers to their installed systems, in parallel. Failures are added to the outcome. */
int update_run(struct ec_op *op, const struct group *g, struct outcome *o, struct ec_err *err);
