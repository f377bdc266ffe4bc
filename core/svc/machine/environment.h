/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>

#include "svc/machine/user.h"

/* The environment of a command: that of a login, changed by each of delta as by env_set(). -ENOMEM. */
int environment_make(const struct machine_user *u, bool tty, const char *const *delta, char ***ret);
