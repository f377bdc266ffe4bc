/* SPDX-License-Identifier: MIT */
#include "cli/builtin.h"

#include <string.h>

#include "cli/app.h"
#include "cli/command.h"
#include "cli/complete.h"
#include "cli/help.h"
#include "model/operation/op.h"
#include "plugin/descriptor.h"
#include "svc/term/table.h"
#include "util/err.h"
#include "util/strv.h"

static const struct ec_column plugin_columns[] = {
        { "name", "NAME", EC_COL_STR, 0 },
        { "version", "VERSION", EC_COL_STR, 0 },
        { "abi", "ABI", EC_COL_STR, 0 },
        { "state", "STATE", EC_COL_STR, 0 },
        { "toggle", "SET TO", EC_COL_STR, 0 },
        { "summary", "SUMMARY", EC_COL_STR, EC_COL_JSON_ONLY },
        { "file", "FILE", EC_COL_STR, EC_COL_JSON_ONLY },
        { "commands", "COMMANDS", EC_COL_LIST, 0 },
        { "options", "OPTIONS", EC_COL_LIST, 0 },
        { "hooks", "HOOKS", EC_COL_LIST, 0 },
        { "reason", "REASON", EC_COL_STR, 0 },
};

static int set_list(struct ec_table *t, const char *key, char *const *v, struct ec_err *err)
{
        _cleanup_free_ char *s = strv_join(STRV_CONST(v), "\n");

        return s ? table_set_str(t, key, s, err) : err_oom(err);
}

static int set_commands(struct ec_table *t, const struct ec_plugin *p, struct ec_err *err)
{
        const struct ec_command *c = p->commands.items;
        _cleanup_strv_ char **v = NULL;

        for (uint32_t i = 0; i < p->commands.count; i++)
                if (!(c[i].flags & EC_CMD_HIDDEN) && strv_push(&v, c[i].name) < 0)
                        return err_oom(err);
        return set_list(t, "commands", v, err);
}

/* The options that it adds to other plugins' commands. */
static int set_options(struct ec_table *t, const struct ec_plugin *p, struct ec_err *err)
{
        const struct ec_option *o = p->options.items;
        _cleanup_strv_ char **v = NULL;

        for (uint32_t i = 0; i < p->options.count; i++)
                if (!(o[i].flags & EC_OPT_HIDDEN) && strv_pushf(&v, "--%s", o[i].name) < 0)
                        return err_oom(err);
        return set_list(t, "options", v, err);
}

static int set_hooks(struct ec_table *t, const struct ec_hooks *h, struct ec_err *err)
{
        _cleanup_strv_ char **v = NULL;
        const struct {
                const char *name;
                bool set;
        } hooks[] = {
                { "configure", h && h->configure },
                { "eval", h && h->eval },
                { "pre_install", h && h->pre_install },
                { "installed", h && h->installed },
                { "undo", h && h->undo },
                { "started", h && h->started },
                { "updated", h && h->updated },
                { "stopped", h && h->stopped },
                { "failed", h && h->failed },
                { "shell", h && h->shell },
                { "pre_destroy", h && h->pre_destroy },
                { "removed", h && h->removed },
                { "finish", h && h->finish },
        };

        for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
                if (hooks[i].set && strv_push(&v, hooks[i].name) < 0)
                        return err_oom(err);
        return set_list(t, "hooks", v, err);
}

static int add_plugin(struct ec_table *t, const struct plugin *p, struct ec_err *err)
{
        const struct ec_plugin *q = p->plugin;
        char abi[16] = "";
        const struct {
                const char *key, *value; /* NULL: not known */
        } cells[] = {
                { "name", p->name },
                { "state", plugin_state_names[p->state] },
                { "toggle", plugin_toggle_names[p->toggle] },
                { "reason", p->reason },
                { "file", p->file },
                { "abi", q ? abi : NULL },
                { "version", q ? q->version : NULL },
                { "summary", q ? q->summary : NULL },
        };
        int r = table_add_row(t, err);

        if (q)
                snprintf(abi, sizeof(abi), "%u.%u", q->abi_major, q->abi_minor);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(cells); i++)
                r = table_set_str(t, cells[i].key, cells[i].value, err);
        if (r >= 0 && q)
                r = set_commands(t, q, err);
        if (r >= 0 && q)
                r = set_options(t, q, err);
        return r >= 0 && q ? set_hooks(t, q->hooks, err) : r;
}

static int run_plugins(void *self, struct ec_op *op, struct ec_err *err)
{
        static const struct ec_array columns = EC_ARRAY(plugin_columns);
        _cleanup_(cleanup_table_free) struct ec_table *t = NULL;
        struct app *a = op->app;
        int r = app_check_conf(a, err);

        (void)self;
        if (r >= 0)
                r = table_create(&columns, options_is_set(op->options, "json"), &t, err);
        for (size_t i = 0; r >= 0 && i < a->plugins.n; i++)
                r = add_plugin(t, &a->plugins.items[i], err);
        if (r >= 0)
                r = table_print(t, err);
        return r < 0 ? r : 0;
}

static int run_help(void *self, struct ec_op *op, struct ec_err *err)
{
        const char *const *args = options_args(op->options);

        (void)self;
        if (args[0] && args[1])
                return err_usage(err, "help: only one command can be given");
        return help_word(op->app, args[0], err);
}

static int run_complete(void *self, struct ec_op *op, struct ec_err *err)
{
        int r = app_check_conf(op->app, err);

        (void)self;
        return r < 0 ? r : complete_words(op->app, options_args(op->options), err);
}

static const struct ec_command builtin_table[] = {
        { .name = "complete",
          .synopsis = "[WORD...]",
          .summary = "Print what the last word can be, for a shell",
          .details = "For shell completion: the words are those after the program's name. Each line is a "
                     "word, a tab and a description; "
                     ":files and :dirs ask the shell to complete files and directories.",
          .flags = EC_CMD_HIDDEN | EC_CMD_WORDS,
          .run = run_complete },
        { .name = "help", .synopsis = "[COMMAND]", .summary = "Show help for one command or for all", .run = run_help },
        { .name = "plugins",
          .synopsis = "",
          .summary = "List the plugins and what each of them adds",
          .details = "A plugin is loaded, off, missing or rejected, with the reason if it is not loaded. "
                     "It is set to required, on, auto or off in section [plugins] of the configuration; auto is the "
                     "default.",
          .flags = EC_CMD_LISTING,
          .run = run_plugins },
};
const struct ec_array builtin_commands = EC_ARRAY(builtin_table);
