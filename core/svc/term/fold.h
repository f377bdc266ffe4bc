/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>

/* Columns of text on a terminal; in the first n bytes. */
unsigned fold_width(const char *s, size_t n);
/* The columns of the longest word: a text cannot be narrower. */
unsigned fold_longest_word(const char *s);
/* Bytes of the first line of s in this many columns, without blanks after it: whole words, at least one.
 * *ret_rest is what follows. */
size_t fold_line(const char *s, unsigned columns, const char **ret_rest);
/* Makes the widest of n columns narrower, but no column narrower than its minimum, until the line has at most `limit`
 * columns, with gap between two of them. A width of 0 is a column that is not shown. */
void fold_fit(unsigned *widths, const unsigned *minimum, size_t n, unsigned gap, unsigned limit);
