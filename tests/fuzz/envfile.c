/* SPDX-License-Identifier: MIT */
/* Fuzzes the parser of a container's conf file. */
#include "fuzz.h"

#include "model/containers/envfile.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = fuzz_text(data, size), **env = NULL;

        must(envfile_parse(text, &env) == 0); /* any text is valid */
        for (char **e = env; e && *e; e++) {
                size_t key = strcspn(*e, "=");

                must(key && (*e)[key] && !isdigit((unsigned char)**e));
                must(strspn(*e, LETTERS DIGITS "_") == key);
                /* Each key appears once. */
                for (char **f = e + 1; *f; f++)
                        must(strncmp(*e, *f, key + 1));
        }
        strv_free(env);
        free(text);
        return 0;
}
