/* SPDX-License-Identifier: MIT */
#pragma once
#include "svc/machine/leader.h"

/* The resource limits of a container's leader, as text; those of its services may be lower. -ESRCH. */
int rlimits_read(const struct leader *l, char **ret);
/* Sets them for the calling process. */
int rlimits_set(const char *text);
