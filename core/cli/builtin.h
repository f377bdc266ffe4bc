/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
extern const struct ec_array builtin_commands; /* struct ec_command */
