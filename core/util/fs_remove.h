/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
/* Removes a tree: clears immutable flags, undoes mounts inside, and never crosses into another file system. If it does
 * not exist: 0. err names the first thing that stays; the rest is removed. It fails if another process
 * keeps creating files in the tree. */
int fs_remove_tree(const char *path, struct ec_err *err);
