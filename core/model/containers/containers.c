/* SPDX-License-Identifier: MIT */
#include "model/containers/containers.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/operation/layout.h"
#include "svc/nix/store.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/name.h"
#include "util/strv.h"

#define CONF_MAX (1024 * 1024)
#define WANTS    "machines.target.wants"

void container_free(struct ec_container *c)
{
        if (!c)
                return;
        free(c->name);
        free(c->unit);
        free(c->unit_path);
        free(c->conf_path);
        free(c->wants_path);
        free(c->state_path);
        free(c->unit_target);
        free(c->conf_target);
        strv_free(c->conf);
        free(c);
}
DEFINE_CLEANUP(struct ec_container, container_free)
#define _cleanup_container_ _cleanup_(cleanup_container_free)

void container_list_done(struct container_list *l)
{
        for (size_t i = 0; i < l->n; i++)
                container_free(l->items[i]);
        free(l->items);
        *l = (struct container_list){ 0 };
}

static int list_add(struct container_list *l, struct ec_container *c)
{
        if (!(l->n & (l->n - 1))) {
                void *p = reallocarray(l->items, l->n ? l->n * 2 : 1, sizeof(*l->items));

                if (!p)
                        return -ENOMEM;
                l->items = p;
        }
        l->items[l->n++] = c;
        return 0;
}

int container_new(const struct layout *l, const char *name, const char *units, bool legacy, struct ec_container **ret)
{
        _cleanup_container_ struct ec_container *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->legacy = legacy;
        c->name = strdup(name);
        c->unit = str_printf("container@%s.service", name);
        if (!c->name || !c->unit)
                return -ENOMEM;
        c->unit_path = fs_join(units, c->unit);
        c->wants_path = str_printf("%s/" WANTS "/%s", units, c->unit);
        c->conf_path = str_printf("%s/%s.conf", legacy ? l->conf_legacy : l->conf, name);
        c->state_path = fs_join(legacy ? l->state_legacy : l->state, name);
        if (!c->unit_path || !c->wants_path || !c->conf_path || !c->state_path)
                return -ENOMEM;
        *ret = TAKE_PTR(c);
        return 0;
}

/* The file is read for the first key. A file that does not exist has no keys. */
static void load_conf(struct ec_container *c)
{
        const char *path = c->conf_target ? c->conf_target : c->conf_path;
        _cleanup_free_ char *text = NULL;

        c->conf_loaded = true;
        if (!path || fs_read(path, CONF_MAX, &text, NULL) < 0)
                return;
        if (envfile_parse(text, &c->conf) < 0)
                c->conf = NULL;
}

const char *container_conf_get(const struct ec_container *c, const char *key)
{
        size_t len = strlen(key);

        if (!c->conf_loaded)
                load_conf((struct ec_container *)c);
        for (char **e = c->conf; e && *e; e++)
                if (!strncmp(*e, key, len) && (*e)[len] == '=')
                        return *e + len + 1;
        return NULL;
}

/* Follows links to a file, without resolving its directories. */
static int follow(int dirfd, const char *name, char **ret)
{
        _cleanup_free_ char *at = NULL, *next = NULL;
        int r = fs_readlinkat(dirfd, name, &at);

        if (r < 0)
                return r;
        for (int depth = 0; depth < 16; depth++) {
                if (*at != '/')
                        return -ELOOP; /* relative: the caller takes the slow way */
                r = fs_readlinkat(AT_FDCWD, at, &next);
                if (r == -EINVAL) {
                        *ret = TAKE_PTR(at);
                        return 0;
                }
                if (r < 0)
                        return r;
                free(at);
                at = TAKE_PTR(next);
        }
        return -ELOOP;
}

static int follow_in(int dirfd, const char *dir, const char *name, char **ret)
{
        _cleanup_free_ char *path = NULL, *real = NULL;
        int r = follow(dirfd, name, ret);

        if (r != -ELOOP && r != -EINVAL)
                return r;
        path = fs_join(dir, name);
        if (!path)
                return -ENOMEM;
        real = realpath(path, NULL);
        if (!real)
                return -errno;
        *ret = TAKE_PTR(real);
        return 0;
}

