/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
/* Prepares Nix's text for display. Each result is a new string; NULL: no memory. */

/* "/nix/store/HASH-name.drv" to "name". */
char *nix_text_short(const char *store_path);
/* Replaces all occurrences of from. */
char *nix_text_replace(const char *s, const char *from, const char *to);
/* The first path that ends in .drv: true, at *ret_start with *ret_len bytes. */
bool nix_text_drv(const char *s, const char **ret_start, size_t *ret_len);
