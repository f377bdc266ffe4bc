/* SPDX-License-Identifier: MIT */
#pragma once
#include "common.h"

/* Commands. */
int control_start(void *self, struct ec_op *op, struct ec_err *err);
int control_stop(void *self, struct ec_op *op, struct ec_err *err);
int control_terminate(void *self, struct ec_op *op, struct ec_err *err);
int control_reload(void *self, struct ec_op *op, struct ec_err *err);
int control_status(void *self, struct ec_op *op, struct ec_err *err);
int control_run(void *self, struct ec_op *op, struct ec_err *err);
int control_root_login(void *self, struct ec_op *op, struct ec_err *err);
int control_wait(void *self, struct ec_op *op, struct ec_err *err);
int control_top(void *self, struct ec_op *op, struct ec_err *err);
int control_show_host_key(void *self, struct ec_op *op, struct ec_err *err);
int control_login(void *self, struct ec_op *op, struct ec_err *err);
