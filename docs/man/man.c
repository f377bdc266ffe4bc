/* SPDX-License-Identifier: MIT */
/*
 * Fills in the templates of the man pages and of the INI from the tables of the
 * program and its plugins. Runs during the build and is not installed.
 *
 * Usage: man TEMPLATE PLUGINS SOURCE: the directory of the plugins that were
 * built, and the top of the sources.
 *
 * A line of the template that begins with '@' is replaced by the part that it
 * names (see parts[]); in other lines words like @VERSION@ are replaced.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/builtin.h"
#include "man.h"
#include "model/operation/layout.h"
#include "plugin/core_options.h"
#include "plugin/descriptor.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/strv.h"

#define WIDTH 70 /* of lines of the page's source, before minus signs become escapes */

/* ---- text --------------------------------------------------------------- */

/* One word, escaped for roff. Options get real minus signs, so that they can be copied. */
static void put_word(const char *s, size_t len, bool first)
{
        bool literal = len && (*s == '-' || memchr(s, '/', len) || memchr(s, '_', len) || memchr(s, '=', len));

        if (first && (*s == '.' || *s == '\''))
                fputs("\\&", stdout);
        for (; len; s++, len--)
                switch (*s) {
                case '(':
                        fputs("\\&(", stdout);
                        break; /* mandoc warns about a function without markup */
                case '\\':
                        fputs("\\e", stdout);
                        break;
                case '-':
                        fputs(literal ? "\\-" : "-", stdout);
                        break;
                case '^':
                        fputs("\\(ha", stdout);
                        break;
                case '~':
                        fputs("\\(ti", stdout);
                        break;
                case '`':
                        fputs("\\(ga", stdout);
                        break;
                case '\'':
                        fputs("\\(aq", stdout);
                        break;
                default:
                        putchar(*s);
                }
}

/* In mdoc, every sentence begins on a new line. */
static bool ends_sentence(const char *s, size_t len)
{
        while (len && strchr(")\"'", s[len - 1]))
                len--;
        return len > 1 && strchr(".!?", s[len - 1]) && s[len - 2] != '#' &&
               !(len >= 3 && !strncmp(s + len - 3, "...", 3));
}

/* The length of "`words`" with the punctuation after it; 0: s is something else. */
static size_t literal_length(const char *s, const char *end)
{
        const char *close = *s == '`' ? memchr(s + 1, '`', (size_t)(end - s - 1)) : NULL;
        size_t n = close ? (size_t)(close + 1 - s) : 0;

        while (close && s + n < end && strchr(".,:;", s[n]))
                n++;
        return close && (s + n == end || isspace((unsigned char)s[n])) ? n : 0;
}

/* That as a macro, whose line is not ended. */
static void put_literal(const char *s, size_t len)
{
        const char *close = memrchr(s, '`', len);

        fputs(".Ql \"", stdout);
        put_word(s + 1, (size_t)(close - s - 1), false);
        putchar('"');
        for (const char *c = close + 1; c < s + len; c++)
                printf(" %c", *c);
}

void put_text(const char *s, size_t len, bool sentence)
{
        const char *end = s + len, *last = NULL;
        size_t at = 0, last_len = 0;
        bool literal = false;

        for (;;) {
                bool was_literal = literal;
                size_t n;

                while (s < end && isspace((unsigned char)*s))
                        s++;
                n = s < end ? literal_length(s, end) : 0;
                literal = n;
                while (!literal && s + n < end && !isspace((unsigned char)s[n]))
                        n++;
                if (!n) {
                        literal = was_literal;
                        break;
                }
                if (at && (literal || was_literal || at + 1 + n > WIDTH || ends_sentence(last, last_len))) {
                        putchar('\n');
                        at = 0;
                } else if (at)
                        at += (size_t)(putchar(' ') == ' ');
                if (literal)
                        put_literal(s, n);
                else
                        put_word(s, n, !at);
                at += n;
                last = s;
                last_len = n;
                s += n;
        }
        if (sentence && last && !ends_sentence(last, last_len))
                fputs(literal ? " ." : ".", stdout);
        if (at)
                putchar('\n');
}

