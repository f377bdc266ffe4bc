/* SPDX-License-Identifier: MIT */
#include "model/deploy/compare.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "model/deploy/deployment.h"
#include "model/operation/layout.h"
#include "svc/nix/store.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define TEXT_MAX    (4 * 1024 * 1024)
#define SYSTEM_PATH "SYSTEM_PATH"

/* Directories that all containers are compared in. */
struct dirs {
        const struct layout *layout;
        int units, conf, conf_legacy;
};

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

static int not_ours(const char *name, const char *path, struct ec_err *err)
{
        return err_set(err, -EEXIST,
                       "container '%s' already exists and was not installed by this program: "
                       "%s is not a link into the store",
                       name, path);
}

/* The target of a link that this program made; *ret NULL: there is no such link. */
static int read_own(int fd, const char *file, const struct ec_container *c, const char *path, char **ret,
                    struct ec_err *err)
{
        _cleanup_free_ char *target = NULL;
        int r = fd < 0 ? -ENOENT : fs_readlinkat(fd, file, &target);

        *ret = NULL;
        if (r == -ENOENT)
                return 0;
        if (r == -EINVAL || (r >= 0 && !nix_is_store_path(target)))
                return not_ours(c->name, path, err);
        if (r < 0)
                return err_set(err, r, "cannot read %s: %s", path, strerror(-r));
        *ret = TAKE_PTR(target);
        return 0;
}

/* Looks for its unit in the places of earlier installations. */
static int find_elsewhere(const struct layout *l, struct change *ch, char **ret_target, struct ec_err *err)
{
        for (char **d = l->units_also; d && *d; d++) {
                _cleanup_free_ char *path = fs_join(*d, ch->c->unit), *target = NULL;

                if (!path)
                        return err_oom(err);
                if (fs_readlinkat(AT_FDCWD, path, &target) < 0 || !nix_is_store_path(target))
                        continue;
                ch->old_wants_path = str_printf("%s/machines.target.wants/%s", *d, ch->c->unit);
                if (!ch->old_wants_path)
                        return err_oom(err);
                ch->old_unit_path = TAKE_PTR(path);
                *ret_target = TAKE_PTR(target);
                return 0;
        }
        return 0;
}

static int read_conf(const struct dirs *d, struct change *ch, char **ret_target, struct ec_err *err)
{
        const struct ec_container *c = ch->c;
        char file[NAME_MAX + 1];
        const char *other = c->legacy ? d->layout->conf : d->layout->conf_legacy;
        int r;

        snprintf(file, sizeof(file), "%s.conf", c->name);
        r = read_own(c->legacy ? d->conf_legacy : d->conf, file, c, c->conf_path, ret_target, err);
        if (r < 0 || *ret_target)
                return r;
        /* It may have been made for the other layout. A file of another program there is left alone. */
        if (fs_readlinkat(c->legacy ? d->conf : d->conf_legacy, file, ret_target) < 0)
                return 0;
        if (!nix_is_store_path(*ret_target)) {
                free(*ret_target);
                *ret_target = NULL;
                return 0;
        }
        ch->old_conf_path = fs_join(other, file);
        return ch->old_conf_path ? 0 : err_oom(err);
}

static int compare(const struct dirs *d, struct change *ch, struct ec_err *err)
{
        struct ec_container *c = ch->c;
        _cleanup_free_ char *unit = NULL, *conf = NULL;
        const char *wants = ch->c->wants_path + strlen(d->layout->units) + 1;
        bool wanted;
        int r;

        if (container_is_declarative(d->layout, c->name))
                return err_set(err, -EEXIST, "container '%s' is part of the host's own configuration", c->name);
        r = read_own(d->units, c->unit, c, c->unit_path, &unit, err);
        if (r >= 0 && !unit)
                r = find_elsewhere(d->layout, ch, &unit, err);
        if (r >= 0)
                r = read_conf(d, ch, &conf, err);
        if (r < 0)
                return r;
        if (ch->old_wants_path)
                wanted = !access(ch->old_wants_path, F_OK);
        else
                wanted = d->units >= 0 && !faccessat(d->units, wants, F_OK, AT_SYMLINK_NOFOLLOW);
        ch->wants_differs = wanted != c->auto_start;
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

static int open_dir(const char *path, int *ret, struct ec_err *err)
{
        *ret = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (*ret < 0 && errno != ENOENT)
                return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
        return 0;
}

int compare_all(const struct layout *l, struct deployment *d, struct ec_err *err)
{
        _cleanup_close_ int units = -1, conf = -1, conf_legacy = -1;
        int r = open_dir(l->units, &units, err);

        if (r >= 0)
                r = open_dir(l->conf, &conf, err);
        if (r >= 0)
                r = open_dir(l->conf_legacy, &conf_legacy, err);
        for (size_t i = 0; r >= 0 && i < d->list.n; i++)
                r = compare(&(struct dirs){ l, units, conf, conf_legacy }, &d->changes[i], err);
        return r;
}
