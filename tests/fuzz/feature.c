/* SPDX-License-Identifier: MIT */
/* Fuzzes the reader of feature.json, which belongs to a plugin that is not loaded. */
#include "fuzz.h"

#include "model/operation/features.c"

static void check_list(const json_t *file, const char *key, char **v)
{
        const json_t *list = json_object_get(file, key);

        must(json_array_size(list) == strv_len(STRV_CONST(v)));
        for (size_t i = 0; i < json_array_size(list); i++)
                must(!strcmp(json_string_value(json_array_get(list, i)), v[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ec_err err = { 0 };
        struct feature f = { 0 };
        int r = feature_read(fuzz_file(data, size), "fuzz", &f, &err);

        must(r <= 0 && (r < 0) == (*err_msg(&err) != 0));
        if (r == 0) {
                json_auto_t *file = json_loadb((const char *)data, size, 0, NULL);

                must(!strcmp(f.name, "fuzz"));
                must(!strcmp(json_string_value(json_object_get(file, "feature")), "fuzz"));
                check_list(file, "commands", f.commands);
                check_list(file, "options", f.options);
                check_list(file, "nixOptions", f.nix_options);
                check_list(file, "forwards", f.forwards);
        } else {
                must(!f.name && !f.commands && !f.options && !f.nix_options && !f.forwards);
        }
        feature_done(&f);
        err_done(&err);
        return 0;
}