static void put_sentence(const char *s)
{
        put_text(s, strlen(s), true);
}

/* Paragraphs are separated by empty lines; lines that begin with a blank are literal, as in help. */
static void put_paragraphs(const char *s)
{
        while (*s) {
                const char *end = strchrnul(s, '\n');

                if (*s == '\n') {
                        s++;
                        continue;
                }
                if (*s == ' ') {
                        printf(".Bd -literal\n");
                        while (*s == ' ') {
                                end = strchrnul(s, '\n');
                                put_word(s, end - s, true);
                                putchar('\n');
                                s = *end ? end + 1 : end;
                        }
                        printf(".Ed\n");
                        continue;
                }
                printf(".Pp\n");
                while (*end && end[1] && end[1] != '\n' && end[1] != ' ')
                        end = strchrnul(end + 1, '\n');
                put_text(s, end - s, true);
                s = *end ? end + 1 : end;
        }
}

/* ---- options and commands ------------------------------------------------ */

/* The words of a synopsis as macros: "[NAME...]" becomes Op Ar NAME ... */
static void put_synopsis(const char *s)
{
        for (const char *blank = ""; *s; blank = " ") {
                size_t len = strcspn(s, " "), skip = len + strspn(s + len, " ");
                bool optional = *s == '[', more;

                if (optional) {
                        s++;
                        len -= 2;
                        skip--;
                }
                more = len > 3 && !strncmp(s + len - 3, "...", 3);
                if (more)
                        len -= 3;
                fputs(blank, stdout);
                if (len == 1 && *s == '|')
                        putchar('|');
                else if (!strncmp(s, "--", 2))
                        printf("Fl Fl %.*s", (int)(len - 2), s + 2);
                else
                        printf("%sAr %.*s%s", optional ? "Oo " : "", (int)len, s, more ? " ..." : "");
                if (optional)
                        fputs(" Oc", stdout);
                s += skip;
        }
}

static void put_option(const struct ec_option *o, int short_name)
{
        printf(".It");
        if (short_name)
                printf(" Fl %c ,", short_name);
        printf(" Fl Fl %s", o->name);
        if (o->arg)
                printf(" Ar %s", o->metavar);
        putchar('\n');
        put_sentence(o->help);
}

static bool visible(const struct ec_option *o)
{
        return !(o->flags & EC_OPT_HIDDEN);
}

static int part_usage(struct page *p)
{
        for (size_t i = 0; p->commands[i].command; i++) {
                const struct ec_command *c = p->commands[i].command;

                printf(".Nm\n.Cm %s\n", c->name);
                if (c->scopes || c->options.count)
                        printf(".Op Ar option ...\n");
                if (*c->synopsis) {
                        putchar('.');
                        put_synopsis(c->synopsis);
                        putchar('\n');
                }
        }
        return 0;
}

/* Which commands pass through each phase. */
static int part_scopes(struct page *p)
{
        static const struct {
                const char *name;
                uint32_t scope;
        } scopes[] = {
                { "EC_SCOPE_BUILD", EC_SCOPE_BUILD },     { "EC_SCOPE_INSTALL", EC_SCOPE_INSTALL },
                { "EC_SCOPE_START", EC_SCOPE_START },     { "EC_SCOPE_SHELL", EC_SCOPE_SHELL },
                { "EC_SCOPE_DESTROY", EC_SCOPE_DESTROY },
        };

        printf(".Bl -tag -width EC_SCOPE_INSTALL -compact\n");
        for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
                const char *comma = "";

                printf(".It Dv %s\n", scopes[i].name);
                for (size_t k = 0; p->commands[k].command; k++)
                        if (p->commands[k].command->scopes & scopes[i].scope) {
                                printf("%s.Cm %s", comma, p->commands[k].command->name);
                                comma = " ,\n";
                        }
                printf("%s", *comma ? "\n" : "no command\n");
        }
        printf(".El\n");
        return 0;
}

