/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
/* The command line of sudo that runs `program args` as root, with the variables that are kept. */
int elevate_argv(const char *sudo, const char *env, const char *program, char *const *args, char ***ret,
                 struct ec_err *err);
/* Replaces this process with it; returns only on failure. */
int elevate(const char *program, char *const *args, struct ec_err *err);
/* Set for the process that sudo starts, so that it does not start sudo again. */
#define ELEVATED_VARIABLE "EXTRA_CONTAINER_ELEVATED"
