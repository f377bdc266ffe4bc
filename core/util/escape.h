/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
/* The end of the terminal escape sequence that begins at s with ESC. *ret_colour (may be NULL): it only sets colours. */
const char *escape_skip(const char *s, bool *ret_colour);
