/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include <string.h>

#include "cli/app.h"
#include "plugin/core_options.h"
#include "plugin/loader.h"
#include "svc/term/term.h"
#include "util/err.h"
#include "util/strv.h"

#define LEFT_MAX 28 /* columns of the left side; a longer entry gets a line of its own */

/* Characters of a string; in our texts, each is one column wide. */
static size_t columns(const char *s, size_t len)
{
        size_t n = 0;

        for (size_t i = 0; i < len; i++)
                n += ((unsigned char)s[i] & 0xc0) != 0x80;
        return n;
}

/* Prints one paragraph of `len` bytes, filled; the cursor is at column `at`. */
static void fill(const char *s, size_t len, size_t at, size_t indent, size_t width)
{
        const char *end = s + len;
        bool first = true;

        while (s < end) {
                size_t word = 0, cols;

                while (s < end && (*s == ' ' || *s == '\n'))
                        s++;
                while (s + word < end && s[word] != ' ' && s[word] != '\n')
                        word++;
                if (!word)
                        break;
                cols = columns(s, word);
                if (!first && at + 1 + cols > width) {
                        term_out("\n%*s", (int)indent, "");
                        at = indent;
                        first = true;
                }
                term_out("%s%.*s", first ? "" : " ", (int)word, s);
                at += cols + !first;
                first = false;
                s += word;
        }
        term_out("\n");
}

/* Empty lines separate paragraphs; lines that begin with a space are kept as they are. */
static void paragraphs(const char *text, size_t width)
{
        while (*text) {
                const char *end = text;

                if (*text == '\n') {
                        term_out("\n");
                        text++;
                        continue;
                }
                if (*text == ' ') {
                        end = strchrnul(text, '\n');
                        term_out("%.*s\n", (int)(end - text), text);
                } else {
                        do
                                end = strchrnul(*end == '\n' ? end + 1 : end, '\n');
                        while (*end && end[1] && end[1] != '\n' && end[1] != ' ');
                        fill(text, end - text, 0, 0, width);
                }
                text = *end ? end + 1 : end;
        }
}

/* The left column's width for "left\tright" each, in all groups of a page. */
static void widen(size_t *left_width, char *const *v)
{
        for (; v && *v; v++) {
                size_t cols = columns(*v, strcspn(*v, "\t"));

                if (cols > *left_width && cols <= LEFT_MAX)
                        *left_width = cols;
        }
}

static void rows(char *const *v, size_t left_width, size_t width)
{
        for (; v && *v; v++) {
                size_t len = strcspn(*v, "\t"), cols = columns(*v, len);
                const char *right = *v + len + 1;

                term_out("  %.*s", (int)len, *v);
                if (cols > left_width) {
                        term_out("\n  ");
                        cols = 0;
                }
                term_out("%*s  ", (int)(left_width - cols), "");
                fill(right, strlen(right), left_width + 4, left_width + 4, width);
        }
}

static int push_option(char ***v, const struct ec_option *o, int short_name)
{
        char dash[] = "    ";

        if (o->flags & EC_OPT_HIDDEN)
                return 0;
        if (short_name) {
                dash[0] = '-';
                dash[1] = short_name;
                dash[2] = ',';
        }
        return strv_pushf(v, "%s--%s%s%s\t%s", dash, o->name, o->arg ? " " : "", o->arg ? o->metavar : "", o->help);
}

#define OWN    "" /* of the command */
#define COMMON "-"

/* The options that are printed under one heading: OWN, COMMON, or the name of a plugin. */
static const char *group_of(const struct option_ref *o)
{
        return o->own ? OWN : o->plugin ?: COMMON;
}

/* "left\tright" of each option of the group; of all options if it is NULL. */
static int group_rows(const struct option_set *set, const char *group, char ***ret, struct ec_err *err)
{
        for (size_t i = 0; i < set->n; i++)
                if ((!group || !strcmp(group_of(&set->items[i]), group)) &&
                    push_option(ret, set->items[i].option, option_set_short(set, &set->items[i])) < 0)
                        return err_oom(err);
        return 0;
}

