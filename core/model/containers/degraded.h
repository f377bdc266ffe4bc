/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct layout;
/* Notes that units failed in a container, so that later runs look at it again, although they do not change it. To look
 * at every container that runs would cost a connection to each. Best effort. */
void degraded_set(const struct layout *l, const char *name, bool degraded);
bool degraded_get(const struct layout *l, const char *name);
