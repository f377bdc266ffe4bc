/* SPDX-License-Identifier: MIT */
#include "gc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* README.md documents them: add new ones at the end only. */
static const struct ec_column columns[] = {
        { .key = "name", .title = "NAME", .type = EC_COL_STR },
        { .key = "paths", .title = "PATHS", .type = EC_COL_INT },
        { .key = "size", .title = "SIZE", .type = EC_COL_SIZE },
        { .key = "roots", .title = "ROOTS", .type = EC_COL_LIST, .flags = EC_COL_JSON_ONLY },
        { .key = "storePaths", .title = "STORE PATHS", .type = EC_COL_LIST, .flags = EC_COL_JSON_ONLY },
};
static const struct ec_array column_array = EC_ARRAY(columns);

struct root {
        char *name; /* of the container */
        char *path;
        char *target; /* store file; NULL: it is missing */
        char *link;   /* what the root points at */
};
struct roots {
        struct root *items;
        size_t n;
};

static void root_done(struct root *r)
{
        free(r->name);
        free(r->path);
        free(r->target);
        free(r->link);
}

static void roots_done(struct roots *l)
{
        for (size_t i = 0; i < l->n; i++)
                root_done(&l->items[i]);
        free(l->items);
}

static int by_path(const void *a, const void *b)
{
        const struct root *x = a, *y = b;
        int k = strcmp(x->name, y->name);

        return k ? k : strcmp(x->path, y->path);
}

/* "extra-container-NAME" or "extra-container-NAME.conf"; 0: not a root of ours. */
static int read_root(const char *dir, const char *file, struct root *ret)
{
        const char *name = file + strlen(GC_PREFIX), *dot = strchr(name, '.');
        struct root r = { 0 };
        int k;

        if (dot && strcmp(dot, ".conf"))
                return 0;
        r.path = fs_join(dir, file);
        r.name = dot ? strndup(name, dot - name) : strdup(name);
        if (r.path && r.name && !fs_readlinkat(AT_FDCWD, r.path, &r.link)) {
                r.target = realpath(r.link, NULL);
                *ret = r;
                return 1;
        }
        k = r.path && r.name ? 0 : -ENOMEM;
        root_done(&r);
        return k;
}

static int read_roots(const struct ec_host *h, const char *dir, struct roots *l, struct ec_err *err)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        int r = 0;

        if (!d)
                return errno == ENOENT ? 0 : h->err->set(err, -errno, "cannot list %s: %s", dir, strerror(errno));
        for (struct dirent *e; r >= 0 && (e = readdir(d));) {
                struct root *v;

                if (!str_after(e->d_name, GC_PREFIX))
                        continue;
                v = reallocarray(l->items, l->n + 1, sizeof(*v));
                if (v)
                        l->items = v;
                r = v ? read_root(dir, e->d_name, &l->items[l->n]) : -ENOMEM;
                l->n += r > 0;
        }
        if (r < 0)
                return no_memory(h, err);
        if (l->n)
                qsort(l->items, l->n, sizeof(*l->items), by_path);
        return 0;
}

/* Only if the link is gone: a link whose store path is lost is a warning. */
static int drop_stale(const struct ec_host *h, struct root *root, struct ec_err *err)
{
        struct stat st;
        int r;

        if (!lstat(root->link, &st)) {
                if (!root->target)
                        h->log->log(h, 4, "container '%s': %s leads to a store path that does not exist", root->name,
                                    root->link);
                return 0;
        }
        if (errno != ENOENT && errno != ENOTDIR)
                return 0;
        r = gc_drop_root(h, root->path, err);
        if (r >= 0)
                h->log->log(h, 5, "removed %s: container '%s' is gone", root->path, root->name);
        return r;
}

