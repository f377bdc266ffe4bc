/* SPDX-License-Identifier: MIT */
#include "gc.h"

#define CHUNK 1000 /* paths per call, far below the limit of argv */

/* The lines that `nix-store --query QUERY` prints for n paths. */
static int nix_store(const struct ec_host *h, struct ec_op *op, const char *query, const char *const *paths, size_t n,
                     char ***ret, struct ec_err *err)
{
        _cleanup_free_ const char **argv = calloc(n + 4, sizeof(*argv));
        _cleanup_free_ char *what = str_printf("nix-store --query %s failed", query), *out = NULL;
        struct ec_proc p = { .argv = argv };
        int r;

        if (!argv || !what)
                return no_memory(h, err);
        argv[0] = "nix-store";
        argv[1] = "--query";
        argv[2] = query;
        for (size_t i = 0; i < n; i++)
                /* NOLINTNEXTLINE(analyzer-null-dereference): no paths have the length 0 */
                argv[3 + i] = paths[i];
        r = run_program(h, op, &p, what, &out, err);
        if (r < 0)
                return r;
        *ret = strv_split(out, "\n");
        return *ret ? 0 : no_memory(h, err);
}

int closure_query(const struct ec_host *h, struct ec_op *op, const char *const *files, struct closure *ret,
                  struct ec_err *err)
{
        _cleanup_strv_ char **paths = NULL;
        struct closure c = { 0 };
        size_t n;
        int r = nix_store(h, op, "--requisites", files, strv_len(files), &paths, err);

        c.paths = n = strv_len(STRV_CONST(paths));
        for (size_t i = 0; r >= 0 && i < n; i += CHUNK) {
                _cleanup_strv_ char **sizes = NULL;

                r = nix_store(h, op, "--size", STRV_CONST(paths) + i, n - i < CHUNK ? n - i : CHUNK, &sizes, err);
                for (char **s = sizes; r >= 0 && *s; s++)
                        c.bytes += strtoll(*s, NULL, 10);
        }
        if (r >= 0)
                *ret = c;
        return r;
}
