/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Opens a path as a process would that has `root` as its root directory: no link leads out of it. flags as for open().
 * A file system that root of a running container has mounted there can make this wait. -errno. */
int resolve_in(int root, const char *path, int flags);
/* The same, but in a helper, for what the processes of a container see. -ETIMEDOUT: the container makes it wait;
 * -ECANCELED: wake (-1: none) can be read. */
int resolve_stat(int root, const char *path, int wake, struct stat *ret);
/* Reads a regular file, NUL-terminated. -EFBIG: it has more than max bytes. */
int resolve_read(int root, const char *path, size_t max, int wake, char **ret);
/* Of these two: a failure that says nothing about the file. */
bool resolve_failed(int r);
/* The text for a negative result, in messages about a container. */
const char *resolve_strerror(int r);
