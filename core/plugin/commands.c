/* SPDX-License-Identifier: MIT */
#include "plugin/commands.h"

#include <string.h>

#include "plugin/loader.h"

static const struct ec_command *find_in(const struct ec_array *a, const char *word, uint32_t scope)
{
        const struct ec_command *c = a->items;

        for (uint32_t i = 0; i < a->count; i++)
                if (word ? !strcmp(c[i].name, word) || (c[i].alias && !strcmp(c[i].alias, word))
                         : (c[i].scopes & scope) != 0)
                        return &c[i];
        return NULL;
}

const struct ec_command *command_in(const struct ec_array *commands, const char *word)
{
        return find_in(commands, word, 0);
}

const struct ec_option *option_in(const struct ec_array *options, const char *name, size_t len)
{
        const struct ec_option *o = options->items;

        for (uint32_t i = 0; i < options->count; i++)
                if (strlen(o[i].name) == len && !memcmp(o[i].name, name, len))
                        return &o[i];
        return NULL;
}

/* Finds the command named `word`, or one that has one of the scopes. */
static bool find(const struct plugins *l, const char *word, uint32_t scope, struct command_ref *ret)
{
        struct command_ref found = { .command = find_in(&l->builtin, word, scope) };

        for (size_t i = 0; i < l->n && (!found.command || found.plugin); i++) {
                const struct plugin *p = &l->items[i];
                const struct ec_command *c;

                if (p->state != PLUGIN_LOADED || (found.plugin && found.plugin->rank < p->rank))
                        continue;
                c = find_in(&p->plugin->commands, word, scope);
                if (c)
                        found = (struct command_ref){ c, p };
        }
        if (found.command)
                *ret = found;
        return found.command;
}

bool command_find(const struct plugins *l, const char *word, struct command_ref *ret)
{
        return find(l, word, 0, ret);
}

bool command_find_scope(const struct plugins *l, uint32_t scope, struct command_ref *ret)
{
        return find(l, NULL, scope, ret);
}
