/* SPDX-License-Identifier: MIT */
#include "model/containers/containers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/operation/layout.h"
#include "svc/nix/store.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/name.h"
#include "util/strv.h"

#define CONF_MAX ((size_t)1 << 20)
#define UNITS    "etc/systemd/system" /* in an output */
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
        free(c->run_path);
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

int container_list_fill(struct container_list *ret, const char *const *names, container_find_fn find, void *data,
                        struct ec_err *err)
{
        _cleanup_(container_list_done) struct container_list l = { 0 };
        _cleanup_strv_ char **sorted = strv_copy(names);

        l.items = calloc(strv_len(names) + 1, sizeof(*l.items));
        if (!sorted || !l.items)
                return err_oom(err);
        strv_sort_unique(sorted);
        for (char **n = sorted; *n; n++) {
                int r = find(data, *n, &l.items[l.n], err);

                if (r < 0)
                        return r;
                l.n += r;
        }
        *ret = l;
        l = (struct container_list){ 0 };
        return 0;
}

char *conf_file_path(const struct layout *l, const char *name, bool legacy)
{
        return str_printf("%s/%s.conf", legacy ? l->conf_legacy : l->conf, name);
}

int container_new(const struct layout *l, const char *name, const char *units, bool legacy, struct ec_container **ret)
{
        _cleanup_container_ struct ec_container *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->legacy = legacy;
        c->name = strdup(name);
        c->unit = container_unit_of_name(name);
        if (!c->name || !c->unit)
                return -ENOMEM;
        c->unit_path = fs_join(units, c->unit);
        c->wants_path = str_printf("%s/" WANTS "/%s", units, c->unit);
        c->conf_path = conf_file_path(l, name, legacy);
        c->state_path = fs_join(legacy ? l->state_legacy : l->state, name);
        c->run_path = fs_join(legacy ? l->run_legacy : l->run, name);
        if (!c->unit_path || !c->wants_path || !c->conf_path || !c->state_path || !c->run_path)
                return -ENOMEM;
        *ret = TAKE_PTR(c);
        return 0;
}

