/* SPDX-License-Identifier: MIT */
/* Fuzzes the parser of the addresses in conf files, which other tools may have written. */
#include "../fuzz.h"

#include "../../../plugins/network/addresses.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = fuzz_text(data, size);
        struct addresses a = { 0 };

        must(addresses_parse(text, &a) == 0);
        for (size_t i = 0; i < ARRAY_SIZE(a.all); i++) {
                char *line;

                if (!a.all[i])
                        continue;
                line = fuzz_alloc(str_printf("%s=%s", keys[i], a.all[i]));
                must(*a.all[i] && !strchr(a.all[i], '\n') && strstr(text, line));
                free(line);
        }
        must(!a.private_network || strstr(text, "PRIVATE_NETWORK=1"));
        strip(&a);
        for (size_t i = 0; i < 4; i++)
                must(!a.all[i] || !strchr(a.all[i], '/'));
        addresses_done(&a);
        free(text);
        return 0;
}
