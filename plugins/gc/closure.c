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
                argv[3 + i] = paths[i];
        r = run_program(h, op, &p, what, &out, err);
        if (r < 0)
                return r;
        *ret = strv_split(out, "\n");
        return *ret ? 0 : no_memory(h, err);
}

static int sum_sizes(const struct ec_host *h, struct ec_op *op, const char *const *paths, size_t n, int64_t *ret,
                     struct ec_err *err)
{
        _cleanup_strv_ char **sizes = NULL;
        int r = nix_store(h, op, "--size", paths, n, &sizes, err);

        for (size_t i = 0; r >= 0 && sizes[i]; i++)
                *ret += strtoll(sizes[i], NULL, 10);
        return r;
}

int closure_query(const struct ec_host *h, struct ec_op *op, const char *const *files, struct closure *ret,
                  struct ec_err *err)
{
        _cleanup_strv_ char **paths = NULL;
        struct closure c = { 0 };
        size_t n;
        int r = nix_store(h, op, "--requisites", files, strv_len(files), &paths, err);

        c.paths = n = strv_len(STRV_CONST(paths));
        for (size_t i = 0; r >= 0 && i < n; i += CHUNK)
                r = sum_sizes(h, op, STRV_CONST(paths) + i, n - i < CHUNK ? n - i : CHUNK, &c.bytes, err);
        if (r >= 0)
                *ret = c;
        return r;
}
