/* SPDX-License-Identifier: MIT */
#include "model/deploy/compare.h"

#include <string.h>

#include "model/deploy/deployment.h"
#include "model/deploy/same_unit.h"
#include "model/operation/layout.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define SYSTEM_PATH "SYSTEM_PATH"
#define AUTO_START  "AUTO_START"

/* Are the settings of a also those of b, apart from the system and whether it starts at boot? */
static bool has_values(const struct ec_container *a, const struct ec_container *b)
{
        for (char **e = a->conf; e && *e; e++) {
                size_t n = strcspn(*e, "=");
                _cleanup_free_ char *key = strndup(*e, n);
                const char *v = key ? container_conf_get(b, key) : NULL;

                if (!key)
                        return false;
                if (strcmp(key, AUTO_START) && (!v || (strcmp(key, SYSTEM_PATH) && strcmp(v, *e + n + 1))))
                        return false;
        }
        return true;
}

/* What a container that runs with the installed unit and settings needs: nothing for a change of its start at boot. */
static uint32_t need_of(const struct ec_container *c, const char *unit, const char *conf, bool *ret_boot_only)
{
        struct ec_container old = { .name = c->name, .conf_target = (char *)conf };
        const char *x = container_conf_get(c, SYSTEM_PATH), *y = container_conf_get(&old, SYSTEM_PATH);
        /* The unit, if a run was killed when it had changed only the settings. */
        bool toggled = !container_conf_get(c, AUTO_START) != !container_conf_get(&old, AUTO_START) ||
                       unit_installs(unit) != unit_installs(c->unit_target);
        bool same = has_values(c, &old) && has_values(&old, c) && same_unit(unit, c->unit_target, toggled);
        bool boot_only = same && toggled && (x && y ? !strcmp(x, y) : x == y);

        same = boot_only || (same && x && y);
        strv_free(old.conf);
        *ret_boot_only = boot_only;
        return same ? EC_CHANGE_UPDATE : EC_CHANGE_RESTART;
}

/* The target of a link that this program made; *ret NULL: there is no such link. */
static int read_own(const struct ec_container *c, const char *path, char **ret, struct ec_err *err)
{
        int r = container_store_link(path, ret);

        if (r >= 0 || r == -ENOENT)
                return 0;
        if (r == -EINVAL)
                return err_set(err, -EEXIST,
                               "container '%s' already exists and was not installed by this program: "
                               "%s is not a link into the store",
                               c->name, path);
        return err_set(err, r, "cannot read %s: %s", path, strerror(-r));
}

/* Looks for its unit in the places of earlier installations. */
static int find_elsewhere(const struct layout *l, struct change *ch, char **ret_target, struct ec_err *err)
{
        struct ec_container *old;
        int r = container_installed(l, ch->c->name, &old, NULL);

        if (r < 0)
                return r == -ENOMEM ? err_oom(err) : 0;
        ch->old_unit_path = TAKE_PTR(old->unit_path);
        ch->old_wants_path = TAKE_PTR(old->wants_path);
        *ret_target = TAKE_PTR(old->unit_target);
        container_free(old);
        return 0;
}

static int read_conf(const struct layout *l, struct change *ch, char **ret_target, struct ec_err *err)
{
        const struct ec_container *c = ch->c;
        _cleanup_free_ char *other = conf_file_path(l, c->name, !c->legacy);
        int r = other ? read_own(c, c->conf_path, ret_target, err) : err_oom(err);

        if (r < 0 || *ret_target)
                return r;
        /* It may have been made for the other layout. A file of another program there is left alone. */
        if (container_store_link(other, ret_target) >= 0)
                ch->old_conf_path = TAKE_PTR(other);
        return 0;
}

static int compare(const struct layout *l, struct change *ch, struct ec_err *err)
{
        struct ec_container *c = ch->c;
        _cleanup_free_ char *unit = NULL, *conf = NULL;
        int r;

        if (container_is_declarative(l, c->name))
                return err_set(err, -EEXIST, "container '%s' is part of the host's own configuration", c->name);
        r = read_own(c, c->unit_path, &unit, err);
        if (r >= 0 && !unit)
                r = find_elsewhere(l, ch, &unit, err);
        if (r >= 0)
                r = read_conf(l, ch, &conf, err);
        if (r < 0)
                return r;
        ch->wants_differs = fs_exists(ch->old_wants_path ? ch->old_wants_path : c->wants_path) != c->auto_start;
        ch->unit_differs = !unit || ch->old_unit_path || ch->wants_differs || !same_file(unit, c->unit_target);

        if (!unit)
                c->change = EC_CHANGE_NEW;
        else if (conf && !ch->old_conf_path && same_file(conf, c->conf_target) && same_file(unit, c->unit_target))
                c->change = EC_CHANGE_NONE;
        else if (conf && !ch->old_conf_path)
                c->change = need_of(c, unit, conf, &ch->boot_only);
        else
                c->change = EC_CHANGE_RESTART;
        /* Autostart links are next to the unit, so a unit in an older place has to move. */
        if (c->change == EC_CHANGE_NONE && ch->wants_differs && ch->old_unit_path)
                c->change = EC_CHANGE_UPDATE;
        return 0;
}

int compare_all(const struct layout *l, struct deployment *d, struct ec_err *err)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < d->list.n; i++)
                r = compare(l, &d->changes[i], err);
        return r;
}
