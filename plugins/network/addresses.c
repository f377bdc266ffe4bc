/* SPDX-License-Identifier: MIT */
#include "network.h"

#include <string.h>

#define CONF_MAX (1 << 20)

/* The keys of the strings, in their order in struct addresses, and of the rest. */
static const char *const keys[] = { "HOST_ADDRESS", "LOCAL_ADDRESS", "HOST_ADDRESS6",  "LOCAL_ADDRESS6",
                                    "HOST_BRIDGE",  "HOST_PORT",     "PRIVATE_NETWORK" };

void addresses_done(struct addresses *a)
{
        for (size_t i = 0; i < ARRAY_SIZE(a->all); i++)
                free(a->all[i]);
        *a = (struct addresses){ 0 };
}

/* Removes the masks. */
static void strip(struct addresses *a)
{
        for (size_t i = 0; i < 4; i++)
                if (a->all[i])
                        a->all[i][strcspn(a->all[i], "/")] = 0;
}

static int set_key(struct addresses *a, const char *key, const char *value)
{
        if (!strcmp(key, "PRIVATE_NETWORK"))
                a->private_network = !strcmp(value, "1");
        for (size_t i = 0; i < ARRAY_SIZE(a->all) && *value; i++)
                if (!strcmp(key, keys[i])) {
                        free(a->all[i]);
                        a->all[i] = strdup(value);
                        return a->all[i] ? 0 : -ENOMEM;
                }
        return 0;
}

int addresses_of(const struct ec_host *h, const struct ec_container *c, struct addresses *ret, struct ec_err *err)
{
        _cleanup_(addresses_done) struct addresses a = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (set_key(&a, keys[i], h->containers->conf_get(c, keys[i]) ?: "") < 0)
                        return no_memory(h, err);
        strip(&a);
        *ret = a;
        a = (struct addresses){ 0 };
        return 0;
}

int addresses_parse(const char *text, struct addresses *ret)
{
        _cleanup_strv_ char **lines = strv_split(text, "\n");
        _cleanup_(addresses_done) struct addresses a = { 0 };

        if (!lines)
                return -ENOMEM;
        for (char **l = lines; *l; l++) {
                char *value = strchr(*l, '=');

                if (!value || **l == '#')
                        continue;
                *value++ = 0;
                if (set_key(&a, *l, value) < 0)
                        return -ENOMEM;
        }
        *ret = a;
        a = (struct addresses){ 0 };
        return 0;
}

/* Where containers of this host have their settings, and where those of the other layout do. */
static const char *const places[] = { "conf", "conf-other" };

static int read_file(const struct ec_host *h, const char *place, const char *name, struct addresses *ret,
                     struct ec_err *err)
{
        _cleanup_free_ char *path = str_printf("%s/%s.conf", h->conf->path(h, place), name), *text = NULL;
        int r = path ? fs_read(path, CONF_MAX, &text, NULL) : -ENOMEM;

        /* It was removed meanwhile, or it is a link to a store path that was removed. */
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r < 0 && r != -ENOMEM)
                return h->err->set(err, r, "%s: %s", path, fs_strerror(r));
        return r < 0 || addresses_parse(text, ret) < 0 ? no_memory(h, err) : 1;
}

static int name_valid(const char *s, size_t len)
{
        return len > 0 && len < 64 &&
               strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") >= len;
}

int addresses_read(const struct ec_host *h, const char *name, struct addresses *ret, struct ec_err *err)
{
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(places) && !r && name_valid(name, strlen(name)); i++)
                r = read_file(h, places[i], name, ret, err);
        if (r > 0)
                strip(ret);
        return r;
}

static int is_conf(const struct dirent *e)
{
        return str_ends(e->d_name, ".conf") && name_valid(e->d_name, strlen(e->d_name) - 5);
}

static int foreach_in(const struct ec_host *h, const char *place,
                      int (*fn)(void *data, const char *name, const struct addresses *a), void *data,
                      struct ec_err *err)
{
        const char *dir = h->conf->path(h, place);
        struct dirent **names;
        int n = scandir(dir, &names, is_conf, alphasort), r = 0;

        if (n < 0)
                return errno == ENOENT ? 0 : h->err->set(err, -errno, "%s: %s", dir, strerror(errno));
        for (int i = 0; i < n; i++) {
                struct addresses a = { 0 };

                names[i]->d_name[strlen(names[i]->d_name) - 5] = 0;
                if (!r) {
                        r = read_file(h, place, names[i]->d_name, &a, err);
                        if (r > 0)
                                r = fn(data, names[i]->d_name, &a);
                        if (r == -ENOMEM)
                                no_memory(h, err);
                }
                addresses_done(&a);
                free(names[i]);
        }
        free(names);
        return r;
}

int addresses_foreach(const struct ec_host *h, int (*fn)(void *data, const char *name, const struct addresses *a),
                      void *data, struct ec_err *err)
{
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(places) && !r; i++)
                r = foreach_in(h, places[i], fn, data, err);
        return r;
}
