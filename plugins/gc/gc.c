/* SPDX-License-Identifier: MIT */
/* Roots that keep what is installed from Nix' garbage collector. */
#include <errno.h>
#include <extra-container/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gc.h"

#ifndef EC_VERSION
#define EC_VERSION "0"
#endif

static int no_memory(const struct ec_host *h, struct ec_err *err)
{
        return h->err->set(err, -ENOMEM, "out of memory");
}

char *gc_root_path(const char *dir, const char *name, const char *suffix)
{
        char *p;

        return asprintf(&p, "%s/" GC_PREFIX "%s%s", dir, name, suffix) < 0 ? NULL : p;
}

/* Over an existing one by rename, so that no collector meets a moment without the root. */
static int link_root(const char *path, const char *target)
{
        char old[4096], *tmp;
        ssize_t n;
        int r = 0;

        if (symlink(target, path) >= 0)
                return 0;
        if (errno != EEXIST)
                return -errno;
        n = readlink(path, old, sizeof(old));
        if (n >= 0 && (size_t)n == strlen(target) && !memcmp(old, target, n))
                return 0;
        if (asprintf(&tmp, "%s.%d.tmp", path, getpid()) < 0)
                return -ENOMEM;
        if (symlink(target, tmp) < 0) {
                r = -errno;
        } else if (rename(tmp, path) < 0) {
                r = -errno;
                unlink(tmp);
        }
        free(tmp);
        return r;
}

static int make_dirs(const char *path)
{
        char *p = strdup(path);
        int r = p ? 0 : -ENOMEM;

        for (char *s = p ? strchr(p + 1, '/') : NULL; s && r >= 0; s = strchr(s + 1, '/')) {
                *s = 0;
                if (mkdir(p, 0755) < 0 && errno != EEXIST)
                        r = -errno;
                *s = '/';
        }
        if (r >= 0 && mkdir(p, 0755) < 0 && errno != EEXIST)
                r = -errno;
        free(p);
        return r;
}

static int set_root(const struct ec_host *h, const char *dir, const char *path, const char *target, struct ec_err *err)
{
        int r = link_root(path, target);

        if (r == -ENOENT) {
                r = make_dirs(dir);
                if (r < 0)
                        return h->err->set(err, r, "cannot make the directory %s: %s", dir, strerror(-r));
                r = link_root(path, target);
        }
        return r < 0 ? h->err->set(err, r, "cannot make the garbage collector root %s: %s", path, strerror(-r)) : 0;
}

int gc_set_roots(const struct ec_host *h, const struct ec_container *c, struct ec_err *err)
{
        const char *dir = h->conf->path(h, "gcroots"), *name = h->containers->name(c);
        char *unit = gc_root_path(dir, name, ""), *conf = gc_root_path(dir, name, ".conf");
        int r = unit && conf ? 0 : no_memory(h, err);

        if (r >= 0)
                r = set_root(h, dir, unit, h->containers->unit_path(c), err);
        if (r >= 0)
                r = set_root(h, dir, conf, h->containers->conf_path(c), err);
        free(unit);
        free(conf);
        return r;
}

static int installed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        (void)op;
        return gc_set_roots(((struct gc *)self)->host, c, err);
}

static int removed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        const struct ec_host *h = ((struct gc *)self)->host;
        const char *dir = h->conf->path(h, "gcroots"), *const suffixes[] = { "", ".conf" };
        int r = 0;

        (void)op;
        for (int i = 0; i < 2; i++) {
                char *path = gc_root_path(dir, h->containers->name(c), suffixes[i]);

                if (!path)
                        return no_memory(h, err);
                /* What is still installed, after an update that failed, keeps its roots. */
                if (access(path, F_OK) < 0 && unlink(path) < 0 && errno != ENOENT && r >= 0)
                        r = h->err->set(err, -errno, "cannot remove the garbage collector root %s: %s", path,
                                        strerror(errno));
                free(path);
        }
        return r;
}

static int init(const struct ec_host *host, void **ret_self, struct ec_err *err)
{
        struct gc *g = calloc(1, sizeof(*g));

        if (!g)
                return no_memory(host, err);
        g->host = host;
        *ret_self = g;
        return 0;
}

static void done(void *self)
{
        free(self);
}

static const struct ec_hooks hooks = { .size = sizeof(hooks), .installed = installed, .removed = removed };

static const struct ec_command commands[] = {
        { .name = "gc",
          .synopsis = "",
          .summary = "Drop left-over garbage collector roots and list what the others keep alive",
          .details = "A root is left over when the container that it stood for was removed by hand. Containers that "
                     "were installed "
                     "while this plugin was off get theirs. Deletes nothing from the store: that is what "
                     "nix-collect-garbage does.",
          .flags = EC_CMD_ROOT | EC_CMD_LISTING,
          .run = gc_run },
};

EC_PLUGIN(gc, .version = EC_VERSION, .summary = "Keep installed containers from Nix' garbage collector",
          .provides = EC_PROVIDES_GCROOT, .commands = EC_ARRAY(commands), .hooks = &hooks, .init = init, .done = done);
