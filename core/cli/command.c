/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include <string.h>

#include "plugin/core_options.h"
#include "plugin/loader.h"
#include "util/err.h"
#include "util/strv.h"

static int compare_commands(const void *a, const void *b)
{
        return strcmp(((const struct command_ref *)a)->command->name, ((const struct command_ref *)b)->command->name);
}

static struct command_ref *add_commands(struct command_ref *to, const struct ec_array *a, const struct plugin *p)
{
        const struct ec_command *c = a->items;

        for (uint32_t i = 0; i < a->count; i++)
                if (!(c[i].flags & EC_CMD_HIDDEN))
                        *to++ = (struct command_ref){ .command = &c[i], .plugin = p };
        return to;
}

int commands_list(const struct plugins *l, struct command_ref **ret, struct ec_err *err)
{
        struct command_ref *c, *end;
        size_t max = l->builtin.count + 1;

        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].state == PLUGIN_LOADED)
                        max += l->items[i].plugin->commands.count;
        c = calloc(max, sizeof(*c));
        if (!c)
                return err_oom(err);
        end = add_commands(c, &l->builtin, NULL);
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].state == PLUGIN_LOADED)
                        end = add_commands(end, &l->items[i].plugin->commands, &l->items[i]);
        qsort(c, end - c, sizeof(*c), compare_commands);
        *ret = c;
        return 0;
}

static int add_options(struct option_set *set, const struct ec_array *options, const struct ec_command *c,
                       const char *plugin, bool own)
{
        const struct ec_option *o = options->items;
        int r = 0;

        for (uint32_t i = 0; r >= 0 && i < options->count; i++)
                if (own || option_applies(&o[i], c))
                        r = option_set_add(set, &o[i], plugin, own);
        return r;
}

int command_options(const struct plugins *l, const struct command_ref *ref, struct option_set *ret, struct ec_err *err)
{
        const struct ec_command *c = ref->command;
        struct option_set set = { 0 };
        int r = add_options(&set, &c->options, c, ref->plugin ? ref->plugin->name : NULL, true);

        if (r >= 0)
                r = add_options(&set, &json_option, c, NULL, false);
        if (r >= 0)
                r = add_options(&set, &core_options, c, NULL, false);
        for (size_t i = 0; r >= 0 && i < l->n; i++)
                if (l->items[i].state == PLUGIN_LOADED)
                        r = add_options(&set, &l->items[i].plugin->options, c, l->items[i].name, false);
        if (r < 0) {
                option_set_done(&set);
                return err_oom(err);
        }
        *ret = set;
        return 0;
}

bool command_takes(const struct plugins *l, const struct command_ref *ref, const char *word)
{
        _cleanup_(option_set_done) struct option_set set = { 0 };
        const char *name = str_after(word, "--");
        bool takes = false;

        if (command_options(l, ref, &set, NULL) < 0)
                return false;
        for (size_t i = 0; i < set.n && !takes; i++) {
                const struct ec_option *o = set.items[i].option;

                if (o->flags & EC_OPT_HIDDEN)
                        continue;
                takes = name ? strlen(o->name) == strcspn(name, "=") && str_after(name, o->name)
                             : word[1] && option_set_short(&set, &set.items[i]) == word[1];
        }
        return takes;
}
