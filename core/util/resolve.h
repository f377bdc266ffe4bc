/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
/* Opens a path below the directory root as a process that has it as its root
 * would: no link leads out of it. flags as of open(). -errno. */
int resolve_in(int root, const char *path, int flags);
/* The whole of a regular file there, NUL-terminated. -EFBIG over max. */
int resolve_read(int root, const char *path, size_t max, char **ret);
