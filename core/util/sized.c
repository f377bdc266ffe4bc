/* SPDX-License-Identifier: MIT */
#include "util/sized.h"

#include <stdint.h>
#include <string.h>

#include "util/err.h"

int sized_copy(void *to, size_t to_size, const void *from, size_t required, const char *name, struct ec_err *err)
{
        const char *bytes = from;
        uint32_t size;

        memcpy(&size, from, sizeof(size));
        if (size < required)
                return err_set(err, -EINVAL, "struct %s has no valid size", name);
        for (size_t i = to_size; i < size; i++)
                if (bytes[i])
                        return err_set(err, -EINVAL, "struct %s has members that this version does not know", name);
        memset(to, 0, to_size);
        memcpy(to, from, size < to_size ? size : to_size);
        return 0;
}