/* Its own options, and core options that belong to one command. */
static int put_own_options(struct page *p, const struct command_ref *ref)
{
        _cleanup_(option_set_done) struct option_set set = { 0 };
        const struct ec_option *core = core_options.items;
        bool list = false;
        int r = command_options(&p->plugins, ref, &set, p->err);

        for (size_t i = 0; r >= 0 && i < set.n; i++) {
                const struct option_ref *o = &set.items[i];
                bool shared = o->plugin && !o->own;

                for (uint32_t k = 0; k < core_options.count; k++)
                        shared = shared || o->option == &core[k];
                if (shared || !visible(o->option))
                        continue;
                if (!list)
                        printf(".Pp\nOptions:\n.Bl -tag -width Ds\n");
                list = true;
                put_option(o->option, option_set_short(&set, o));
        }
        if (list)
                printf(".El\n");
        return r;
}

static int part_commands(struct page *p)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && p->commands[i].command; i++) {
                const struct command_ref *ref = &p->commands[i];
                const struct ec_command *c = ref->command;

                printf(".Ss %s%s%s\n", c->name, c->alias ? ", " : "", c->alias ?: "");
                put_sentence(c->summary);
                if (c->details)
                        put_paragraphs(c->details);
                if (c->flags & EC_CMD_ROOT)
                        printf(".Pp\nRequires root; re-executes itself with\n.Xr sudo 8\nwhen run as another user.\n");
                r = put_own_options(p, ref);
                if (ref->plugin)
                        printf(".Pp\nProvided by the\n.Sy %s\nplugin.\n", ref->plugin->name);
        }
        return r;
}

/* Names of the commands that accept an option of another table. */
static int takers(struct page *p, const struct ec_option *o, char ***ret)
{
        for (size_t i = 0; p->commands[i].command; i++) {
                _cleanup_(option_set_done) struct option_set set = { 0 };
                int r = command_options(&p->plugins, &p->commands[i], &set, p->err);

                if (r < 0)
                        return r;
                for (size_t k = 0; k < set.n; k++)
                        if (set.items[k].option == o && strv_push(ret, p->commands[i].command->name) < 0)
                                return err_oom(p->err);
        }
        return 0;
}

static void put_names(char *const *v)
{
        printf("Accepted by\n");
        for (; *v; v++)
                printf(".Cm %s%s\n", *v, v[1] && v[2] ? " ," : v[1] ? "\nand" : " .");
}

/* Options of one table that several commands accept, grouped by those commands. */
static int shared_options(struct page *p, const struct ec_array *a, const char *title)
{
        const struct ec_option *o = a->items;
        _cleanup_free_ char *before = NULL;
        bool open = false;

        for (uint32_t i = 0; i < a->count; i++) {
                _cleanup_strv_ char **names = NULL;
                _cleanup_free_ char *joined = NULL;
                int r;

                if (!visible(&o[i]) || !o[i].scopes)
                        continue;
                r = takers(p, &o[i], &names);
                if (r < 0)
                        return r;
                if (!names)
                        continue; /* no command that was built has its scopes */
                joined = strv_join(STRV_CONST(names), " ");
                if (!joined)
                        return err_oom(p->err);
                if (!before || strcmp(before, joined)) {
                        if (open)
                                printf(".El\n");
                        if (!before)
                                printf(".Ss %s\n", title);
                        else
                                printf(".Pp\n");
                        put_names(names);
                        printf(".Bl -tag -width Ds\n");
                        open = true;
                        free(before);
                        before = TAKE_PTR(joined);
                }
                put_option(&o[i], o[i].short_name);
        }
        if (open)
                printf(".El\n");
        return 0;
}

