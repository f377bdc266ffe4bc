/* SPDX-License-Identifier: MIT */
/* Fuzzes the checks of store paths, and the preparation of Nix's text. */
#include "fuzz.h"

#include "svc/nix/store.c"
#include "svc/nix/text.c"

static void check_path(const char *s)
{
        size_t n = nix_store_path_len(s);

        must(nix_is_store_path(s) == (n > 0));
        if (!n)
                return;
        must(n <= strlen(s) && n > strlen("/nix/store/") + 33);
        must(!strncmp(s, "/nix/store/", strlen("/nix/store/")) && strchr("/", s[n]));
        must(!memchr(s + strlen("/nix/store/"), '/', n - strlen("/nix/store/")));
}

static void check_short(const char *s)
{
        char *name = fuzz_alloc(nix_text_short(s));

        must(!strchr(name, '/') && strstr(s, name));
        free(name);
}

static void check_drv(const char *s)
{
        const char *start;
        size_t n;

        if (!nix_text_drv(s, &start, &n))
                return;
        must(start >= s && start + n <= s + strlen(s));
        must(*start == '/' && n > 4 && !strncmp(start + n - 4, ".drv", 4));
        must(!memchr(start, ' ', n) && !memchr(start, '\n', n));
}

/* The input up to the first line feed is replaced in the rest by the second line. */
static void check_replace(const uint8_t *data, size_t size)
{
        char *from = fuzz_line(&data, &size), *to = fuzz_line(&data, &size), *s = fuzz_text(data, size), *back, *out;

        if (to) {
                out = fuzz_alloc(nix_text_replace(s, from, to));
                back = fuzz_alloc(nix_text_replace(out, to, from));
                must(*from && strstr(s, from) ? 1 : !strcmp(out, s));
                must(!*from || !strstr(s, from) || strstr(out, to));
                must(!*from || !*to || strpbrk(s, to) || !strcmp(back, s));
                free(back);
                free(out);
        }
        free(s);
        free(to);
        free(from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *s = fuzz_text(data, size);

        check_path(s);
        check_short(s);
        check_drv(s);
        check_replace(data, size);
        free(s);
        return 0;
}
