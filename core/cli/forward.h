/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct ec_err;

/* The commands of nixos-container if that is in PATH, or an empty list; ends with NULL. */
const char *const *forward_commands(void);
/* Runs nixos-container with rest, which has room for one more word before it. If that needs root, runs `program` (us)
 * with rest through sudo first, unless we are elevated already. */
int forward(const char *program, char **rest, bool elevated, struct ec_err *err);