static int part_options(struct page *p)
{
        int r = shared_options(p, &core_options, "Definitions and builds");

        for (size_t i = 0; r >= 0 && i < p->plugins.n; i++) {
                _cleanup_free_ char *title = str_printf("Options of the %s plugin", p->plugins.items[i].name);

                r = title ? shared_options(p, &p->plugins.items[i].plugin->options, title) : err_oom(p->err);
        }
        return r;
}

static int part_leading(struct page *p)
{
        const struct ec_option *o = core_options.items;

        (void)p;
        printf(".Bl -tag -width Ds\n");
        for (uint32_t i = 0; i < core_options.count; i++)
                if (!o[i].scopes && visible(&o[i]))
                        put_option(&o[i], o[i].short_name);
        put_option(&option_version, 0);
        printf(".El\n");
        return 0;
}

/* ---- settings ------------------------------------------------------------ */

static void put_settings(const struct ec_array *a)
{
        const struct ec_setting *s = a->items;

        printf(".Bl -tag -width Ds\n");
        for (uint32_t i = 0; i < a->count; i++) {
                printf(".It Ic %s No = Ar %s\n", s[i].key, s[i].type);
                put_sentence(s[i].help);
                if (s[i].def && *s[i].def) {
                        printf("The default is\n.Ql ");
                        put_word(s[i].def, strlen(s[i].def), false);
                        printf(" .\n");
                }
        }
        printf(".El\n");
}

static int part_section(struct page *p)
{
        const struct core_section *s = core_section(p);

        if (s)
                put_settings(s->settings);
        return s ? 0 : p->err->code;
}

static int part_toggles(struct page *p)
{
        if (!p->plugins.n)
                return 0;
        printf(".Pp\nThe plugins of this program are:\n.Bl -tag -width Ds\n");
        for (size_t i = 0; i < p->plugins.n; i++) {
                printf(".It Ic %s\n", p->plugins.items[i].name);
                put_sentence(p->plugins.items[i].plugin->summary);
        }
        printf(".El\n");
        return 0;
}

static int part_settings(struct page *p)
{
        for (size_t i = 0; i < p->plugins.n; i++) {
                const struct ec_plugin *q = p->plugins.items[i].plugin;

                if (!q->settings.count)
                        continue;
                printf(".Ss Section %s\n", q->name);
                put_settings(&q->settings);
        }
        return 0;
}

/* ---- files of the sources ------------------------------------------------ */

static int copy_template(struct page *p, FILE *f, const char *name);

