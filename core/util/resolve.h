/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
/* Opens a path as a process would that has `root` as its root directory: no link leads out of it. flags as for open().
 * -errno. */
int resolve_in(int root, const char *path, int flags);
/* Reads a regular file, NUL-terminated. -EFBIG: it has more than max bytes. */
int resolve_read(int root, const char *path, size_t max, char **ret);
