/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include <string.h>

#include "plugin/descriptor.h"
#include "plugin/loader.h"
#include "util/err.h"

static const struct ec_option core_option_table[] = {
        { .name = "expr",
          .metavar = "EXPR",
          .help = "Use a Nix expression as the definition",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_ONE,
          .short_name = 'E' },
        { .name = "attr",
          .metavar = "PATH",
          .help = "Use one attribute of the definition; of a flake, REFERENCE#PATH does",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_ONE,
          .short_name = 'A' },
        { .name = "nixpkgs-path",
          .metavar = "EXPR",
          .help = "Build with this nixpkgs: a path, <name>, or any Nix expression for one",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_ONE },
        { .name = "nixos-path",
          .metavar = "EXPR",
          .help = "The same for the NixOS source alone, nixos/ in nixpkgs",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_ONE },
        { .name = "build-args",
          .metavar = "ARG...",
          .help = "Hand all words that follow to nix-build; of a flake, also --override-input and the like",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_REST },
        { .name = "print-build-logs",
          .help = "Show the full output of the builds",
          .scopes = EC_SCOPE_BUILD,
          .short_name = 'L' },
        { .name = "show-trace", .help = "Show where in the Nix code an error came from", .scopes = EC_SCOPE_BUILD },
        { .name = "config",
          .metavar = "FILE",
          .help = "Read FILE instead of the system's configuration; not for root",
          .arg = EC_ARG_ONE },
        { .name = "verbose", .help = "Say what is being done", .short_name = 'v' },
        { .name = "debug", .help = "Say everything, for a bug report" },
        { .name = "help", .help = "Show help and exit", .short_name = 'h' },
};
const struct ec_array core_options = EC_ARRAY(core_option_table);

static const struct ec_option option_json = { .name = "json", .help = "Print JSON" };
const struct ec_option option_version = { .name = "version", .help = "Show the version and exit" };

bool command_is_named(const struct ec_command *c, const char *word)
{
        return !strcmp(c->name, word) || (c->alias && !strcmp(c->alias, word));
}

static int compare_commands(const void *a, const void *b)
{
        return strcmp(((const struct command_ref *)a)->command->name, ((const struct command_ref *)b)->command->name);
}

static void add_commands(struct command_list *l, const struct ec_array *a, const struct plugin *p, bool hidden)
{
        const struct ec_command *c = a->items;

        for (uint32_t i = 0; i < a->count; i++)
                if (hidden || !(c[i].flags & EC_CMD_HIDDEN))
                        l->items[l->n++] = (struct command_ref){ .command = &c[i], .plugin = p };
}

int commands_list(const struct plugins *l, bool hidden, struct command_list *ret, struct ec_err *err)
{
        struct command_list c = { 0 };
        size_t max = builtin_commands.count;

        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].state == PLUGIN_LOADED)
                        max += l->items[i].plugin->commands.count;
        c.items = calloc(max, sizeof(*c.items));
        if (!c.items)
                return err_oom(err);
        add_commands(&c, &builtin_commands, NULL, hidden);
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].state == PLUGIN_LOADED)
                        add_commands(&c, &l->items[i].plugin->commands, &l->items[i], hidden);
        qsort(c.items, c.n, sizeof(*c.items), compare_commands);
        *ret = c;
        return 0;
}

void command_list_done(struct command_list *l)
{
        free(l->items);
        *l = (struct command_list){ 0 };
}

/* The first command that is called `word`, or that has one of the scopes. */
static bool find(const struct plugins *l, const char *word, uint32_t scope, struct command_ref *ret)
{
        for (size_t i = 0; i <= l->n; i++) {
                const struct plugin *p = i ? &l->items[i - 1] : NULL;
                const struct ec_array *a = &builtin_commands;
                const struct ec_command *c;

                if (p && p->state != PLUGIN_LOADED)
                        continue;
                if (p)
                        a = &p->plugin->commands;
                c = a->items;
                for (uint32_t k = 0; k < a->count; k++)
                        if (word ? command_is_named(&c[k], word) : c[k].scopes & scope) {
                                *ret = (struct command_ref){ .command = &c[k], .plugin = p };
                                return true;
                        }
        }
        return false;
}

bool command_find(const struct plugins *l, const char *word, struct command_ref *ret)
{
        return find(l, word, 0, ret);
}

bool command_find_scope(const struct plugins *l, uint32_t scope, struct command_ref *ret)
{
        return find(l, NULL, scope, ret);
}

