/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
/* Access to the store without Nix; honours NIX_STORE_DIR and NIX_STATE_DIR. */

bool nix_is_store_path(const char *path); /* /nix/store/HASH-name, or a path below one */
/* The length of "/nix/store/HASH-name" at its beginning; 0: it is not such a path. */
size_t nix_store_path_len(const char *path);
/* 0: root, or the store is not there. A store of another user is a single-user installation. */
uid_t nix_store_owner(void);
/* The regular file in the store that path leads to. -EXDEV: it leads out of the store. Also what fs_read() returns. */
int nix_store_file(const char *path, char **ret);
/* Makes the gc root, and the link by which Nix finds it, as nix-store --realise would, but much faster. False, with
 * nothing changed: a running collection may have read the roots already. */
bool nix_hold_directly(const char *store_path, const char *root);
/* Removes Nix's own links to the gc roots below dir; call it before dir is removed. */
void nix_forget_roots(const char *dir);