static int open_dir(const char *path)
{
        int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int by_name(const void *a, const void *b)
{
        return strcmp((*(struct ec_container *const *)a)->name, (*(struct ec_container *const *)b)->name);
}

static void list_sort(struct container_list *l)
{
        if (l->n)
                qsort(l->items, l->n, sizeof(*l->items), by_name);
}

/* Calls fn for the container names that have a unit in a directory. An absent directory has none. */
static int foreach_unit(const char *dir, int (*fn)(void *data, const char *name), void *data)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        struct dirent *e;

        if (!d)
                return errno == ENOENT ? 0 : -errno;
        while ((errno = 0, e = readdir(d))) {
                _cleanup_free_ char *name = NULL;
                int r;

                if (!str_after(e->d_name, "container@"))
                        continue;
                name = container_name_of_unit(e->d_name);
                if (!name || !*name)
                        continue;
                r = fn(data, name);
                if (r < 0)
                        return r;
        }
        return errno ? -errno : 0;
}

/* ---- installed ---- */

/* Directories that several lookups share. */
struct installed_dirs {
        const struct layout *layout;
        int conf, conf_legacy;
};

static void dirs_open(struct installed_dirs *d, const struct layout *l)
{
        *d = (struct installed_dirs){ l, open_dir(l->conf), open_dir(l->conf_legacy) };
}

static void dirs_close(struct installed_dirs *d)
{
        if (d->conf >= 0)
                close(d->conf);
        if (d->conf_legacy >= 0)
                close(d->conf_legacy);
}

static int conf_link(int dirfd, const char *name, char **ret)
{
        char file[NAME_MAX + 1];
        int r;

        if (dirfd < 0)
                return -ENOENT;
        if ((size_t)snprintf(file, sizeof(file), "%s.conf", name) >= sizeof(file))
                return -ENAMETOOLONG;
        r = fs_readlinkat(dirfd, file, ret);
        if (r >= 0 && !nix_is_store_path(*ret)) {
                free(*ret);
                *ret = NULL;
                return -ENOENT;
        }
        return r;
}

/* A unit of this program is a link into the store. 1: it is; 0: it is not, or does not exist. */
static int installed_in(const struct installed_dirs *d, const char *units, int units_fd, const char *name,
                        struct ec_container **ret)
{
        _cleanup_container_ struct ec_container *c = NULL;
        _cleanup_free_ char *target = NULL, *conf = NULL;
        char file[NAME_MAX + 1], wants[sizeof(WANTS) + NAME_MAX + 1];
        bool legacy = d->layout->legacy;
        int r;

        if ((size_t)snprintf(file, sizeof(file), "container@%s.service", name) >= sizeof(file))
                return 0;
        r = fs_readlinkat(units_fd, file, &target);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !nix_is_store_path(target))
                return 0;
        /* The conf file's location tells the old layout from the new. */
        r = conf_link(legacy ? d->conf_legacy : d->conf, name, &conf);
        if (r == -ENOENT || r == -EINVAL) {
                r = conf_link(legacy ? d->conf : d->conf_legacy, name, &conf);
                if (r >= 0)
                        legacy = !legacy;
        }
        if (r == -ENOMEM)
                return r;
        r = container_new(d->layout, name, units, legacy, &c);
        if (r < 0)
                return r;
        c->unit_target = TAKE_PTR(target);
        c->conf_target = TAKE_PTR(conf);
        snprintf(wants, sizeof(wants), WANTS "/%s", file);
        c->auto_start = !faccessat(units_fd, wants, F_OK, AT_SYMLINK_NOFOLLOW);
        *ret = TAKE_PTR(c);
        return 1;
}

struct scan {
        const struct installed_dirs *dirs;
        const char *units;
        int fd;
        struct container_list list;
        size_t sorted; /* of the directories before this one */
};

static bool known(const struct scan *s, const char *name)
{
        struct ec_container key = { .name = (char *)name }, *k = &key;

        return s->sorted && bsearch(&k, s->list.items, s->sorted, sizeof(*s->list.items), by_name);
}

static int scan_one(void *data, const char *name)
{
        struct scan *s = data;
        struct ec_container *c;
        int r = known(s, name) ? 0 : installed_in(s->dirs, s->units, s->fd, name, &c);

        if (r <= 0)
                return r;
        r = list_add(&s->list, c);
        if (r < 0)
                container_free(c);
        return r;
}

