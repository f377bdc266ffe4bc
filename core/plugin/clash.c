/* SPDX-License-Identifier: MIT */
#include "plugin/clash.h"

#include <string.h>

#include "plugin/commands.h"
#include "plugin/core_options.h"
#include "plugin/loader.h"
#include "util/err.h"

static const struct ec_option *table_find(const struct ec_array *a, const char *name)
{
        return option_in(a, name, strlen(name));
}

/* Does an option that is given to every command of its scopes clash with one of these commands' own options? */
static const struct ec_option *meets_commands(const struct ec_array *options, const struct ec_array *commands)
{
        const struct ec_command *c = commands->items;

        for (uint32_t i = 0; i < commands->count; i++) {
                const struct ec_option *own = c[i].options.items;

                for (uint32_t k = 0; k < c[i].options.count; k++) {
                        const struct ec_option *o = table_find(options, own[k].name);

                        if (o && option_applies(o, &c[i]))
                                return o;
                }
        }
        return NULL;
}

static int check_core(const struct ec_plugin *p, struct ec_err *err)
{
        const struct ec_option *o = p->options.items, *clash = NULL;

        for (uint32_t i = 0; i < p->options.count && !clash; i++)
                if (table_find(&core_options, o[i].name) || table_find(&json_option, o[i].name) ||
                    !strcmp(o[i].name, option_version.name))
                        clash = &o[i];
        clash = clash ?: meets_commands(&core_options, &p->commands) ?: meets_commands(&json_option, &p->commands);
        if (clash)
                return err_set(err, -EEXIST, "option --%s belongs to extra-container itself", clash->name);
        clash = meets_commands(&p->options, &p->commands);
        if (clash)
                return err_set(err, -EEXIST, "option --%s is declared twice", clash->name);
        return 0;
}

int plugin_check_clash(const struct plugins *l, const struct ec_plugin *p, struct ec_err *err)
{
        const struct ec_command *c = p->commands.items;
        const struct ec_option *o = p->options.items;
        int r = check_core(p, err);

        if (r < 0)
                return r;
        for (uint32_t i = 0; i < p->commands.count; i++) {
                struct command_ref other;

                if (command_find(l, c[i].name, &other) || (c[i].alias && command_find(l, c[i].alias, &other)))
                        return err_set(err, -EEXIST, "command '%s' already belongs to %s%s", c[i].name,
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
                clash = clash ?: meets_commands(&p->options, &q->commands) ?: meets_commands(&q->options, &p->commands);
                if (clash)
                        return err_set(err, -EEXIST, "option --%s already belongs to plugin %s", clash->name, q->name);
        }
        return 0;
}
