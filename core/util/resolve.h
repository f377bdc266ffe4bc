/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* Paths as a process sees them that has `root` as its root directory: no link leads out of it. A file system that root
 * of a running container has mounted can make all of them wait: look at what its processes see in a helper. -errno. */

int resolve_in(int root, const char *path, int flags); /* as open() */
int resolve_stat(int root, const char *path, struct stat *ret);
/* Reads a regular file, NUL-terminated. -EFBIG: it has more than max bytes. */
int resolve_read(int root, const char *path, size_t max, char **ret);
/* A failure that says nothing about the file. */
bool resolve_failed(int r);
/* The text for a negative result, in messages about a container. */
const char *resolve_strerror(int r);