const char *container_root(const struct ec_container *c)
{
        return !fs_exists(c->state_path) && fs_exists(c->run_path) ? c->run_path : c->state_path;
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

/* ---- installed ---- */

int container_store_link(const char *path, char **ret)
{
        _cleanup_free_ char *target = NULL;
        int r = fs_readlinkat(AT_FDCWD, path, &target);

        if (r >= 0 && !nix_is_store_path(target))
                return -EINVAL;
        if (r >= 0)
                *ret = TAKE_PTR(target);
        return r;
}

static int conf_link(const struct layout *l, const char *name, bool legacy, char **ret)
{
        _cleanup_free_ char *path = conf_file_path(l, name, legacy);

        return path ? container_store_link(path, ret) : -ENOMEM;
}

/* A unit of this program is a link into the store. 1: it is; 0: it is not, or does not exist. */
static int installed_in(const struct layout *l, const char *units, const char *name, struct ec_container **ret)
{
        _cleanup_free_ char *path = str_printf("%s/container@%s.service", units, name), *unit = NULL, *conf = NULL;
        bool legacy = l->legacy;
        int r = path ? container_store_link(path, &unit) : -ENOMEM;

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        /* The conf file's location tells the old layout from the new. */
        r = conf_link(l, name, legacy, &conf);
        if (r < 0 && r != -ENOMEM) {
                r = conf_link(l, name, !legacy, &conf);
                legacy ^= r >= 0;
        }
        if (r != -ENOMEM)
                r = container_new(l, name, units, legacy, ret);
        if (r < 0)
                return r;
        (*ret)->unit_target = TAKE_PTR(unit);
        (*ret)->conf_target = TAKE_PTR(conf);
        (*ret)->auto_start = fs_exists((*ret)->wants_path);
        return 1;
}

static int find_installed(void *data, const char *name, struct ec_container **ret, struct ec_err *err)
{
        const struct layout *l = data;
        int r = installed_in(l, l->units, name, ret);

        for (char **d = l->units_also; r == 0 && d && *d; d++)
                r = installed_in(l, *d, name, ret);
        return r < 0 ? err_oom(err) : r;
}

static int list_names(const char *dir, char ***names, struct ec_err *err)
{
        int r = container_names_in(dir, names);

        if (r == -ENOMEM)
                return err_oom(err);
        return r < 0 && r != -ENOENT ? err_set(err, r, "cannot list %s: %s", dir, strerror(-r)) : 0;
}

int containers_installed(const struct layout *l, struct container_list *ret, struct ec_err *err)
{
        _cleanup_strv_ char **names = NULL;
        int r = list_names(l->units, &names, err);

        for (char **d = l->units_also; r >= 0 && d && *d; d++)
                r = list_names(*d, &names, err);
        return r < 0 ? r : container_list_fill(ret, STRV_CONST(names), find_installed, (void *)l, err);
}

int container_installed(const struct layout *l, const char *name, struct ec_container **ret, struct ec_err *err)
{
        int r = find_installed((void *)l, name, ret, err);

        return r > 0 ? 0 : r < 0 ? r : err_set(err, -ENOENT, "no container named '%s'", name);
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

/* A NixOS system, or its etc output. */
struct output {
        const struct layout *layout;
        const char *path;
        char **names; /* of all its containers */
};

/* The file in the store that a link of an output leads to. Another file could be changed later, and systemd would run
 * it as root. */
static int resolve(const struct output *o, const char *path, char **ret, struct ec_err *err)
{
        int r = nix_store_file(path, ret);

        if (r == -ENOMEM)
                return err_oom(err);
        if (r == -EXDEV)
                return err_set(err, r, "%s is not used: its %s leads out of the store", o->path,
                               path + strlen(o->path) + 1);
        return r < 0 ? err_set(err, r, "cannot read %s: %s", path, fs_strerror(r)) : 0;
}

/* Lists the names that exist, so that a typing error is easy to see. */
static int unknown_name(const struct output *o, const char *name, struct ec_err *err)
{
        _cleanup_free_ char *list = strv_join(STRV_CONST(o->names), "', '");

        if (!list)
                return err_oom(err);
        return err_set(err, -ENOENT, "unknown container '%s'; %s defines '%s'", name, o->path, list);
}

static int read_unit(const struct output *o, const char *name, char **ret, struct ec_err *err)
{
        _cleanup_free_ char *path = str_printf("%s/" UNITS "/container@%s.service", o->path, name);

        return path ? resolve(o, path, ret, err) : err_oom(err);
}

static int read_conf(const struct output *o, const char *name, char **ret, bool *ret_legacy, struct ec_err *err)
{
        static const char *const dirs[] = { "nixos-containers", "containers" };

        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                _cleanup_free_ char *path = str_printf("%s/etc/%s/%s.conf", o->path, dirs[i], name);

                if (!path)
                        return err_oom(err);
                *ret_legacy = i;
                if (fs_exists(path))
                        return resolve(o, path, ret, err);
        }
        return err_set(err, -ENOENT, "%s has a unit for container '%s', but no settings (%s.conf)", o->path, name,
                       name);
}

static int find_in_output(void *data, const char *name, struct ec_container **ret, struct ec_err *err)
{
        const struct output *o = data;
        _cleanup_free_ char *wants = str_printf("%s/" UNITS "/" WANTS "/container@%s.service", o->path, name);
        _cleanup_free_ char *unit = NULL, *conf = NULL;
        bool legacy;
        int r = container_name_check(name, err);

        if (r >= 0 && !strv_contains(STRV_CONST(o->names), name))
                r = unknown_name(o, name, err);
        if (r >= 0)
                r = read_unit(o, name, &unit, err);
        if (r >= 0)
                r = read_conf(o, name, &conf, &legacy, err);
        if (r < 0)
                return r;
        if (!wants || container_new(o->layout, name, o->layout->units, legacy, ret) < 0)
                return err_oom(err);
        (*ret)->unit_target = TAKE_PTR(unit);
        (*ret)->conf_target = TAKE_PTR(conf);
        (*ret)->auto_start = fs_exists(wants);
        return 1;
}

int containers_of_output(const struct layout *l, const char *store_path, const char *const *names,
                         struct container_list *ret, struct ec_err *err)
{
        _cleanup_free_ char *units = fs_join(store_path, UNITS);
        _cleanup_strv_ char **have = NULL;
        int r = units ? container_names_in(units, &have) : -ENOMEM;

        if (r == -ENOMEM)
                return err_oom(err);
        if (r < 0 && r != -ENOENT && r != -ENOTDIR)
                return err_set(err, r, "cannot list %s: %s", units, strerror(-r));
        if (!have)
                return err_set(err, -ENOENT, "%s contains no containers (" UNITS "/container@NAME.service)",
                               store_path);
        strv_sort(have);
        return container_list_fill(ret, names && *names ? names : STRV_CONST(have), find_in_output,
                                   &(struct output){ l, store_path, have }, err);
}
