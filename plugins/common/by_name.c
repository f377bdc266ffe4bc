/* SPDX-License-Identifier: MIT */
/* Phases on containers that the arguments of a command choose. */
#include "common.h"

#include <string.h>

static int select_containers(const struct ec_host *h, struct ec_op *op, const struct ec_container *const **ret,
                             struct ec_err *err)
{
        const char *const *args = h->opt->args(op);
        int all = h->opt->is_set(op, "all");

        if (!*args && !all)
                return h->err->usage(err, "%s needs the name of a container, or --all", h->opt->command(op));
        for (size_t i = 0; args[i]; i++)
                if (strpbrk(args[i], "/#") || str_ends(args[i], ".nix"))
                        return h->err->usage(err,
                                             "%s needs names of installed containers; to install and start what a "
                                             "definition defines, use: create --start %s",
                                             h->opt->command(op), args[i]);
        return h->containers->select(op, args, EC_SELECT_HOST | (all ? EC_SELECT_ALL : 0), ret, err);
}

static int add_up(void *data, const char *unit, const char *active, const char *sub)
{
        (void)sub;
        return strcmp(active, "inactive") && strcmp(active, "failed") ? strv_push(data, unit) : 0;
}

/* The units that are up or about to be. */
static int read_up(const struct ec_host *h, struct ec_op *op, char ***ret, struct ec_err *err)
{
        int r = h->systemd->states(op, "container@*.service", add_up, ret, err);

        return r == -ENOMEM ? no_memory(h, err) : r;
}

/* Of all containers, only those for which there is something to do. */
static int choose(const struct ec_host *h, struct ec_op *op, int up, char ***ret, struct ec_err *err)
{
        const struct ec_container *const *c;
        _cleanup_strv_ char **units = NULL;
        int r = select_containers(h, op, &c, err);

        if (r >= 0 && h->opt->is_set(op, "all"))
                r = read_up(h, op, &units, err);
        for (; r >= 0 && *c; c++) {
                if (h->opt->is_set(op, "all") && strv_contains(STRV_CONST(units), h->containers->unit(*c)) != up)
                        continue;
                if (strv_push(ret, h->containers->name(*c)) < 0)
                        r = no_memory(h, err);
        }
        return r < 0 ? r : 0;
}

int by_name(const struct ec_host *h, struct ec_op *op, phase_by_name *phase, uint32_t flags, int up, struct ec_err *err)
{
        _cleanup_strv_ char **names = NULL;
        int r = choose(h, op, up, &names, err);

        if (r >= 0 && names)
                r = phase(op, STRV_CONST(names), flags, err);
        return r < 0 ? r : 0;
}
