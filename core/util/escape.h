/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
/* The end of the terminal escape sequence that begins at s with ESC. *ret_colour: it only sets colours; may be NULL. */
const char *escape_skip(const char *s, bool *ret_colour);
/* Makes a line printable, in place: valid UTF-8 without escape sequences, control characters and trailing blanks, of
 * max bytes or a few more. */
void escape_clean(char *s, size_t max);
/* A copy of a text that a terminal cannot misunderstand: valid UTF-8 without escape sequences and control characters,
 * except line feeds, tabs and, with colour, sequences that only set colours. NULL: no memory. */
char *escape_text(const char *s, bool colour);
