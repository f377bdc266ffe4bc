/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
struct ec_op;
/* Links the built containers into the host. Loads them first; a second call does nothing. */
int deploy_install(struct ec_op *op, struct ec_err *err);
