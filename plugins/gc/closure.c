/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gc.h"

#define CHUNK 1000 /* paths a call: far below what argv holds */

/* Runs nix-store with args before paths (n of them). */
static int nix_store(const struct ec_host *h, struct ec_op *op, const char *query, const char *const *paths, size_t n,
                     struct ec_proc_result *ret, struct ec_err *err)
{
        const char **argv = calloc(n + 4, sizeof(*argv));
        struct ec_proc p = { .size = sizeof(p),
                             .flags = EC_PROC_CAPTURE | EC_PROC_CAPTURE_ERR | EC_PROC_NULL_STDIN,
                             .argv = argv };
        int r;

        if (!argv)
                return h->err->set(err, -ENOMEM, "out of memory");
        argv[0] = "nix-store";
        argv[1] = "--query";
        argv[2] = query;
        memcpy(argv + 3, paths, n * sizeof(*paths));
        r = h->proc->run(op, &p, ret, err);
        free(argv);
        if (r >= 0 && ret->status) {
                size_t len = ret->err ? strcspn(ret->err, "\n") : 0;

                r = h->err->set(err, -EIO, "nix-store --query %s failed with status %d: %.*s", query, (int)ret->status,
                                (int)len, ret->err ? ret->err : "");
                h->proc->result_done(ret);
        }
        return r;
}

/* The lines of text, in place; NULL: no memory. */
static const char **split_lines(char *text, size_t *ret_n)
{
        size_t n = 0, max = 1;
        const char **v;

        for (const char *p = text; *p; p++)
                max += *p == '\n';
        v = calloc(max + 1, sizeof(*v));
        for (char *save = NULL, *l = strtok_r(text, "\n", &save); v && l; l = strtok_r(NULL, "\n", &save))
                v[n++] = l;
        *ret_n = n;
        return v;
}

static int sum_sizes(const struct ec_host *h, struct ec_op *op, const char *const *paths, size_t n, int64_t *ret,
                     struct ec_err *err)
{
        struct ec_proc_result result = { .size = sizeof(result) };
        const char **lines;
        size_t k;
        int r = nix_store(h, op, "--size", paths, n, &result, err);

        if (r < 0)
                return r;
        lines = split_lines(result.out, &k);
        for (size_t i = 0; lines && i < k; i++)
                *ret += strtoll(lines[i], NULL, 10);
        r = lines ? 0 : h->err->set(err, -ENOMEM, "out of memory");
        free(lines);
        h->proc->result_done(&result);
        return r;
}

int closure_query(const struct ec_host *h, struct ec_op *op, const char *const *files, struct closure *ret,
                  struct ec_err *err)
{
        struct ec_proc_result result = { .size = sizeof(result) };
        struct closure c = { 0 };
        size_t n_files = 0, n = 0;
        const char **paths;
        int r;

        while (files[n_files])
                n_files++;
        r = nix_store(h, op, "--requisites", files, n_files, &result, err);
        if (r < 0)
                return r;
        paths = split_lines(result.out, &n);
        r = paths ? 0 : h->err->set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; r >= 0 && i < n; i += CHUNK)
                r = sum_sizes(h, op, paths + i, n - i < CHUNK ? n - i : CHUNK, &c.bytes, err);
        c.paths = n;
        free(paths);
        h->proc->result_done(&result);
        if (r >= 0)
                *ret = c;
        return r;
}
