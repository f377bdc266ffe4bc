/* SPDX-License-Identifier: MIT */
/*
 * The evaluation decides which container gets which network, because only it
 * knows the names: address.nix picks a slot by name. This file tells it which
 * slots are taken, and by which installed containers.
 */
#include "network.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#define PARTITIONS 32 /* as in address.nix */
#define RANGE4     "a range of addresses with 8 to 30 bits, like 10.236.0.0/16"
#define RANGE6     "a range of addresses with 48 to 64 bits, like fd65:7863:6e74::/48"

void partition_release(struct network *n)
{
        if (n->partition >= 0)
                close(n->partition);
        n->partition = -1;
}

int partition_take(struct network *n, unsigned *ret_partition, struct ec_err *err)
{
        const struct ec_host *h = n->host;
        _cleanup_free_ char *dir = state_path(h, "");

        if (!dir)
                return no_memory(h, err);
        *ret_partition = 0;
        /* Only root installs, so only root can collide. */
        if (n->partition >= 0 || geteuid() != 0)
                return 0;
        fs_mkdir_p(dir, 0700);
        for (unsigned i = 0; i < PARTITIONS; i++) {
                _cleanup_free_ char *name = str_printf(".partition-%u", i), *path = name ? state_path(h, name) : NULL;
                int fd;

                if (!path)
                        return no_memory(h, err);
                fd = fs_open_regular(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
                if (fd < 0)
                        break;
                if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
                        n->partition = fd;
                        *ret_partition = i;
                        return 0;
                }
                close(fd);
        }
        /* No partition is free: allocation_check() still keeps addresses apart. */
        return 0;
}

/* ---- JSON ---- */

struct family {
        struct range range;
        FILE *to;
        int first;
};

/* The interface is VE followed by dev. */
static void put_taken(struct family *f, const struct prefix *p, const char *ve, const char *dev)
{
        uint32_t from, to;

        if (!range_covered(&f->range, p, &from, &to))
                return;
        fprintf(f->to, "%s[%u,%u", f->first ? "" : ",", from, to);
        /* Other names may need escaping in JSON; only those of containers matter. */
        if (strspn(dev, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == strlen(dev))
                fprintf(f->to, ",\"%s%s\"", ve, dev);
        fputc(']', f->to);
        f->first = 0;
}

static int put_conf(void *data, const char *name, const struct addresses *a)
{
        struct family *f = data;
        int family = f->range.prefix.family;
        char *const *all = &a->all[family == AF_INET ? 0 : 2];
        struct prefix p;

        /* With the interface, because a container may keep its own addresses. */
        for (size_t i = 0; i < 2; i++)
                if (all[i] && prefix_parse(all[i], family, &p) >= 0)
                        put_taken(f, &p, "ve-", name);
        return 0;
}

static int put_assigned(void *data, const char *name, const struct addresses *a)
{
        struct family *f = data;
        char *const *all = &a->all[f->range.prefix.family == AF_INET ? 0 : 2];
        int64_t slot = range_slot_of(&f->range, all[0], all[1]);

        if (slot < 0)
                return 0;
        fprintf(f->to, "%s\"%s\":%lld", f->first ? "" : ",", name, (long long)slot);
        f->first = 0;
        return 0;
}

static void put_base(struct family *f)
{
        const uint8_t *a = f->range.prefix.addr;

        if (f->range.prefix.family == AF_INET)
                fprintf(f->to, "\"base\":%u", (unsigned)a[0] << 24 | a[1] << 16 | a[2] << 8 | a[3]);
        else
                fprintf(f->to, "\"head\":\"%x:%x:%x\",\"base\":%u", a[0] << 8 | a[1], a[2] << 8 | a[3],
                        a[4] << 8 | a[5], (unsigned)a[6] << 8 | a[7]);
}

static int get_range(const struct ec_host *h, int family, struct range *ret, const char **ret_text, struct ec_err *err)
{
        const char *key = family == AF_INET ? "range" : "range6", *text = h->conf->get(h, key);
        int r = range_parse(text ? text : "", family, ret);

        *ret_text = text;
        return r < 0 ? h->conf->refuse(h, key, family == AF_INET ? RANGE4 : RANGE6, err) : 0;
}

static int put_family(const struct ec_host *h, int family, FILE *to, struct ec_err *err)
{
        struct family f = { .to = to, .first = 1 };
        _cleanup_(routes_done) struct routes routes = { 0 };
        const char *text;
        int r = get_range(h, family, &f.range, &text, err);

        if (r >= 0)
                r = routes_read(h, family, &routes, err);
        if (r < 0)
                return r;
        fprintf(to, ",\"v%d\":{\"range\":\"%s\",\"slots\":%u,", family == AF_INET ? 4 : 6, text, f.range.slots);
        put_base(&f);
        fputs(",\"taken\":[", to);
        for (size_t i = 0; i < routes.n; i++)
                put_taken(&f, &routes.items[i].to, "", routes.items[i].dev);
        r = addresses_foreach(h, put_conf, &f, err);
        fputs("],\"assigned\":{", to);
        f.first = 1;
        if (r >= 0)
                r = addresses_foreach(h, put_assigned, &f, err);
        fputs("}}", to);
        return r;
}

static int get_firewall(const struct ec_host *h, const char **ret, struct ec_err *err)
{
        int64_t connections = h->conf->get_int(h, "connections");
        const char *firewall = h->conf->get(h, "firewall");

        if (!firewall || (strcmp(firewall, "auto") && strcmp(firewall, "nft") && strcmp(firewall, "iptables")))
                return h->conf->refuse(h, "firewall", "auto, nft or iptables", err);
        if (connections < 0 || connections > UINT32_MAX)
                return h->conf->refuse(h, "connections", "a number from 0 to 4294967295", err);
        *ret = firewall;
        return 0;
}

int allocation_settings(const struct ec_host *h, struct ec_err *err)
{
        const char *text;
        struct range range;
        int r = get_firewall(h, &text, err);

        if (r >= 0)
                r = get_range(h, AF_INET, &range, &text, err);
        return r < 0 ? r : get_range(h, AF_INET6, &range, &text, err);
}

int allocation(struct network *n, unsigned partition, char **ret, struct ec_err *err)
{
        const struct ec_host *h = n->host;
        const char *firewall;
        _cleanup_free_ char *text = NULL;
        size_t len;
        FILE *to;
        int r = get_firewall(h, &firewall, err);

        if (r < 0)
                return r;
        to = open_memstream(&text, &len);
        if (!to)
                return no_memory(h, err);
        fprintf(to, "{\"firewall\":\"%s\",\"connections\":%lld,\"partition\":%u", firewall,
                (long long)h->conf->get_int(h, "connections"), partition);
        r = put_family(h, AF_INET, to, err);
        if (r >= 0)
                r = put_family(h, AF_INET6, to, err);
        fputc('}', to);
        if (fclose(to) != 0 && r >= 0)
                r = no_memory(h, err);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(text);
        return 0;
}

int allocation_is_picked(struct network *n, const struct addresses *a, struct ec_err *err)
{
        struct range r4, r6;
        const char *text;
        int r = get_range(n->host, AF_INET, &r4, &text, err);

        if (r >= 0)
                r = get_range(n->host, AF_INET6, &r6, &text, err);
        if (r < 0)
                return r;
        return range_slot_of(&r4, a->host4, a->local4) >= 0 || range_slot_of(&r6, a->host6, a->local6) >= 0;
}
