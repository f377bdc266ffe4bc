/* SPDX-License-Identifier: MIT */
/* Fuzzes the checks of names of containers, plugins and units. */
#include "fuzz.h"

#include "util/err.h"
#include "util/name.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ec_err err = { 0 };
        char *name = fuzz_text(data, size), *unit = fuzz_alloc(str_printf("container@%s.service", name));
        char *back = container_name_of_unit(unit);
        int r = container_name_check(name, &err);

        /* A valid name is safe in paths, unit names and host names. */
        must(r < 0 ||
             (*name && *name != '-' && strlen(name) <= 64 && strspn(name, LETTERS DIGITS "-") == strlen(name)));
        must((r < 0) == (*err_msg(&err) != 0) && strlen(err_msg(&err)) <= 300);
        must(!container_name_possible(name) || !strpbrk(name, "/ \n\033"));
        must(!plugin_name_valid(name) || (strlen(name) <= 32 && !strpbrk(name, "/.")));
        must(!variable_name_valid(name) || !strpbrk(name, "= "));

        must(back ? !strcmp(back, name) : r < 0);
        free(container_name_of_unit(name));
        free(back);
        free(unit);
        err_done(&err);
        free(name);
        return 0;
}
