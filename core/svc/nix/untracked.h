/* SPDX-License-Identifier: MIT */
#pragma once

#define NIX_UNTRACKED_HINT "git does not track it, and Nix reads only tracked files of a repository: git add"

/* The file that a flake's copy in the store lacks, although the user's own tree has it; NULL: this is another error.
 * text: Nix's words; shown: the same with the user's names for files. */
char *nix_untracked_file(const char *text, const char *shown);
