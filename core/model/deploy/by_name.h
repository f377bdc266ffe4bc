/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
struct ec_op;
/* For containers by name: installed ones, those of the host's configuration and those of nixos-container. */
int deploy_start_installed(struct ec_op *op, const char *const *names, struct ec_err *err);
int deploy_stop(struct ec_op *op, const char *const *names, struct ec_err *err);
int deploy_restart(struct ec_op *op, const char *const *names, struct ec_err *err);
