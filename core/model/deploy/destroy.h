/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>
struct ec_err;
struct ec_op;
/* names NULL: those of the definition. flags: EC_DESTROY_*. */
int deploy_destroy(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err);