/* Does a command with these scopes and flags get this option of the core? */
static bool core_option_applies(const struct ec_option *o, const struct ec_command *c)
{
        return o == &option_json ? c->flags & EC_CMD_LISTING : !o->scopes || o->scopes & c->scopes;
}

int command_options(const struct plugins *l, const struct command_ref *ref, struct option_set *ret, struct ec_err *err)
{
        const struct ec_command *c = ref->command;
        const struct ec_option *o = c->options.items;
        struct option_set set = { 0 };
        int r = 0;

        for (uint32_t i = 0; r >= 0 && i < c->options.count; i++)
                r = option_set_add(&set, &o[i], ref->plugin ? ref->plugin->name : NULL, true);
        if (r >= 0 && core_option_applies(&option_json, c))
                r = option_set_add(&set, &option_json, NULL, false);
        for (uint32_t i = 0; r >= 0 && i < ARRAY_SIZE(core_option_table); i++)
                if (core_option_applies(&core_option_table[i], c))
                        r = option_set_add(&set, &core_option_table[i], NULL, false);
        for (size_t p = 0; r >= 0 && p < l->n; p++) {
                if (l->items[p].state != PLUGIN_LOADED)
                        continue;
                o = l->items[p].plugin->options.items;
                for (uint32_t i = 0; r >= 0 && i < l->items[p].plugin->options.count; i++)
                        if (o[i].scopes & c->scopes)
                                r = option_set_add(&set, &o[i], l->items[p].name, false);
        }
        if (r < 0) {
                option_set_done(&set);
                return err_oom(err);
        }
        *ret = set;
        return 0;
}

static const struct ec_option *table_find(const struct ec_array *a, const char *name)
{
        const struct ec_option *o = a->items;

        for (uint32_t i = 0; i < a->count; i++)
                if (!strcmp(o[i].name, name))
                        return &o[i];
        return NULL;
}

/* Does an option that one table gives to every command of its scopes meet an
 * own option of one of these commands? */
static const struct ec_option *meets_commands(const struct ec_array *options, const struct ec_array *commands)
{
        const struct ec_command *c = commands->items;

        for (uint32_t i = 0; i < commands->count; i++) {
                const struct ec_option *own = c[i].options.items;

                for (uint32_t k = 0; k < c[i].options.count; k++) {
                        const struct ec_option *o = table_find(options, own[k].name);

                        if (o && core_option_applies(o, &c[i]))
                                return o;
                }
        }
        return NULL;
}

static int check_core(const struct ec_plugin *p, struct ec_err *err)
{
        static const struct ec_array json = { &option_json, 1, sizeof(option_json) };
        const struct ec_option *o = p->options.items, *clash;

        for (uint32_t i = 0; i < p->options.count; i++)
                if (table_find(&core_options, o[i].name) || !strcmp(o[i].name, option_json.name) ||
                    !strcmp(o[i].name, option_version.name))
                        return err_set(err, -EEXIST, "option --%s is one of extra-container itself", o[i].name);
        clash = meets_commands(&core_options, &p->commands);
        if (!clash)
                clash = meets_commands(&json, &p->commands);
        if (clash)
                return err_set(err, -EEXIST, "option --%s is one of extra-container itself", clash->name);
        clash = meets_commands(&p->options, &p->commands);
        if (clash)
                return err_set(err, -EEXIST, "option --%s is there twice", clash->name);
        return 0;
}

int command_check_clash(const struct plugins *l, const struct ec_plugin *p, struct ec_err *err)
{
        const struct ec_command *c = p->commands.items;
        const struct ec_option *o = p->options.items;
        int r = check_core(p, err);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < p->commands.count; i++) {
                struct command_ref other;

                if (command_find(l, c[i].name, &other) || (c[i].alias && command_find(l, c[i].alias, &other)))
                        return err_set(err, -EEXIST, "command '%s' is one of %s%s already", c[i].name,
                                       other.plugin ? "plugin " : "",
                                       other.plugin ? other.plugin->name : "extra-container itself");
        }
        for (size_t k = 0; k < l->n; k++) {
                const struct ec_plugin *q = l->items[k].plugin;
                const struct ec_option *clash = NULL;

                if (l->items[k].state != PLUGIN_LOADED)
                        continue;
                for (uint32_t i = 0; i < p->options.count && !clash; i++)
                        clash = table_find(&q->options, o[i].name);
                if (!clash)
                        clash = meets_commands(&p->options, &q->commands);
                if (!clash)
                        clash = meets_commands(&q->options, &p->commands);
                if (clash)
                        return err_set(err, -EEXIST, "option --%s is one of plugin %s already", clash->name, q->name);
        }
        return 0;
}
