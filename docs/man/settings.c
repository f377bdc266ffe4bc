/* SPDX-License-Identifier: MIT */
/* Settings of the program and its plugins, as an INI, as JSON for the NixOS module, and as a plain list for tests. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "man.h"
#include "model/deploy/outcome.h"
#include "model/operation/layout.h"
#include "util/err.h"

#define INI_WIDTH 78

static const struct core_section sections[] = {
        { "paths", "Where things are", &layout_settings },
        { "start", "How containers are started", &start_settings },
};

const struct core_section *core_section(struct page *p)
{
        for (size_t i = 0; p->arg && i < ARRAY_SIZE(sections); i++)
                if (!strcmp(p->arg, sections[i].name))
                        return &sections[i];
        err_set(p->err, -ENOENT, "no section '%s'", p->arg ? p->arg : "");
        return NULL;
}

/* ---- INI ------------------------------------------------------------------ */

static void ini_comment(const char *s)
{
        size_t at = 0;

        while (*s) {
                size_t n = strcspn(s, " "), skip = n + strspn(s + n, " ");

                if (at && at + 1 + n + !s[skip] > INI_WIDTH) {
                        putchar('\n');
                        at = 0;
                }
                at += (size_t)printf("%s%.*s", at ? " " : "; ", (int)n, s);
                s += skip;
        }
        printf(".\n");
}

static void ini_settings(const struct ec_array *a)
{
        const struct ec_setting *s = a->items;

        for (uint32_t i = 0; i < a->count; i++) {
                const char *def = s[i].def ? s[i].def : "";

                if (i)
                        putchar('\n');
                ini_comment(s[i].help);
                printf("; %s =%s%s\n", s[i].key, *def ? " " : "", def);
        }
}

int part_ini_toggles(struct page *p)
{
        for (size_t i = 0; i < p->plugins.n; i++) {
                ini_comment(p->plugins.items[i].plugin->summary);
                printf("; %s = auto\n\n", p->plugins.items[i].name);
        }
        return 0;
}

int part_ini_section(struct page *p)
{
        const struct core_section *s = core_section(p);

        if (s)
                ini_settings(s->settings);
        return s ? 0 : p->err->code;
}

int part_ini_settings(struct page *p)
{
        for (size_t i = 0; i < p->plugins.n; i++) {
                const struct ec_plugin *q = p->plugins.items[i].plugin;

                if (!q->settings.count)
                        continue;
                printf("\n; [%s]\n", q->name);
                ini_settings(&q->settings);
        }
        return 0;
}

/* ---- JSON ----------------------------------------------------------------- */

static json_t *json_setting(const struct ec_setting *s)
{
        json_t *o = json_pack("{s:s, s:s}", "type", s->type, "help", s->help);

        /* The directory of the program's files depends on where it is installed. */
        if (o && s->def && strcmp(s->def, EC_DATA_DIR) && json_object_set_new(o, "default", json_string(s->def)) < 0) {
                json_decref(o);
                return NULL;
        }
        return o;
}

static int put_json(const char *summary, const struct ec_array *a)
{
        json_t *settings = json_object(), *file = json_pack("{s:s, s:O}", "summary", summary, "settings", settings);
        const struct ec_setting *s = a->items;
        int r = file ? 0 : -1;

        for (uint32_t i = 0; r >= 0 && i < a->count; i++)
                r = json_object_set_new(settings, s[i].key, json_setting(&s[i]));
        if (r >= 0)
                r = json_dumpf(file, stdout, JSON_INDENT(2));
        if (r >= 0)
                putchar('\n');
        json_decref(settings);
        json_decref(file);
        return r;
}

/* @json SECTION: the settings of one section. */
int part_json(struct page *p)
{
        const struct plugin *q = p->arg ? plugins_find(&p->plugins, p->arg) : NULL;
        const struct core_section *s = q ? NULL : core_section(p);
        int r;

        if (!q && !s)
                return p->err->code;
        r = q ? put_json(q->plugin->summary, &q->plugin->settings) : put_json(s->summary, s->settings);
        return r < 0 ? err_oom(p->err) : 0;
}

/* ---- for tests: PLUGIN KIND WORD, as feature.json has them ------------------ */

int part_words(struct page *p)
{
        for (size_t i = 0; i < p->plugins.n; i++) {
                const struct ec_plugin *q = p->plugins.items[i].plugin;
                const struct ec_command *c = q->commands.items;
                const struct ec_option *o = q->options.items;

                for (uint32_t k = 0; k < q->commands.count; k++) {
                        if (c[k].flags & EC_CMD_HIDDEN)
                                continue;
                        printf("%s\tcommands\t%s\n", q->name, c[k].name);
                        if (c[k].alias)
                                printf("%s\tcommands\t%s\n", q->name, c[k].alias);
                }
                for (uint32_t k = 0; k < q->options.count; k++)
                        printf("%s\toptions\t--%s\n", q->name, o[k].name);
        }
        return 0;
}

/* ---- for tests: all keys, SECTION KEY TYPE DEFAULT, separated by tabs -------- */

static void put_keys(const char *section, const struct ec_array *a)
{
        const struct ec_setting *s = a->items;

        for (uint32_t i = 0; i < a->count; i++)
                printf("%s\t%s\t%s\t%s\n", section, s[i].key, s[i].type, s[i].def ?: "");
}

int part_keys(struct page *p)
{
        for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
                put_keys(sections[i].name, sections[i].settings);
        printf("plugins\t" PLUGIN_PATH_KEY "\tstring\t\n");
        for (size_t i = 0; i < p->plugins.n; i++) {
                printf("plugins\t%s\tstring\tauto\n", p->plugins.items[i].name);
                put_keys(p->plugins.items[i].name, &p->plugins.items[i].plugin->settings);
        }
        return 0;
}