static int scan_units(struct scan *s, const char *units)
{
        _cleanup_close_ int fd = open_dir(units);
        int r;

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        s->units = units;
        s->fd = fd;
        r = foreach_unit(units, scan_one, s);
        list_sort(&s->list);
        s->sorted = s->list.n;
        return r;
}

int containers_installed(const struct layout *l, struct container_list *ret, struct ec_err *err)
{
        struct installed_dirs dirs;
        struct scan s = { .dirs = &dirs };
        int r;

        dirs_open(&dirs, l);
        r = scan_units(&s, l->units);
        for (char **d = l->units_also; r >= 0 && d && *d; d++)
                r = scan_units(&s, *d);
        dirs_close(&dirs);
        if (r < 0) {
                container_list_done(&s.list);
                return r == -ENOMEM ? err_oom(err)
                                    : err_set(err, r, "cannot list %s: %s", s.units ? s.units : l->units, strerror(-r));
        }
        *ret = s.list;
        return 0;
}

int container_installed(const struct layout *l, const char *name, struct ec_container **ret, struct ec_err *err)
{
        struct installed_dirs dirs;
        int r = 0;

        dirs_open(&dirs, l);
        for (size_t i = 0; r == 0; i++) {
                const char *units = i ? (l->units_also ? l->units_also[i - 1] : NULL) : l->units;
                _cleanup_close_ int fd = -1;

                if (!units)
                        break;
                fd = open_dir(units);
                if (fd >= 0)
                        r = installed_in(&dirs, units, fd, name, ret);
        }
        dirs_close(&dirs);
        if (r < 0)
                return err_oom(err);
        return r ? 0 : err_set(err, -ENOENT, "no container named '%s'", name);
}

int container_unknown(const struct layout *l, const char *name, struct ec_err *err)
{
        struct container_list known = { 0 };
        _cleanup_strv_ char **names = NULL;
        const char *near;
        int r = containers_installed(l, &known, err);

        for (size_t i = 0; i < known.n && r >= 0; i++)
                r = strv_push(&names, known.items[i]->name) < 0 ? err_oom(err) : 0;
        container_list_done(&known);
        if (r < 0)
                return r;
        near = str_nearest(name, STRV_CONST(names));
        return near ? err_set(err, -ENOENT, "no container named '%s' is installed; did you mean '%s'?", name, near)
                    : err_set(err, -ENOENT, "no container named '%s' is installed", name);
}

int containers_find(const struct layout *l, const char *name, struct ec_container **ret, struct ec_err *err)
{
        int r = container_name_possible(name) ? 0 : container_name_check(name, err);

        if (r >= 0)
                r = container_installed(l, name, ret, err);
        if (r != -ENOENT)
                return r;
        err_done(err);
        return container_unknown(l, name, err);
}

bool container_is_declarative(const struct layout *l, const char *name)
{
        _cleanup_free_ char *path = str_printf("%s/etc/systemd/system/container@%s.service", l->root, name);

        return l->nixos && path && str_after(path, l->units) == NULL && !access(path, F_OK);
}

/* ---- of an etc output ---- */

/* Directories of a NixOS system, or of its etc output. */
struct output_dirs {
        const struct layout *layout;
        const char *path;
        char *units, *conf, *conf_legacy;
        int units_fd, conf_fd, conf_legacy_fd;
};

static void output_close(struct output_dirs *o)
{
        int fds[] = { o->units_fd, o->conf_fd, o->conf_legacy_fd };

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                if (fds[i] >= 0)
                        close(fds[i]);
        free(o->units);
        free(o->conf);
        free(o->conf_legacy);
}

static int output_open(struct output_dirs *o, const struct layout *l, const char *path, struct ec_err *err)
{
        *o = (struct output_dirs){ l, path, NULL, NULL, NULL, -1, -1, -1 };
        o->units = fs_join(path, "etc/systemd/system");
        o->conf = fs_join(path, "etc/nixos-containers");
        o->conf_legacy = fs_join(path, "etc/containers");
        if (!o->units || !o->conf || !o->conf_legacy)
                return err_oom(err);
        o->units_fd = open_dir(o->units);
        o->conf_fd = open_dir(o->conf);
        o->conf_legacy_fd = open_dir(o->conf_legacy);
        if (o->units_fd < 0 && o->units_fd != -ENOENT && o->units_fd != -ENOTDIR)
                return err_set(err, o->units_fd, "cannot open %s: %s", o->units, strerror(-o->units_fd));
        return 0;
}

