/* SPDX-License-Identifier: MIT */
#include "model/deploy/compare.h"

#include <string.h>

#include "model/deploy/deployment.h"
#include "model/operation/layout.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define TEXT_MAX    ((size_t)4 << 20)
#define SYSTEM_PATH "SYSTEM_PATH"

static bool same_file(const char *a, const char *b)
{
        _cleanup_free_ char *x = NULL, *y = NULL;

        if (!strcmp(a, b))
                return true;
        x = realpath(a, NULL);
        y = realpath(b, NULL);
        return x && y && !strcmp(x, y);
}

/* The next line that systemd reads: it ignores keys that begin with X-. */
static const char *next_line(const char **text, size_t *ret_len)
{
        while (**text) {
                const char *line = *text;
                size_t len = strcspn(line, "\n");

                *text = line + len + (line[len] == '\n');
                if (!strncmp(line, "X-", 2))
                        continue;
                *ret_len = len;
                return line;
        }
        return NULL;
}

/* Units of NixOS name the container's system in X-Restart-Triggers, which does not make them different. */
static bool same_unit(const char *a, const char *b)
{
        _cleanup_free_ char *x = NULL, *y = NULL;
        const char *p, *q, *k, *l;
        size_t n, m;

        if (same_file(a, b))
                return true;
        if (fs_read(a, TEXT_MAX, &x, NULL) < 0 || fs_read(b, TEXT_MAX, &y, NULL) < 0)
                return false;
        p = x;
        q = y;
        do {
                k = next_line(&p, &n);
                l = next_line(&q, &m);
                if (!k || !l)
                        return !k && !l;
        } while (n == m && !memcmp(k, l, n));
        return false;
}

static bool same_values(const struct ec_container *a, const struct ec_container *b)
{
        for (char **e = a->conf; e && *e; e++) {
                size_t n = strcspn(*e, "=");
                _cleanup_free_ char *key = strndup(*e, n);
                const char *v = key ? container_conf_get(b, key) : NULL;

                if (!v)
                        return false;
                if (strcmp(key, SYSTEM_PATH) && strcmp(v, *e + n + 1))
                        return false;
        }
        return strv_len(STRV_CONST(a->conf)) == strv_len(STRV_CONST(b->conf));
}

/* Are the settings equal except for the system? */
static bool same_conf(const struct ec_container *c, const char *old_target)
{
        struct ec_container old = { .name = c->name, .conf_target = (char *)old_target };
        bool same = container_conf_get(c, SYSTEM_PATH) && container_conf_get(&old, SYSTEM_PATH) && same_values(c, &old);

        strv_free(old.conf);
        return same;
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
        else if (conf && !ch->old_conf_path && same_unit(unit, c->unit_target) && same_conf(c, conf))
                c->change = EC_CHANGE_UPDATE;
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