/* The prose of the plugins, from plugins/NAME/man.mdoc. */
static int part_prose(struct page *p)
{
        for (size_t i = 0; i < p->plugins.n; i++) {
                _cleanup_free_ char *path = str_printf("%s/plugins/%s/man.mdoc", p->source, p->plugins.items[i].name);
                FILE *f = path ? fopen(path, "re") : NULL;
                int r;

                if (!path)
                        return err_oom(p->err);
                if (!f && errno == ENOENT)
                        continue;
                if (!f)
                        return err_set(p->err, -errno, "cannot open '%s': %s", path, strerror(errno));
                r = copy_template(p, f, path);
                fclose(f);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- templates ----------------------------------------------------------- */

static const struct {
        const char *name;
        int (*put)(struct page *p);
} parts[] = {
        { "usage", part_usage },       /* a line of SYNOPSIS for each command */
        { "commands", part_commands }, /* the commands, with their own options */
        { "scopes", part_scopes },     /* the phases of each command */
        { "options", part_options },   /* options that several commands accept */
        { "leading", part_leading },   /* options before the command */
        { "prose", part_prose },       /* text of plugins */
        { "toggles", part_toggles },   /* the keys of [plugins] */
        { "section", part_section },   /* SECTION: the keys of one of the program's own */
        { "settings", part_settings }, /* the sections of plugins */
        { "header", part_header },     /* plugin.h */
        /* In the INI: */
        { "ini-toggles", part_ini_toggles },
        { "ini-section", part_ini_section },
        { "ini-settings", part_ini_settings },
        { "json", part_json },   /* SECTION: its settings, for the NixOS module */
        { "words", part_words }, /* commands and options of plugins, for tests */
        { "keys", part_keys },   /* all settings, for tests */
};

static const struct {
        const char *name, *value;
} words[] = {
        { "@VERSION@", EC_VERSION },      { "@DATE@", EC_DATE },        { "@SYSCONFDIR@", EC_SYSCONF_DIR },
        { "@PLUGINDIR@", EC_PLUGIN_DIR }, { "@DATADIR@", EC_DATA_DIR },
};

static void put_line(const char *s)
{
        while (*s) {
                size_t i = 0;

                while (i < ARRAY_SIZE(words) && !str_after(s, words[i].name))
                        i++;
                if (i < ARRAY_SIZE(words)) {
                        fputs(words[i].value, stdout);
                        s += strlen(words[i].name);
                } else
                        putchar(*s++);
        }
        putchar('\n');
}

static int put_part(struct page *p, char *line, const char *name, size_t number)
{
        char *arg = strchr(line, ' ');
        size_t i = 0;

        if (arg)
                *arg++ = 0;
        p->arg = arg;
        while (i < ARRAY_SIZE(parts) && strcmp(line + 1, parts[i].name))
                i++;
        if (i == ARRAY_SIZE(parts))
                return err_set(p->err, -EINVAL, "%s:%zu: there is no part '%s'", name, number, line);
        return parts[i].put(p);
}

static int copy_template(struct page *p, FILE *f, const char *name)
{
        _cleanup_free_ char *line = NULL;
        size_t size = 0, number = 0;
        ssize_t n;
        int r = 0;

        while (r >= 0 && (n = getline(&line, &size, f)) >= 0) {
                number++;
                if (n && line[n - 1] == '\n')
                        line[--n] = 0;
                if (!strncmp(line, ".\\\"", 3)) /* a comment */
                        continue;
                if (*line != '@' || strchr(line + 1, '@'))
                        put_line(line);
                else
                        r = put_part(p, line, name, number);
        }
        if (r >= 0 && ferror(f))
                r = err_set(p->err, -EIO, "cannot read '%s'", name);
        return r;
}

static int page_make(struct page *p, const char *template, const char *plugins)
{
        const char *const dirs[] = { plugins, NULL };
        struct plugin_search s = { .builtin = builtin_commands, .dirs = dirs };
        FILE *f;
        int r = plugins_load(&s, &p->plugins, p->err);

        for (size_t i = 0; r >= 0 && i < p->plugins.n; i++)
                if (p->plugins.items[i].state != PLUGIN_LOADED)
                        r = err_set(p->err, -EINVAL, "plugin %s: %s", p->plugins.items[i].name,
                                    p->plugins.items[i].reason ?: "not loaded");
        if (r >= 0)
                r = commands_list(&p->plugins, &p->commands, p->err);
        if (r < 0)
                return r;
        f = fopen(template, "re");
        if (!f)
                return err_set(p->err, -errno, "cannot open '%s': %s", template, strerror(errno));
        r = copy_template(p, f, template);
        fclose(f);
        if (r >= 0 && (fflush(stdout) || ferror(stdout)))
                r = err_set(p->err, -EIO, "cannot write the page");
        return r;
}

int main(int argc, char **argv)
{
        struct ec_err err = { 0 };
        struct page p = { .err = &err };
        int r;

        if (argc != 4) {
                fprintf(stderr, "usage: man TEMPLATE PLUGINS SOURCE\n");
                return 2;
        }
        p.source = argv[3];
        r = page_make(&p, argv[1], argv[2]);
        if (r < 0)
                fprintf(stderr, "man: %s\n", err_msg(&err));
        free(p.commands);
        plugins_done(&p.plugins);
        err_done(&err);
        return r < 0;
}
