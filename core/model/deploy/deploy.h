/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
/* The phases of struct ec_deploy_api; state of an operation hangs at op->deployment. */
struct deployment;
void deployment_free(struct deployment *d);
int deploy_build(struct ec_op *op, struct ec_err *err);
const char *deploy_output(const struct ec_op *op);
int deploy_install(struct ec_op *op, struct ec_err *err);
int deploy_start(struct ec_op *op, uint32_t flags, struct ec_err *err);
int deploy_restart(struct ec_op *op, const char *const *names, struct ec_err *err);
int deploy_destroy(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err);
int deploy_shell(struct ec_op *op, const char *const *argv, int32_t *ret_status,
                 struct ec_err *err); /* model/shell.c */
int deploy_foreach(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data,
                   struct ec_err *err);
