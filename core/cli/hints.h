/* SPDX-License-Identifier: MIT */
#pragma once
#include "plugin/commands.h"

/* What to use instead of a word of other programs (systemctl, machinectl, podman, nixos-container); or NULL. */
const char *hint_of_command(const struct plugins *l, const char *word);
