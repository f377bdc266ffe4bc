/* SPDX-License-Identifier: MIT */
#pragma once
struct layout;
struct ec_err;
struct ec_op;
/* One run at a time changes the host. A second one says for whom it waits;
 * ^C ends the wait: -ECANCELED. *ret_fd goes to lock_release(). */
int lock_take(const struct layout *l, int *ret_fd, struct ec_err *err);
void lock_release(int *fd); /* of -1: nothing */
/* The same for an operation, which has it once: calls nest. */
int op_lock(struct ec_op *op, struct ec_err *err);
void op_unlock(struct ec_op *op);
