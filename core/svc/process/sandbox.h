/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
#include <stdio.h>

#include "util/helper.h"

/* Runs fn in a child without rights, for reading what others have written. The child may crash, and is killed after
 * some seconds. It only has the descriptors fds, under their numbers, and belongs to no user.
 * *ret is what fn has written to out, at most max bytes, until it ended in any way. -errno if it was not started. */
#define SANDBOX_FDS (HELPER_FDS - 1)
int sandbox_run(void (*fn)(void *data, FILE *out), void *data, const int *fds, size_t n, size_t max, char **ret);
