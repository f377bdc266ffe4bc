/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
/* May root execute or read what is at this path? Each component of it, with symbolic links followed, must belong to
 * root and must not be writable by others; sticky directories may be, except the last one. 0 or -errno. */
int fs_trusted(const char *path, struct ec_err *err);
/* The same for a directory and everything below it. */
int fs_trusted_tree(const char *dir, struct ec_err *err);
