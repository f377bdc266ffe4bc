/* SPDX-License-Identifier: MIT */
#include "plugin/commands.h"

#include <string.h>

#include "plugin/loader.h"

bool command_is_named(const struct ec_command *c, const char *word)
{
        return !strcmp(c->name, word) || (c->alias && !strcmp(c->alias, word));
}

static const struct ec_command *find_in(const struct ec_array *a, const char *word, uint32_t scope)
{
        const struct ec_command *c = a->items;

        for (uint32_t i = 0; i < a->count; i++)
                if (word ? command_is_named(&c[i], word) : (c[i].scopes & scope) != 0)
                        return &c[i];
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
