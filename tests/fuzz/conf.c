/* SPDX-License-Identifier: MIT */
/* Fuzzes the parser of the configuration and of its values. */
#include "fuzz.h"

#include "svc/conf/conf.c"
#include "svc/conf/file.c"
#include "util/err.h"
#include "util/name.h"
#include "util/utf8.h"

static int check_value(void *data, const char *section, const char *key, const char *value, unsigned line,
                       struct ec_err *err)
{
        unsigned *last = data;
        bool b;
        uint64_t ms;

        /* The guarantees of conf.h: valid names, one value per line, all UTF-8. */
        must(*section && *key && line > *last && strlen(section) <= 49 && strlen(value) <= 198);
        must(strspn(section, LETTERS DIGITS "-_") == strlen(section));
        must(utf8_valid(value, strlen(value)));
        *last = line;
        must(conf_parse_bool(value, &b) == !conf_mismatch("bool", value));
        must(conf_parse_ms(value, &ms) == !conf_mismatch("duration", value));
        must(conf_mismatch("path", value) || !*value || *value == '/');
        must(conf_mismatch("int", value) || strspn(value, DIGITS "+-") == strlen(value));
        return strcmp(value, "refuse") ? 0 : err_set(err, -EPERM, "refused");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ec_err err = { 0 };
        unsigned last = 0;
        char *text = fuzz_bytes(data, size);
        int r = conf_file_parse("fuzz.ini", text, size, check_value, &last, &err);

        must(r <= 0 && (r < 0) == (*err_msg(&err) != 0));
        err_done(&err);
        free(text);
        return 0;
}