/* 1: found; 0: the output has no such container. */
static int output_container(const struct output_dirs *o, const char *name, struct ec_container **ret,
                            struct ec_err *err)
{
        _cleanup_container_ struct ec_container *c = NULL;
        _cleanup_free_ char *unit = NULL, *conf = NULL;
        char file[NAME_MAX + 1], wants[sizeof(WANTS) + NAME_MAX + 1];
        bool legacy = false;
        int r;

        if (o->units_fd < 0 || (size_t)snprintf(file, sizeof(file), "container@%s.service", name) >= sizeof(file))
                return 0;
        r = follow_in(o->units_fd, o->units, file, &unit);
        if (r == -ENOENT && faccessat(o->units_fd, file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
                return 0;
        if (r < 0)
                return err_set(err, r, "cannot read %s/%s: %s", o->units, file, strerror(-r));
        snprintf(wants, sizeof(wants), "%s.conf", name);
        r = o->conf_fd < 0 ? -ENOENT : follow_in(o->conf_fd, o->conf, wants, &conf);
        if (r == -ENOENT && o->conf_legacy_fd >= 0) {
                r = follow_in(o->conf_legacy_fd, o->conf_legacy, wants, &conf);
                legacy = r >= 0;
        }
        if (r < 0)
                return err_set(err, r, "%s has a unit for container '%s', but no settings (%s)", o->path, name, wants);
        r = container_new(o->layout, name, o->layout->units, legacy, &c);
        if (r < 0)
                return err_oom(err);
        c->unit_target = TAKE_PTR(unit);
        c->conf_target = TAKE_PTR(conf);
        snprintf(wants, sizeof(wants), WANTS "/%s", file);
        c->auto_start = !faccessat(o->units_fd, wants, F_OK, AT_SYMLINK_NOFOLLOW);
        *ret = TAKE_PTR(c);
        return 1;
}

static int push_name(void *data, const char *name)
{
        return strv_push(data, name);
}

/* Lists the names that exist, so that a typing error is easy to see. */
static int unknown_name(const struct output_dirs *o, const char *name, char **have, struct ec_err *err)
{
        _cleanup_free_ char *list = strv_join(STRV_CONST(have), "', '");

        if (!list)
                return err_oom(err);
        return err_set(err, -ENOENT, "unknown container '%s'; %s defines '%s'", name, o->path, list);
}

static int output_all(const struct output_dirs *o, const char *const *names, struct container_list *list,
                      struct ec_err *err)
{
        _cleanup_strv_ char **have = NULL, **wanted = NULL;
        int r = 0;

        if (o->units_fd >= 0)
                r = foreach_unit(o->units, push_name, &have);
        if (r == -ENOMEM)
                return err_oom(err);
        if (r < 0)
                return err_set(err, r, "cannot list %s: %s", o->units, strerror(-r));
        if (!have)
                return err_set(err, -ENOENT, "%s contains no containers (etc/systemd/system/container@NAME.service)",
                               o->path);
        strv_sort(have);
        wanted = strv_copy(names && *names ? names : STRV_CONST(have));
        if (!wanted)
                return err_oom(err);
        strv_sort(wanted);
        for (char **n = wanted; *n; n++) {
                struct ec_container *c = NULL;

                if (n > wanted && !strcmp(n[-1], *n))
                        continue;
                r = container_name_check(*n, err);
                if (r < 0)
                        return r;
                r = output_container(o, *n, &c, err);
                if (r == 0)
                        return unknown_name(o, *n, have, err);
                if (r < 0)
                        return r;
                if (list_add(list, c) < 0) {
                        container_free(c);
                        return err_oom(err);
                }
        }
        return 0;
}

int containers_of_output(const struct layout *l, const char *store_path, const char *const *names,
                         struct container_list *ret, struct ec_err *err)
{
        struct container_list list = { 0 };
        struct output_dirs o;
        int r = output_open(&o, l, store_path, err);

        if (r >= 0)
                r = output_all(&o, names, &list, err);
        output_close(&o);
        if (r < 0) {
                container_list_done(&list);
                return r;
        }
        *ret = list;
        return 0;
}