static int print_group(const struct option_set *set, const char *group, const char *title, size_t left_width,
                       size_t width, struct ec_err *err)
{
        _cleanup_strv_ char **v = NULL;
        int r = group_rows(set, group, &v, err);

        if (r >= 0 && v) {
                term_out("\n%s\n", title);
                rows(v, left_width, width);
        }
        return r;
}

static int print_groups(const struct plugins *l, const struct option_set *set, size_t width, struct ec_err *err)
{
        _cleanup_strv_ char **all = NULL;
        size_t left_width = 0;
        int r = group_rows(set, NULL, &all, err);

        widen(&left_width, all);
        if (r >= 0)
                r = print_group(set, OWN, "Options:", left_width, width, err);
        for (size_t i = 0; r >= 0 && i < l->n; i++) {
                _cleanup_free_ char *title = str_printf("Options of %s:", l->items[i].name);

                r = title ? print_group(set, l->items[i].name, title, left_width, width, err) : err_oom(err);
        }
        return r < 0 ? r : print_group(set, COMMON, "Common options:", left_width, width, err);
}

int help_command(const struct plugins *l, const struct command_ref *ref, struct ec_err *err)
{
        const struct ec_command *c = ref->command;
        _cleanup_(option_set_done) struct option_set set = { 0 };
        size_t width = term_stdout_columns();
        int r = command_options(l, ref, &set, err);

        if (r < 0)
                return r;
        term_out("Usage: extra-container %s [OPTION...]%s%s\n", c->name, *c->synopsis ? " " : "", c->synopsis);
        if (c->alias)
                term_out("       extra-container %s ...\n", c->alias);
        term_out("\n");
        term_out("%s.\n", c->summary);
        if (c->details) {
                term_out("\n");
                paragraphs(c->details, width);
        }
        return print_groups(l, &set, width, err);
}

static int overview(const struct plugins *l, struct ec_err *err)
{
        _cleanup_free_ struct command_ref *commands = NULL;
        _cleanup_strv_ char **v = NULL, **o = NULL;
        const struct ec_option *core = core_options.items;
        size_t width = term_stdout_columns(), left_width = 0;
        int r = commands_list(l, &commands, err);

        if (r < 0)
                return r;
        for (size_t i = 0; commands[i].command; i++) {
                const struct ec_command *c = commands[i].command;

                if (strv_pushf(&v, "%s%s%s\t%s", c->name, c->alias ? ", " : "", c->alias ?: "", c->summary) < 0)
                        return err_oom(err);
        }
        for (uint32_t i = 0; i < core_options.count; i++)
                if (!core[i].scopes && push_option(&o, &core[i], core[i].short_name) < 0)
                        return err_oom(err);
        if (push_option(&o, &option_version, 0) < 0)
                return err_oom(err);

        term_out("Usage: extra-container [OPTION...] COMMAND [ARGUMENT...]\n\n");
        paragraphs("Declarative NixOS containers without rebuilding the host.", width);
        widen(&left_width, v);
        widen(&left_width, o);
        term_out("\nCommands:\n");
        rows(v, left_width, width);
        term_out("\nOptions:\n");
        rows(o, left_width, width);
        term_out("\n");
        paragraphs("'extra-container help COMMAND' documents a command. Those of nixos-container are passed "
                   "on to it, if it is installed.",
                   width);
        return 0;
}

int help_word(struct app *a, const char *word, struct ec_err *err)
{
        struct command_ref ref;

        if (!word) {
                app_warn_conf(a);
                return overview(&a->plugins, err);
        }
        if (!command_find(&a->plugins, word, &ref))
                return app_unknown_command(a, word, NULL, err);
        return help_command(&a->plugins, &ref, err);
}
