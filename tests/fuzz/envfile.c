/* SPDX-License-Identifier: MIT */
/* Fuzzes the parser of a container's conf file. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/containers/containers.h"
#include "util/strv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1), **env = NULL;

        if (!text)
                return 0;
        if (size)
                memcpy(text, data, size);
        text[size] = 0;
        if (envfile_parse(text, &env) < 0)
                abort(); /* any text is valid */
        for (char **e = env; e && *e; e++) {
                size_t key = strcspn(*e, "=");

                if (!key || !(*e)[key] || isdigit((unsigned char)**e))
                        abort();
                for (size_t i = 0; i < key; i++)
                        if (!isalnum((unsigned char)(*e)[i]) && (*e)[i] != '_')
                                abort();
                /* Each key appears once. */
                for (char **f = e + 1; *f; f++)
                        if (!strncmp(*e, *f, key + 1))
                                abort();
        }
        strv_free(env);
        free(text);
        return 0;
}
