/* SPDX-License-Identifier: MIT */
#include "plugin/arguments.h"

#include <errno.h>
#include <string.h>

#include <extra-container/plugin.h>

#include "util/err.h"

int argument_too_new(const char *what, struct ec_err *err)
{
        return err_set(err, -E2BIG, "%s uses something that ABI %u.%u does not have", what, EC_ABI_MAJOR, EC_ABI_MINOR);
}

/* An unknown flag may mean "do not", so it must not be ignored. */
int argument_flags(const char *what, uint32_t flags, uint32_t known, struct ec_err *err)
{
        return flags & ~known ? err_set(err, -EINVAL, "%s: unknown flag 0x%x", what, flags & ~known) : 0;
}

/* Copies a struct that may be older or newer than ours. */
int argument_copy(void *dst, uint32_t dst_size, const void *src, uint32_t size, const char *what, struct ec_err *err)
{
        memset(dst, 0, dst_size);
        memcpy(dst, src, size < dst_size ? size : dst_size);
        for (uint32_t i = dst_size; i < size; i++)
                if (((const char *)src)[i])
                        return argument_too_new(what, err);
        return 0;
}

/* The same for a struct that begins with its size. */
int argument_copy_sized(void *dst, uint32_t dst_size, const void *src, uint32_t min, const char *what,
                        struct ec_err *err)
{
        uint32_t size;
        int r;

        memcpy(&size, src, sizeof(size));
        if (size < min || size > ARGUMENT_SIZE_MAX)
                return err_set(err, -EINVAL, "%s: its size is not set", what);
        r = argument_copy(dst, dst_size, src, size, what, err);
        memcpy(dst, &dst_size, sizeof(dst_size));
        return r;
}
