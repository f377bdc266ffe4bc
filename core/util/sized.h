/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
struct ec_err;
/* Copies a struct of plugin.h, which begins with its size, from a plugin into one of ours. A shorter one comes from an
 * older plugin: the rest is zero. A longer one comes from a newer plugin: its additional members must be zero.
 * `required` is the minimum size; `name` is for messages. 0 or -EINVAL. */
int sized_copy(void *to, size_t to_size, const void *from, size_t required, const char *name, struct ec_err *err);
