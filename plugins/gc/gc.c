/* SPDX-License-Identifier: MIT */
/* Roots that protect installed containers from Nix's garbage collector. */
#include "gc.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

char *gc_root_path(const char *dir, const char *name, const char *suffix)
{
        return str_printf("%s/" GC_PREFIX "%s%s", dir, name, suffix);
}

static int set_root(const struct ec_host *h, const char *dir, const char *path, const char *target, struct ec_err *err)
{
        _cleanup_free_ char *old = NULL;
        int r = fs_readlinkat(AT_FDCWD, path, &old);

        if (r >= 0 && !strcmp(old, target))
                return 0;
        r = fs_symlink_atomic(target, path);
        if (r == -ENOENT) {
                r = fs_mkdir_p(dir, 0755);
                if (r < 0)
                        return h->err->set(err, r, "cannot create the directory %s: %s", dir, strerror(-r));
                r = fs_symlink_atomic(target, path);
        }
        return r < 0 ? h->err->set(err, r, "cannot create the garbage collector root %s: %s", path, strerror(-r)) : 0;
}

int gc_set_roots(const struct ec_host *h, const struct ec_container *c, struct ec_err *err)
{
        const char *dir = h->conf->path(h, "gcroots"), *name = h->containers->name(c);
        _cleanup_free_ char *unit = gc_root_path(dir, name, ""), *conf = gc_root_path(dir, name, ".conf");
        int r = unit && conf ? 0 : no_memory(h, err);

        if (r >= 0)
                r = set_root(h, dir, unit, h->containers->unit_path(c), err);
        if (r >= 0)
                r = set_root(h, dir, conf, h->containers->conf_path(c), err);
        return r;
}

int gc_drop_root(const struct ec_host *h, const char *path, struct ec_err *err)
{
        int r = fs_unlink(path);

        return r < 0 ? h->err->set(err, r, "cannot remove the garbage collector root %s: %s", path, strerror(-r)) : 0;
}

static int drop_roots(const struct ec_host *h, const struct ec_container *c, struct ec_err *err)
{
        const char *dir = h->conf->path(h, "gcroots"), *name = h->containers->name(c);
        _cleanup_free_ char *unit = gc_root_path(dir, name, ""), *conf = gc_root_path(dir, name, ".conf");
        int r, k;

        if (!unit || !conf)
                return no_memory(h, err);
        r = gc_drop_root(h, unit, err);
        k = gc_drop_root(h, conf, r < 0 ? NULL : err);
        return r < 0 ? r : k;
}

/* The roots of a container that was there before remain: they lead to its links, which are put back. */
static int undo(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        const struct ec_host *h = self;

        (void)op;
        return h->containers->change(c) == EC_CHANGE_NEW ? drop_roots(h, c, err) : 0;
}

static int installed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        int r = gc_set_roots(self, c, err);

        if (r < 0)
                undo(self, op, c, NULL);
        return r;
}

static int removed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        (void)op;
        return drop_roots(self, c, err);
}

static const struct ec_hooks hooks = {
        .size = sizeof(hooks),
        .installed = installed,
        .undo = undo,
        .removed = removed,
};

static const struct ec_command commands[] = {
        { .name = "gc",
          .synopsis = "",
          .summary = "Remove stale garbage collector roots and list what the others keep alive",
          .details = "A root is stale if its container was removed by hand. Creates the roots of containers that were "
                     "installed while this plugin was off. Deletes nothing from the store; nix-collect-garbage does.",
          .flags = EC_CMD_ROOT | EC_CMD_LISTING,
          .run = gc_run },
};

EC_PLUGIN(gc, .version = EC_VERSION, .summary = "Protect installed containers from Nix's garbage collector",
          .provides = EC_PROVIDES_GCROOT, .commands = EC_ARRAY(commands), .hooks = &hooks, .init = host_as_self);
