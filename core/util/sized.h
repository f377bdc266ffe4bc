/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
struct ec_err;
/* Copies a struct of plugin.h, which begins with its size, from a plugin into one of ours. A shorter one comes from an
 * older plugin: the rest is zero. A longer one comes from a newer plugin: what it has more must be zero.
 * `required` is the least size; `name` is for messages. 0 or -EINVAL. */
int sized_copy(void *to, size_t to_size, const void *from, size_t required, const char *name, struct ec_err *err);