/* The roots of one container: n of them from first on. */
static int add_row(const struct ec_host *h, struct closures *all, struct ec_table *t, const struct root *first,
                   size_t n, struct ec_err *err)
{
        _cleanup_strv_ char **paths = NULL, **stores = NULL;
        _cleanup_free_ char *roots = NULL, *files = NULL;
        struct closure closure;
        int r;

        for (size_t i = 0; i < n; i++)
                if (first[i].target &&
                    (strv_push(&paths, first[i].path) < 0 || strv_push(&stores, first[i].target) < 0))
                        return no_memory(h, err);
        if (!paths)
                return 0;
        roots = strv_join(STRV_CONST(paths), "\n");
        files = strv_join(STRV_CONST(stores), "\n");
        r = roots && files && closure_of(all, STRV_CONST(stores), &closure) >= 0 ? 0 : no_memory(h, err);
        if (r >= 0)
                r = h->table->add_row(t, err);
        if (r >= 0)
                r = h->table->set_str(t, "name", first->name, err);
        if (r >= 0)
                r = h->table->set_int(t, "paths", closure.paths, err);
        if (r >= 0)
                r = h->table->set_int(t, "size", closure.bytes, err);
        if (r >= 0)
                r = h->table->set_str(t, "roots", roots, err);
        return r < 0 ? r : h->table->set_str(t, "storePaths", files, err);
}

struct missing {
        const struct ec_host *host;
        struct ec_err *err;
};

/* For containers that were installed without this plugin: while unchanged, they are not installed again. */
static int add_missing(void *data, const struct ec_container *c)
{
        struct missing *m = data;
        const struct ec_host *h = m->host;
        const char *name = h->containers->name(c), *dir = h->conf->path(h, "gcroots");
        _cleanup_free_ char *unit = gc_root_path(dir, name, ""), *conf = gc_root_path(dir, name, ".conf");
        int r = unit && conf ? 0 : no_memory(h, m->err);
        struct stat st;

        if (r >= 0 && (lstat(unit, &st) < 0 || lstat(conf, &st) < 0) && !lstat(h->containers->unit_path(c), &st)) {
                r = gc_set_roots(h, c, m->err);
                if (r >= 0)
                        h->log->log(h, 5, "created the missing roots of container '%s'", name);
        }
        return r;
}

/* Creates missing roots, removes stale ones, and lists all. */
static int update_roots(const struct ec_host *h, struct ec_op *op, struct roots *ret, struct ec_err *err)
{
        struct missing missing = { h, err };
        int r = h->containers->foreach_installed(op, add_missing, &missing, err);

        if (r >= 0)
                r = read_roots(h, h->conf->path(h, "gcroots"), ret, err);
        for (size_t i = 0; r >= 0 && i < ret->n; i++)
                if (!ret->items[i].target)
                        r = drop_stale(h, &ret->items[i], err);
        return r;
}

int gc_run(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        _cleanup_(closures_done) struct closures closures = { 0 };
        _cleanup_strv_ char **files = NULL;
        struct ec_table *table = NULL;
        struct roots roots = { 0 };
        /* Otherwise a container that another run installs meanwhile could lose its roots. */
        int r = h->deploy->lock(op, err);

        if (r < 0)
                return r;
        r = update_roots(h, op, &roots, err);
        h->deploy->unlock(op);
        for (size_t i = 0; r >= 0 && i < roots.n; i++)
                if (roots.items[i].target && strv_push(&files, roots.items[i].target) < 0)
                        r = no_memory(h, err);
        if (r >= 0 && files)
                r = closures_read(h, op, STRV_CONST(files), &closures, err);
        if (r >= 0)
                r = h->table->create(op, &column_array, &table, err);
        for (size_t i = 0, n; r >= 0 && i < roots.n; i += n) {
                for (n = 1; i + n < roots.n && !strcmp(roots.items[i].name, roots.items[i + n].name); n++)
                        ;
                r = add_row(h, &closures, table, &roots.items[i], n, err);
        }
        if (r >= 0)
                r = h->table->print(table, err);
        if (table)
                h->table->free(table);
        roots_done(&roots);
        return r < 0 ? r : 0;
}
