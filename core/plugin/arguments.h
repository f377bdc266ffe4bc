/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>
#define ARGUMENT_SIZE_MAX 4096 /* bytes of a struct of any later minor */
struct ec_err;
/* What plugins pass to services, which may be older or newer than the program. */
int argument_too_new(const char *what, struct ec_err *err); /* -E2BIG */
/* An unknown flag may mean "do not", so it must not be ignored: -EINVAL. */
int argument_flags(const char *what, uint32_t flags, uint32_t known, struct ec_err *err);
/* Copies a struct of another size: missing members become zero, and unknown ones must be zero. */
int argument_copy(void *dst, uint32_t dst_size, const void *src, uint32_t size, const char *what, struct ec_err *err);
/* The same for a struct that begins with its size, which is at least min. */
int argument_copy_sized(void *dst, uint32_t dst_size, const void *src, uint32_t min, const char *what,
                        struct ec_err *err);
