/* SPDX-License-Identifier: MIT */
/* Roots that keep what is installed from Nix' garbage collector. */
#include "gc.h"

#include <string.h>
#include <unistd.h>

char *gc_root_path(const char *dir, const char *name, const char *suffix)
{
        return str_printf("%s/" GC_PREFIX "%s%s", dir, name, suffix);
}

static int set_root(const struct ec_host *h, const char *dir, const char *path, const char *target, struct ec_err *err)
{
        int r = fs_symlink_atomic(target, path);

        if (r == -ENOENT) {
                r = fs_mkdir_p(dir, 0755);
                if (r < 0)
                        return h->err->set(err, r, "cannot make the directory %s: %s", dir, strerror(-r));
                r = fs_symlink_atomic(target, path);
        }
        return r < 0 ? h->err->set(err, r, "cannot make the garbage collector root %s: %s", path, strerror(-r)) : 0;
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

static int installed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        (void)op;
        return gc_set_roots(self, c, err);
}

static int removed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        const struct ec_host *h = self;
        const char *dir = h->conf->path(h, "gcroots"), *const suffixes[] = { "", ".conf" };
        int r = 0;

        (void)op;
        for (int i = 0; i < 2; i++) {
                _cleanup_free_ char *path = gc_root_path(dir, h->containers->name(c), suffixes[i]);

                if (!path)
                        return no_memory(h, err);
                /* What is still installed, after an update that failed, keeps its roots. */
                if (access(path, F_OK) < 0 && r >= 0)
                        r = gc_drop_root(h, path, err);
        }
        return r;
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
          .provides = EC_PROVIDES_GCROOT, .commands = EC_ARRAY(commands), .hooks = &hooks, .init = host_as_self);
