/* SPDX-License-Identifier: MIT */
#include "model/deploy/stale.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/operation/layout.h"
#include "svc/process/proc.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

#define RANDOM_DIGITS 16

void stale_done(struct stale *l)
{
        for (size_t i = 0; i < ARRAY_SIZE(l->ports); i++)
                free(l->ports[i]);
        strv_free(l->copies);
}

/* ---- copies of ephemeral roots ---- */

/* .#machine.NAME and random digits, and its lock, which has .# before and .lck after that. */
static bool is_copy(const char *file, const char *name)
{
        const char *copy = str_after(file, ".#.#machine."), *digits;
        bool lock = copy;

        if (!copy)
                copy = str_after(file, ".#machine.");
        digits = copy ? str_after(copy, name) : NULL;
        return digits && strspn(digits, "0123456789abcdef") == RANDOM_DIGITS &&
               !strcmp(digits + RANDOM_DIGITS, lock ? ".lck" : "");
}

static void list_copies_in(struct stale *l, const char *path)
{
        _cleanup_closedir_ DIR *dir = opendir(path);

        for (struct dirent *e; dir && (e = readdir(dir));)
                if (str_after(e->d_name, ".#"))
                        (void)strv_pushf(&l->copies, "%s/%s", path, e->d_name);
}

static void list_copies(struct stale *l, const struct layout *layout)
{
        if (l->listed)
                return;
        l->listed = true;
        list_copies_in(l, layout->run);
        list_copies_in(l, layout->run_legacy);
}

static void remove_copies(struct stale *l, const struct ec_container *c)
{
        for (char **path = l->copies; path && *path; path++) {
                _cleanup_err_ struct ec_err err = { 0 };

                if (is_copy(strrchr(*path, '/') + 1, c->name) && fs_remove_tree(*path, &err) < 0)
                        log_warn("container '%s': %s", c->name, err_msg(&err));
        }
}

/* ---- forwarded ports ---- */

static const struct {
        const char *table, *address;
} families[] = { { "ip", "LOCAL_ADDRESS" }, { "ip6", "LOCAL_ADDRESS6" } };

/* What nft prints; NULL if it fails, for example because nothing is forwarded. */
static char *nft(const char *const *argv)
{
        struct ec_proc p = { .size = sizeof(p),
                             .argv = argv,
                             .flags = EC_PROC_CAPTURE | EC_PROC_CAPTURE_ERR | EC_PROC_NULL_STDIN | EC_PROC_NO_CANCEL };
        _cleanup_proc_result_ struct ec_proc_result result = { .size = sizeof(result) };
        _cleanup_err_ struct ec_err e = { 0 };

        return proc_run(&p, &result, &e) < 0 || result.status ? NULL : TAKE_PTR(result.out);
}

static void read_ports(struct stale *l, size_t family)
{
        const char *argv[] = { "nft", "-n", "list", "map", families[family].table, "io.systemd.nat", "map_port_ipport",
                               NULL };

        if (!l->ports[family])
                l->ports[family] = nft(argv);
        if (!l->ports[family])
                l->ports[family] = strdup("");
}

/* An element is `tcp . 8080 : 10.0.0.2 . 80`. */
static void remove_ports(struct stale *l, const struct ec_container *c, size_t family)
{
        const char *address = container_conf_get(c, families[family].address);
        _cleanup_free_ char *to = NULL;
        _cleanup_strv_ char **elements = NULL;

        if (!address || !*address)
                return;
        to = str_printf(" : %.*s . ", (int)strcspn(address, "/"), address);
        elements = l->ports[family] ? strv_split(l->ports[family], "{},\n\t") : NULL;
        for (char **e = elements; to && e && *e; e++) {
                const char *argv[] = {
                        "nft", "delete", "element", families[family].table, "io.systemd.nat", "map_port_ipport", "{",
                        *e,    "}",      NULL
                };
                _cleanup_free_ char *out = NULL;

                if (!strstr(*e, to))
                        continue;
                log_info("removing a forwarded port of container '%s', which does not run: %s", c->name, *e);
                out = nft(argv);
        }
}

void stale_read(struct stale *l, const struct layout *layout, const struct ec_container *c)
{
        list_copies(l, layout);
        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
                const char *address = container_conf_get(c, families[i].address);

                if (address && *address)
                        read_ports(l, i);
        }
}

void stale_clear(struct stale *l, const struct layout *layout, const struct ec_container *c)
{
        stale_read(l, layout, c);
        remove_copies(l, c);
        for (size_t i = 0; i < ARRAY_SIZE(families); i++)
                remove_ports(l, c, i);
}
