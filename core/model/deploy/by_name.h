/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>
struct ec_err;
struct ec_op;
/* For containers by name: installed ones, those of the host's configuration and those of nixos-container. */
int deploy_start_installed(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err);
/* flags: EC_STOP_*. */
int deploy_stop(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err);
int deploy_restart(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err);
/* Switches running ones to the systems that are installed. */
int deploy_update_installed(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err);
