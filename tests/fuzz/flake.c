/* SPDX-License-Identifier: MIT */
/* Fuzzes flake references, and what `nix flake metadata --json` says about one. */
#include "fuzz.h"

#include "model/definition/definition.c"
#include "model/definition/flake.c"

static void check_reference(const char *arg)
{
        struct definition d = { 0 };
        struct ec_err err = { 0 };
        const char *hash = strchr(arg, '#');
        int r = set_reference(arg, &d, &err);

        must(r <= 0 && (r < 0) == (*err_msg(&err) != 0));
        if (r == 0) {
                must(d.kind == DEFINITION_FLAKE && !strcmp(d.display, arg));
                must(!strcmp(d.attr, hash ? hash + 1 : ""));
                must(*d.path && !strchr(d.path, '#'));
                /* What could be an option of Nix is a directory here, of which Nix gets ".". */
                must(!d.dir || (*d.dir == '/' && *d.path == '.'));
                must(d.dir || !strncmp(d.path, arg, strlen(d.path)));
        }
        err_done(&err);
        definition_done(&d);
}

static void check_metadata(const char *text)
{
        const struct definition def = { .display = (char *)"fuzz" };
        struct ec_err err = { 0 };
        struct flake f = { 0 };
        int r = read_metadata(text, &def, &f, &err);

        must(r <= 0 && (r < 0) == (*err_msg(&err) != 0));
        must(r < 0 || nix_is_store_path(f.source));
        must(!f.original || *f.original == '/');
        err_done(&err);
        flake_done(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = fuzz_text(data, size);

        if (*text != '{' && is_flake_reference(text))
                check_reference(text);
        check_metadata(text);
        free(text);
        return 0;
}
