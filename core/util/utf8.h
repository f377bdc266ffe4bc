/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* Length of the valid UTF-8 sequence at s (1 to 4); 0: there is none. */
size_t utf8_decode(const char *s, size_t len, uint32_t *ret);
bool utf8_valid(const char *s, size_t len);
/* C0, DEL and C1: what must not reach a terminal unescaped. */
bool utf8_control(uint32_t c);
/* Columns on a terminal, 0 to 2; an approximation without a locale. */
unsigned utf8_width(uint32_t c);
