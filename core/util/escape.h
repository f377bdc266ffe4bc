/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
/* The end of the terminal escape sequence that begins at s with ESC. *ret_colour: it only sets colours; may be NULL. */
const char *escape_skip(const char *s, bool *ret_colour);
/* Makes a line printable, in place: valid UTF-8 without escape sequences, control characters and trailing blanks, of
 * max bytes or a few more. */
void escape_clean(char *s, size_t max);
