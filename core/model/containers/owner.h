/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
struct ec_err;
struct layout;
/* A session is the owner of its container: the command that opens it makes a file of the container's name in
 * run_state/sessions, which contains the ID of the session's process and is locked by it. */

/* Is there any such file? */
bool owner_any(const struct layout *l);
/* -EBUSY: a session of another process is open, and we are not a part of it. */
int owner_check(const struct layout *l, const char *name, struct ec_err *err);
/* Removes the file of a session that was killed, whose container is not a session's from now on. */
void owner_forget(const struct layout *l, const char *name);
