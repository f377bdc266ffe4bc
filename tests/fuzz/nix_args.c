/* SPDX-License-Identifier: MIT */
/* Fuzzes the user's --build-args, and nix.conf. The first byte selects one of them, the rest are words or lines. */
#include "fuzz.h"

#include "svc/nix/args.c"

/* Every word of a list was given, as it is or as a part of one: "-kj4". */
static void check_given(char **list, const char *all)
{
        for (char **w = list; w && *w; w++)
                must(strstr(all, **w == '-' && strlen(*w) == 2 ? *w + 1 : *w) || str_after(*w, "--"));
}

/* An option's values follow it in each list. */
static void check_values(char **list)
{
        for (char **w = list; w && *w; w++) {
                const struct arg *known = arg_find(*w);

                for (unsigned i = 0; known && i < known->values; i++)
                        must(*++w);
                must(!known || !(known->flags & FOREIGN));
        }
}

static void check_sort(const uint8_t *data, size_t size)
{
        char *all, **words = NULL;
        struct ec_err err = { 0 };
        struct nix_args a = { 0 };
        int r;

        for (char *word; (word = fuzz_line(&data, &size));)
                must(strv_push_take(&words, word) == 0);
        all = fuzz_alloc(strv_join(STRV_CONST(words), "\n"));
        r = nix_args_sort(STRV_CONST(words), &a, &err);
        must(r <= 0 && (r < 0) == (*err_msg(&err) != 0) && (r == 0 || err.usage));
        if (r == 0) {
                check_given(a.eval, all);
                check_given(a.realise, all);
                check_given(a.flake, all);
                check_given(a.all, all);
                if (!a.unknown) {
                        check_values(a.eval);
                        check_values(a.realise);
                        check_values(a.flake);
                }
                must(!a.flake_only || strv_contains(STRV_CONST(a.build), a.flake_only));
        }
        nix_args_done(&a);
        err_done(&err);
        strv_free(words);
        free(all);
}

static void check_conf(const uint8_t *data, size_t size)
{
        char *text = fuzz_text(data, size);
        bool has = strstr(text, "max-jobs"), includes = strstr(text, "include");

        must(!text_sets_jobs(text, NULL, 8) || has || includes);
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size)
                (*data & 1 ? check_conf : check_sort)(data + 1, size - 1);
        return 0;
}
