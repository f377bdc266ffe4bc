/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
struct deployment;
/* From the command line to the containers of an etc output. */
int deploy_build(struct ec_op *op, struct ec_err *err);
const char *deploy_output(const struct ec_op *op);
/* Reads the containers of the output; builds it first. */
int deploy_load(struct ec_op *op, struct deployment **ret, struct ec_err *err);
/* The names that the definition defines, without a build where that is possible. */
int deploy_names(struct ec_op *op, char ***ret, struct ec_err *err);
int deploy_foreach(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data,
                   struct ec_err *err);
