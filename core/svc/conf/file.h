/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct ec_err;
/* The text of one INI file, as conf.h describes it; file is its name in messages. */
typedef int (*conf_file_fn)(void *data, const char *section, const char *key, const char *value, unsigned line,
                            struct ec_err *err);
int conf_file_parse(const char *file, const char *text, size_t len, conf_file_fn fn, void *data, struct ec_err *err);
/* Parse the text of a value; false: it is not valid. */
bool conf_parse_bool(const char *s, bool *ret);
bool conf_parse_ms(const char *s, uint64_t *ret);
