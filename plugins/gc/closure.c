/* SPDX-License-Identifier: MIT */
/* Closures of all containers from two calls of nix-store, however many they are. */
#include "gc.h"

#include <string.h>

#define CHUNK 1000 /* paths per call, far below the limit of argv */

struct node {
        char *path;
        int64_t bytes;
        size_t *refs, n_refs;
        size_t seen; /* in the closure with this number; 0: in none */
};

void closures_done(struct closures *c)
{
        for (size_t i = 0; i < c->n; i++) {
                free(c->nodes[i].path);
                free(c->nodes[i].refs);
        }
        free(c->nodes);
        *c = (struct closures){ 0 };
}

/* What nix-store prints for n paths. */
static int nix_store(const struct ec_host *h, struct ec_op *op, const char *const *words, const char *const *paths,
                     size_t n, char **ret, struct ec_err *err)
{
        size_t n_words = strv_len(words);
        _cleanup_free_ const char **argv = calloc(n_words + n + 1, sizeof(*argv));
        _cleanup_free_ char *command = strv_join(words, " "), *what = command ? str_printf("%s failed", command) : NULL;
        struct ec_proc p = { .argv = argv };

        if (!argv || !what)
                return no_memory(h, err);
        memcpy(argv, words, n_words * sizeof(*words));
        if (n)
                memcpy(argv + n_words, paths, n * sizeof(*paths));
        return run_program(h, op, &p, what, ret, err);
}

static int by_path(const void *a, const void *b)
{
        return strcmp(((const struct node *)a)->path, ((const struct node *)b)->path);
}

static struct node *find(const struct closures *c, const char *path)
{
        const struct node key = { .path = (char *)path };

        return c->n ? bsearch(&key, c->nodes, c->n, sizeof(*c->nodes), by_path) : NULL;
}

static int add_nodes(struct closures *c, char **paths)
{
        size_t n = strv_len(STRV_CONST(paths));

        c->nodes = calloc(n + 1, sizeof(*c->nodes));
        if (!c->nodes)
                return -ENOMEM;
        for (; c->n < n; c->n++) {
                c->nodes[c->n].path = strdup(paths[c->n]);
                if (!c->nodes[c->n].path)
                        return -ENOMEM;
        }
        if (c->n)
                qsort(c->nodes, c->n, sizeof(*c->nodes), by_path);
        return 0;
}

static const char *next_line(char **text)
{
        const char *line = strsep(text, "\n");

        return line ? line : "";
}

/* What --dump-db prints of each path: itself, its hash, its size, its derivation (or nothing), the number of its
 * references, and these. */
static int read_dump(struct closures *c, char *text)
{
        while (text && *text) {
                struct node *v = find(c, next_line(&text));
                size_t n;

                if (!v || v->refs)
                        return -EBADMSG;
                (void)next_line(&text);
                v->bytes = strtoll(next_line(&text), NULL, 10);
                (void)next_line(&text);
                n = strtoul(next_line(&text), NULL, 10);
                /* A path refers to paths of its closure. */
                v->refs = calloc((n < c->n ? n : c->n) + 1, sizeof(*v->refs));
                if (!v->refs)
                        return -ENOMEM;
                for (; n; n--) {
                        const struct node *ref = find(c, next_line(&text));

                        if (!ref || v->n_refs == c->n)
                                return -EBADMSG;
                        v->refs[v->n_refs++] = (size_t)(ref - c->nodes);
                }
        }
        return 0;
}

int closures_read(const struct ec_host *h, struct ec_op *op, const char *const *files, struct closures *ret,
                  struct ec_err *err)
{
        static const char *const requisites[] = { "nix-store", "--query", "--requisites", NULL }, *const dump[] = {
                "nix-store", "--dump-db", NULL
        };
        _cleanup_(closures_done) struct closures c = { 0 };
        _cleanup_strv_ char **paths = NULL;
        size_t n = strv_len(files);
        int r = 0;

        /* Without paths, nix-store would dump everything. */
        for (size_t i = 0; r >= 0 && i < n; i += CHUNK) {
                _cleanup_free_ char *out = NULL;
                _cleanup_strv_ char **some = NULL;

                r = nix_store(h, op, requisites, files + i, n - i < CHUNK ? n - i : CHUNK, &out, err);
                some = r < 0 ? NULL : strv_split(out, "\n");
                if (r >= 0 && (!some || strv_extend(&paths, STRV_CONST(some)) < 0))
                        r = no_memory(h, err);
        }
        /* Each call prints the paths of its own files. */
        if (r >= 0 && paths)
                strv_sort_unique(paths);
        if (r >= 0 && paths && add_nodes(&c, paths) < 0)
                r = no_memory(h, err);
        n = strv_len(STRV_CONST(paths));
        for (size_t i = 0; r >= 0 && i < n; i += CHUNK) {
                _cleanup_free_ char *out = NULL;
                int k;

                r = nix_store(h, op, dump, STRV_CONST(paths) + i, n - i < CHUNK ? n - i : CHUNK, &out, err);
                k = r < 0 ? 0 : read_dump(&c, out);
                if (k < 0)
                        r = k == -ENOMEM
                                    ? no_memory(h, err)
                                    : h->err->set(err, k, "nix-store --dump-db has printed what is not understood");
        }
        if (r < 0)
                return r;
        *ret = c;
        c = (struct closures){ 0 };
        return 0;
}

/* The store path of a file in it. */
static struct node *store_path_of(const struct closures *c, const char *file)
{
        _cleanup_free_ char *path = strdup(file);
        struct node *v = NULL;

        for (char *slash; path && *path && !(v = find(c, path)); *slash = 0) {
                slash = strrchr(path, '/');
                if (!slash)
                        break;
        }
        return v;
}

int closure_of(struct closures *c, const char *const *files, struct closure *ret)
{
        _cleanup_free_ size_t *stack = calloc(c->n + 1, sizeof(*stack));
        size_t n = 0;

        *ret = (struct closure){ 0 };
        if (!stack)
                return -ENOMEM;
        c->last++;
        for (; *files; files++) {
                struct node *v = store_path_of(c, *files);

                if (v && v->seen != c->last) {
                        v->seen = c->last;
                        stack[n++] = (size_t)(v - c->nodes);
                }
        }
        while (n) {
                const struct node *v = &c->nodes[stack[--n]];

                ret->paths++;
                ret->bytes += v->bytes;
                for (size_t i = 0; i < v->n_refs; i++)
                        if (c->nodes[v->refs[i]].seen != c->last) {
                                c->nodes[v->refs[i]].seen = c->last;
                                stack[n++] = v->refs[i];
                        }
        }
        return 0;
}
