/* SPDX-License-Identifier: MIT */
#pragma once
#include "plugin/commands.h"

/* What to use instead of a word of other programs (systemctl, machinectl, podman, nixos-container), or of a definition
 * in place of the command; NULL: not known, or no memory. next: the word after it, or NULL; new. */
char *hint_of_command(const struct plugins *l, const char *word, const char *next);
