/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "network.h"

void addresses_done(struct addresses *a)
{
        free(a->host4);
        free(a->local4);
        free(a->host6);
        free(a->local6);
        *a = (struct addresses){ 0 };
}

static int set_address(char **to, const char *value)
{
        char *copy;

        if (!value || !*value)
                return 0;
        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        free(*to);
        *to = copy;
        return 0;
}

static void strip(char *address)
{
        if (address)
                address[strcspn(address, "/")] = 0;
}

void addresses_strip(struct addresses *a)
{
        strip(a->host4);
        strip(a->local4);
        strip(a->host6);
        strip(a->local6);
}

static int set_key(struct addresses *a, const char *key, const char *value)
{
        if (!strcmp(key, "HOST_ADDRESS"))
                return set_address(&a->host4, value);
        if (!strcmp(key, "LOCAL_ADDRESS"))
                return set_address(&a->local4, value);
        if (!strcmp(key, "HOST_ADDRESS6"))
                return set_address(&a->host6, value);
        if (!strcmp(key, "LOCAL_ADDRESS6"))
                return set_address(&a->local6, value);
        if (!strcmp(key, "PRIVATE_NETWORK"))
                a->private_network = value && !strcmp(value, "1");
        if (!strcmp(key, "HOST_BRIDGE"))
                a->bridge = value && *value;
        return 0;
}

int addresses_of(const struct ec_host *h, const struct ec_container *c, struct addresses *ret, struct ec_err *err)
{
        static const char *const keys[] = { "HOST_ADDRESS",   "LOCAL_ADDRESS",   "HOST_ADDRESS6",
                                            "LOCAL_ADDRESS6", "PRIVATE_NETWORK", "HOST_BRIDGE" };
        struct addresses a = { 0 };

        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
                if (set_key(&a, keys[i], h->containers->conf_get(c, keys[i])) < 0) {
                        addresses_done(&a);
                        return no_memory(h, err);
                }
        addresses_strip(&a);
        *ret = a;
        return 0;
}

static int read_file(const struct ec_host *h, const char *name, struct addresses *ret, struct ec_err *err)
{
        const char *dir = h->conf->path(h, "conf");
        _cleanup_free_ char *path = NULL, *line = NULL;
        struct addresses a = { 0 };
        size_t size = 0;
        ssize_t len;
        FILE *f;
        int r = 0;

        if (asprintf(&path, "%s/%s.conf", dir, name) < 0) {
                path = NULL;
                return no_memory(h, err);
        }
        f = fopen(path, "re");
        /* Gone meanwhile, or a link whose store path is. */
        if (!f)
                return errno == ENOENT || errno == ENOTDIR ? 0
                                                           : h->err->set(err, -errno, "%s: %s", path, strerror(errno));
        while (r >= 0 && (len = getline(&line, &size, f)) >= 0) {
                char *value = strchr(line, '=');

                if (!value || *line == '#')
                        continue;
                line[strcspn(line, "\n")] = 0;
                *value++ = 0;
                r = set_key(&a, line, value);
        }
        if (r >= 0 && ferror(f))
                r = -EIO;
        fclose(f);
        if (r < 0) {
                addresses_done(&a);
                return r == -ENOMEM ? no_memory(h, err) : h->err->set(err, r, "%s: %s", path, strerror(-r));
        }
        *ret = a;
        return 1;
}

static int name_valid(const char *s, size_t len)
{
        return len > 0 && len < 64 &&
               strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") >= len;
}

int addresses_read(const struct ec_host *h, const char *name, struct addresses *ret, struct ec_err *err)
{
        int r = name_valid(name, strlen(name)) ? read_file(h, name, ret, err) : 0;

        if (r > 0)
                addresses_strip(ret);
        return r;
}

static int is_conf(const struct dirent *e)
{
        size_t len = strlen(e->d_name);

        return len > 5 && !strcmp(e->d_name + len - 5, ".conf") && name_valid(e->d_name, len - 5);
}

int addresses_foreach(const struct ec_host *h, int (*fn)(void *data, const char *name, const struct addresses *a),
                      void *data, struct ec_err *err)
{
        const char *dir = h->conf->path(h, "conf");
        struct dirent **names;
        int n = scandir(dir, &names, is_conf, alphasort), r = 0;

        if (n < 0)
                return errno == ENOENT ? 0 : h->err->set(err, -errno, "%s: %s", dir, strerror(errno));
        for (int i = 0; i < n; i++) {
                struct addresses a = { 0 };

                names[i]->d_name[strlen(names[i]->d_name) - 5] = 0;
                if (!r) {
                        r = read_file(h, names[i]->d_name, &a, err);
                        if (r > 0)
                                r = fn(data, names[i]->d_name, &a);
                }
                addresses_done(&a);
                free(names[i]);
        }
        free(names);
        return r;
}
