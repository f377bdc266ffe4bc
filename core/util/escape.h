/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
/* The end of the terminal escape sequence that begins at s with ESC. *ret_colour: it only sets colours; may be NULL. */
const char *escape_skip(const char *s, bool *ret_colour);
