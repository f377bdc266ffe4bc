/* SPDX-License-Identifier: MIT */
/* Fuzzes the checks of names of containers, plugins and units. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"
#include "util/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
        struct ec_err err = { 0 };
        char *name = malloc(size + 1), *unit, *back;
        int r;

        if (!name)
                return 0;
        if (size)
                memcpy(name, data, size);
        name[size] = 0;

        /* A valid name is safe in paths, unit names and host names. */
        r = container_name_check(name, &err);
        if (r == 0 && (!*name || *name == '-' || strlen(name) > 64 || name[strspn(name, safe)]))
                abort();
        if ((r < 0) != (*err_msg(&err) != 0) || strlen(err_msg(&err)) > 300)
                abort();
        err_done(&err);
        if (plugin_name_valid(name) && (strlen(name) > 32 || strchr(name, '/') || strchr(name, '.')))
                abort();

        unit = malloc(size + sizeof("container@.service"));
        if (unit) {
                stpcpy(stpcpy(stpcpy(unit, "container@"), name), ".service");
                back = container_name_of_unit(unit);
                if (back ? strcmp(back, name) != 0 : r == 0)
                        abort();
                free(back);
        }
        free(container_name_of_unit(name));
        free(unit);
        free(name);
        return 0;
}
