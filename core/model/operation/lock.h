/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
struct ec_op;
/* One run at a time changes the host. A second one names the run that it waits for; ^C ends the wait: -ECANCELED. Calls
 * nest. */
int op_lock(struct ec_op *op, struct ec_err *err);
void op_unlock(struct ec_op *op);
