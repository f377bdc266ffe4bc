/* SPDX-License-Identifier: MIT */
#include "model/containers/select.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/operation/layout.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/name.h"
#include "util/strv.h"

#define HOST_UNITS "/etc/systemd/system"

/* ---- all names ---------------------------------------------------------- */

static int add_units(const char *dir, char ***names, struct ec_err *err)
{
        int r = container_names_in(dir, names);

        if (r == -ENOMEM)
                return err_oom(err);
        return r < 0 && r != -ENOENT && r != -ENOTDIR ? err_set(err, r, "cannot list %s: %s", dir, strerror(-r)) : 0;
}

/* Other programs have files in /etc/containers, which is why NixOS left it: see is_container(). */
static int add_confs(const char *dir, char ***names, struct ec_err *err)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        struct dirent *e;

        if (!d)
                return errno == ENOENT || errno == ENOTDIR
                               ? 0
                               : err_set(err, -errno, "cannot list %s: %s", dir, strerror(errno));
        while ((e = readdir(d))) {
                char *name;

                if (!str_ends(e->d_name, ".conf") || e->d_name[0] == '.')
                        continue;
                name = strndup(e->d_name, strlen(e->d_name) - strlen(".conf"));
                if (!name || strv_push_take(names, name) < 0)
                        return err_oom(err);
        }
        return 0;
}

/* ---- one container ------------------------------------------------------ */

static bool is_container(const struct ec_container *c)
{
        return container_conf_get(c, "SYSTEM_PATH") || container_conf_get(c, "FLAKE") ||
               container_conf_get(c, "PRIVATE_NETWORK");
}

/* 1, or 0: it has no such settings. */
static int with_conf(const struct layout *l, const char *name, const char *units, bool legacy,
                     struct ec_container **ret)
{
        int r = container_new(l, name, units, legacy, ret);

        if (r < 0 || is_container(*ret))
                return r < 0 ? r : 1;
        container_free(TAKE_PTR(*ret));
        return 0;
}

/* Of the host's configuration, or of nixos-container. */
static int find_other(const struct layout *l, const char *name, struct ec_container **ret)
{
        _cleanup_free_ char *units = str_printf("%s" HOST_UNITS, l->root), *unit = NULL;
        bool of_host;
        int r;

        if (units)
                unit = str_printf("%s/container@%s.service", units, name);
        if (!unit)
                return -ENOMEM;
        of_host = fs_exists(unit);
        r = with_conf(l, name, of_host ? units : l->units, l->legacy, ret);
        if (r == 0)
                r = with_conf(l, name, of_host ? units : l->units, !l->legacy, ret);
        /* Its settings may be in the unit alone. */
        if (r == 0 && of_host)
                r = container_new(l, name, units, l->legacy, ret) < 0 ? -ENOMEM : 1;
        if (r > 0)
                (*ret)->origin = of_host ? EC_ORIGIN_HOST : EC_ORIGIN_NIXOS_CONTAINER;
        return r;
}

static int find(void *data, const char *name, struct ec_container **ret, struct ec_err *err)
{
        const struct layout *l = data;
        int r;

        if (!container_name_possible(name))
                return 0;
        r = container_installed(l, name, ret, err);
        if (r != -ENOENT)
                return r < 0 ? r : 1;
        err_done(err);
        r = find_other(l, name, ret);
        return r < 0 ? err_oom(err) : r;
}

int containers_of_host(const struct layout *l, struct container_list *ret, struct ec_err *err)
{
        _cleanup_free_ char *host = str_printf("%s" HOST_UNITS, l->root);
        _cleanup_strv_ char **names = NULL;
        int r = host ? add_units(host, &names, err) : err_oom(err);

        if (r >= 0)
                r = add_units(l->units, &names, err);
        for (char **d = l->units_also; r >= 0 && d && *d; d++)
                r = add_units(*d, &names, err);
        if (r >= 0)
                r = add_confs(l->conf, &names, err);
        if (r >= 0)
                r = add_confs(l->conf_legacy, &names, err);
        return r < 0 ? r : container_list_fill(ret, STRV_CONST(names), find, (void *)l, err);
}

/* ---- chosen by the user -------------------------------------------------- */

static int add_name(const struct container_list *all, char ***names, struct ec_err *err)
{
        for (size_t i = 0; i < all->n; i++)
                if (strv_push(names, all->items[i]->name) < 0)
                        return err_oom(err);
        return 0;
}

static int unknown(const struct layout *l, const char *name, struct ec_err *err)
{
        _cleanup_(container_list_done) struct container_list all = { 0 };
        _cleanup_strv_ char **names = NULL;
        const char *near;
        int r = containers_of_host(l, &all, err);

        if (r >= 0)
                r = add_name(&all, &names, err);
        if (r < 0)
                return r;
        near = str_nearest(name, STRV_CONST(names));
        return near ? err_set(err, -ENOENT, "no container named '%s' is installed; did you mean '%s'?", name, near)
                    : err_set(err, -ENOENT, "no container named '%s' is installed", name);
}

int container_of_host(const struct layout *l, const char *name, struct ec_container **ret, struct ec_err *err)
{
        int r = container_name_possible(name) ? 0 : container_name_check(name, err);

        if (r >= 0)
                r = find((void *)l, name, ret, err);
        return r == 0 ? unknown(l, name, err) : r < 0 ? r : 0;
}

static bool is_pattern(const char *s)
{
        return strpbrk(s, "*?[") != NULL;
}

static int add_matches(const struct container_list *all, const char *pattern, uint32_t flags, char ***names,
                       struct ec_err *err)
{
        bool any = false;

        for (size_t i = 0; i < all->n; i++) {
                const struct ec_container *c = all->items[i];

                if ((!(flags & EC_SELECT_HOST) && c->origin != EC_ORIGIN_PROGRAM) || fnmatch(pattern, c->name, 0))
                        continue;
                any = true;
                if (strv_push(names, c->name) < 0)
                        return err_oom(err);
        }
        return any || flags & EC_SELECT_ALL ? 0 : err_set(err, -ENOENT, "no container matches '%s'", pattern);
}

static int find_chosen(void *data, const char *name, struct ec_container **ret, struct ec_err *err)
{
        int r = container_of_host(data, name, ret, err);

        return r < 0 ? r : 1;
}

static int find_installed(void *data, const char *name, struct ec_container **ret, struct ec_err *err)
{
        int r = containers_find(data, name, ret, err);

        return r < 0 ? r : 1;
}

int containers_select(const struct layout *l, const char *const *patterns, uint32_t flags, struct container_list *ret,
                      struct ec_err *err)
{
        static const char *const everything[] = { "*", NULL };
        _cleanup_(container_list_done) struct container_list all = { 0 };
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        if (flags & EC_SELECT_ALL && *patterns)
                return err_usage(err, "--all takes no names");
        for (const char *const *p = flags & EC_SELECT_ALL ? everything : patterns; *p && r >= 0; p++) {
                if (is_pattern(*p) && !all.items)
                        r = containers_of_host(l, &all, err);
                if (r >= 0 && is_pattern(*p))
                        r = add_matches(&all, *p, flags, &names, err);
                else if (r >= 0)
                        r = strv_push(&names, *p) < 0 ? err_oom(err) : 0;
        }
        if (r < 0)
                return r;
        return container_list_fill(ret, STRV_CONST(names), flags & EC_SELECT_HOST ? find_chosen : find_installed,
                                   (void *)l, err);
}
