/* SPDX-License-Identifier: MIT */
/* Fuzzes the parser of the configuration and of its values. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "svc/conf/file.h"
#include "util/err.h"
#include "util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_value(void *data, const char *section, const char *key, const char *value, unsigned line,
                    struct ec_err *err)
{
        unsigned *last = data;
        bool b;
        uint64_t ms;

        /* The guarantees of conf.h: valid names, one value per line, all UTF-8. */
        if (!*section || !*key || line <= *last || strlen(section) > 49 || strlen(value) > 198 ||
            strspn(section, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != strlen(section))
                abort();
        for (size_t left = strlen(value), n; left; left -= n) {
                uint32_t c;

                n = utf8_decode(value + strlen(value) - left, left, &c);
                if (!n)
                        abort();
        }
        *last = line;
        conf_parse_bool(value, &b);
        conf_parse_ms(value, &ms);
        return strcmp(value, "refuse") ? 0 : err_set(err, -EPERM, "refused");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ec_err err = { 0 };
        unsigned last = 0;
        char *text = malloc(size ? size : 1); /* not terminated by a zero byte */
        int r;

        if (!text)
                return 0;
        if (size)
                memcpy(text, data, size);
        r = conf_file_parse("fuzz.ini", text, size, on_value, &last, &err);
        if (r > 0 || (r < 0) != (*err_msg(&err) != 0))
                abort();
        err_done(&err);
        free(text);
        return 0;
}
