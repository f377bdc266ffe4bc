/* SPDX-License-Identifier: MIT */
/* Commands that create and remove containers; the program runs the phases. */
#include "create.h"

#include <string.h>

static int run_create(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        uint32_t flags = 0;
        int r;

        if (h->opt->is_set(op, "start"))
                flags |= EC_START_STOPPED | EC_START_UPDATE;
        if (h->opt->is_set(op, "update-changed"))
                flags |= EC_START_UPDATE;
        if (h->opt->is_set(op, "restart-changed"))
                flags |= EC_START_RESTART;
        r = h->deploy->build(op, err);
        if (r >= 0)
                r = h->deploy->install(op, err);
        if (r >= 0)
                r = flags ? h->deploy->start(op, flags, err) : create_tell_outstanding(h, op, err);
        return r < 0 ? r : 0;
}

static int run_build(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        int r = h->deploy->build(op, err);

        if (r < 0)
                return r;
        h->term->out(h, "%s\n", h->deploy->output(op));
        return 0;
}

static int run_restart(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;

        return by_name(h, op, h->deploy->restart, 0, 1, err);
}

/* A path, a flake reference, standard input or an expression; names otherwise. */
static int is_definition(const struct ec_host *h, const struct ec_op *op)
{
        const char *const *args = h->opt->args(op);
        const char *etc;

        if (h->opt->is_set(op, "expr") || h->opt->is_set(op, "attr"))
                return 1;
        if (*args)
                return **args == '.' || **args == '/' || strpbrk(*args, "#:") || !strcmp(*args, "-");
        etc = getenv("EXTRA_CONTAINER_ETC");
        return etc && *etc;
}

/* Names, some of which are patterns. */
static int destroy_by_name(const struct ec_host *h, struct ec_op *op, const char *const *args, struct ec_err *err)
{
        const struct ec_container *const *c;
        _cleanup_strv_ char **names = NULL;
        int patterns = 0, r = 0;

        for (size_t i = 0; args[i]; i++)
                patterns |= strpbrk(args[i], "*?[") != NULL;
        /* A name that is not installed does not keep the others. */
        if (!patterns)
                return h->deploy->destroy(op, args, 0, err);
        r = h->containers->select(op, args, 0, &c, err);
        for (; r >= 0 && *c; c++)
                if (strv_push(&names, h->containers->name(*c)) < 0)
                        r = no_memory(h, err);
        return r < 0 ? r : h->deploy->destroy(op, STRV_CONST(names), 0, err);
}

static int run_destroy(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        const char *const *args = h->opt->args(op);
        int r;

        if (h->opt->is_set(op, "all")) {
                if (*args || h->opt->is_set(op, "expr"))
                        return h->err->usage(err,
                                             "--all destroys every container: it takes no names and no definition");
                r = h->deploy->destroy(op, NULL, EC_DESTROY_ALL, err);
        } else if (is_definition(h, op)) {
                r = h->deploy->destroy(op, NULL, 0, err);
        } else if (*args) {
                r = destroy_by_name(h, op, args, err);
        } else {
                return h->err->usage(err, "destroy needs the name of a container, a definition, or --all");
        }
        return r < 0 ? r : 0;
}

static const struct ec_option create_options[] = {
        { .name = "start",
          .short_name = 's',
          .help = "Start stopped containers; update running containers that have changed" },
        { .name = "update-changed",
          .short_name = 'u',
          .help = "Update running containers that have changed, by switch-to-configuration if nothing but their system "
                  "differs, otherwise by a restart" },
        { .name = "restart-changed", .short_name = 'r', .help = "Restart running containers that have changed" },
};
static const struct ec_option restart_options[] = {
        { .name = "all", .short_name = 'a', .help = "Restart all containers that run" },
};
static const struct ec_option destroy_options[] = {
        { .name = "all", .short_name = 'a', .help = "Destroy all containers that this program installed" },
};

static const struct ec_command commands[] = {
        { .name = "create",
          .alias = "add",
          .synopsis = "[DEFINITION] [NAME...]",
          .summary = "Build and install containers",
          .details =
                  "DEFINITION is a file, a directory with a default.nix, a flake reference (.#web, "
                  "github:owner/repo#web), - or nothing for standard input, or a store path that contains etc/. In a "
                  "directory without default.nix, flake.nix is used. Names after the definition select individual "
                  "containers.\n\n"
                  "Without an option, running containers stay as they are, and those that have changed are named.\n\n"
                  "  extra-container create --start web.nix\n"
                  "  extra-container create web.nix db cache\n"
                  "  extra-container create -s -E '{ containers.demo.config = { }; }'",
          .scopes = EC_SCOPE_BUILD | EC_SCOPE_INSTALL | EC_SCOPE_START,
          .flags = EC_CMD_ROOT | EC_CMD_DEFINITION,
          .options = EC_ARRAY(create_options),
          .run = run_create },
        { .name = "build",
          .synopsis = "[DEFINITION] [NAME...]",
          .summary = "Build containers and print the store path of the result",
          .details = "Every command that takes a definition also takes this path.",
          .scopes = EC_SCOPE_BUILD,
          .flags = EC_CMD_DEFINITION,
          .run = run_build },
        { .name = "list",
          .synopsis = "",
          .summary = "List the installed containers",
          .details = "One name per line, sorted; on a terminal, with states. --json also prints paths.",
          .flags = EC_CMD_LISTING,
          .run = create_run_list },
        { .name = "restart",
          .synopsis = "NAME... | --all",
          .summary = "Restart containers",
          .details = "Containers of this host, of any origin. NAME may be a pattern, such as 'web-*'.",
          .scopes = EC_SCOPE_START,
          .flags = EC_CMD_ROOT,
          .options = EC_ARRAY(restart_options),
          .run = run_restart },
        { .name = "destroy",
          .synopsis = "NAME... | DEFINITION [NAME...] | --all",
          .summary = "Remove containers and everything that belongs to them",
          .details = "Containers are stopped without a clean shutdown. NAME may be a pattern, such as 'web-*'. If the "
                     "first argument begins with . or /, or is "
                     "- or a flake reference, it is a "
                     "definition, and the containers that it defines are destroyed.",
          .scopes = EC_SCOPE_BUILD | EC_SCOPE_DESTROY,
          .flags = EC_CMD_ROOT | EC_CMD_DEFINITION,
          .options = EC_ARRAY(destroy_options),
          .run = run_destroy },
};

EC_PLUGIN(create, .version = EC_VERSION, .summary = "Create, build, list, restart and destroy containers",
          .commands = EC_ARRAY(commands), .init = host_as_self);
