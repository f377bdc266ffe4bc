/* SPDX-License-Identifier: MIT */
/* Completion of the command line, from the same tables that parse it. */
#include "cli/complete.h"

#include <string.h>

#include "cli/app.h"
#include "cli/command.h"
#include "model/containers/containers.h"
#include "model/containers/select.h"
#include "plugin/core_options.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/err.h"
#include "util/strv.h"

#define KIND_FILE    (1U << 0)
#define KIND_DIR     (1U << 1)
#define KIND_NAME    (1U << 2) /* of an installed container */
#define KIND_HOST    (1U << 4) /* with KIND_NAME: of any origin */
#define KIND_COMMAND (1U << 3) /* of this program; only in its own synopses */

/* The words before the one to complete. */
struct position {
        const struct option_set *set;
        const char **given; /* names of options; NULL-terminated */
        size_t n_given, n_args;
        const struct ec_option *value; /* the word is its value */
        const struct ec_option *rest;  /* the word is one of its values */
        bool words;                    /* no more options */
};

static bool is_option(const char *word)
{
        return word[0] == '-' && word[1];
}

/* ---- kinds of words ----------------------------------------------------- */

/* One word of a synopsis, or a metavar: "[NAME...]". */
static unsigned kind_of(const char *s)
{
        static const struct {
                const char *word;
                unsigned kind;
        } kinds[] = {
                { "DEFINITION", KIND_FILE }, { "FILE", KIND_FILE }, { "DIR", KIND_DIR },
                { "NAME", KIND_NAME },       { "CMD", KIND_FILE },  { "COMMAND", KIND_COMMAND },
        };
        size_t len;

        s += strspn(s, "[");
        len = strcspn(s, "].");
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (len == strlen(kinds[i].word) && !strncmp(s, kinds[i].word, len))
                        return kinds[i].kind;
        return 0;
}

/* What argument number `at` may be: "NAME... | DEFINITION [NAME...] | --all". */
static unsigned argument_kinds(const char *synopsis, size_t at)
{
        _cleanup_strv_ char **words = strv_split(synopsis, " ");
        const char *last = NULL;
        unsigned kinds = 0;
        size_t i = 0;

        for (char **w = words; w; w++) {
                if (*w && **w != '|') {
                        if (i++ == at && **w != '-')
                                kinds |= kind_of(*w);
                        last = *w;
                        continue;
                }
                /* The end of one alternative: its last word may be repeated. */
                if (last && i <= at && strstr(last, "..."))
                        kinds |= kind_of(last);
                if (!*w)
                        break;
                i = 0;
                last = NULL;
        }
        return kinds;
}

/* ---- offers ------------------------------------------------------------- */

/* Tabs and line ends separate what is printed. */
static void offer(const char *word, const char *text)
{
        term_out("%s\t", word);
        for (; *text; text++)
                term_out("%c", *text == '\t' || *text == '\n' ? ' ' : *text);
        term_out("\n");
}

static int offer_commands(const struct app *a, struct ec_err *err)
{
        _cleanup_free_ struct command_ref *commands = NULL;
        int r = commands_list(&a->plugins, &commands, err);

        for (size_t i = 0; r >= 0 && commands[i].command; i++) {
                const struct ec_command *c = commands[i].command;

                offer(c->name, c->summary);
                if (c->alias)
                        offer(c->alias, c->summary);
        }
        return r;
}

/* If the host cannot be read, there are no names to offer: not an error while typing. */
static void offer_names(struct app *a, bool of_host, const char *const *taken)
{
        _cleanup_(container_list_done) struct container_list list = { 0 };
        struct ec_err err = { 0 };

        if (layout_init(&a->layout, a->conf, &err) < 0 ||
            (of_host ? containers_of_host : containers_installed)(&a->layout, &list, &err) < 0)
                log_debug("%s", err_msg(&err));
        for (size_t i = 0; i < list.n; i++)
                if (!strv_contains(taken, list.items[i]->name))
                        offer(list.items[i]->name, "container");
        err_done(&err);
}

static int offer_kinds(struct app *a, unsigned kinds, const char *word, const char *const *taken, struct ec_err *err)
{
        /* If names and files are possible, a word that begins like a path is one, as for the commands themselves. */
        bool path = *word == '.' || *word == '/';

        if (kinds & KIND_FILE && (!(kinds & KIND_NAME) || path))
                term_out(":files\n");
        if (kinds & KIND_DIR)
                term_out(":dirs\n");
        if (kinds & KIND_NAME && !(kinds & KIND_FILE && path))
                offer_names(a, kinds & KIND_HOST, taken);
        return kinds & KIND_COMMAND ? offer_commands(a, err) : 0;
}

static void offer_option(const struct ec_option *o, int short_name, const char *word)
{
        char name[3] = { '-', short_name };
        _cleanup_free_ char *s = str_printf("--%s", o->name);

        if (o->flags & EC_OPT_HIDDEN)
                return;
        if (short_name && word[1] != '-')
                offer(name, o->help);
        if (s)
                offer(s, o->help);
}

static void offer_options(const struct position *p, const char *word)
{
        for (size_t i = 0; i < p->set->n; i++) {
                const struct option_ref *ref = &p->set->items[i];
                const struct ec_option *o = ref->option;

                if ((strv_contains(p->given, o->name) && !(o->flags & EC_OPT_REPEAT)) ||
                    (p->rest && !(o->flags & EC_OPT_FINAL)))
                        continue;
                offer_option(o, option_set_short(p->set, ref), word);
        }
}

/* ---- the position of the word ------------------------------------------- */

static const struct option_ref *find_short(const struct option_set *set, char c)
{
        for (size_t i = 0; i < set->n; i++)
                if (option_set_short(set, &set->items[i]) == c)
                        return &set->items[i];
        return NULL;
}

static void option_seen(struct position *p, const struct ec_option *o, bool has_value)
{
        p->given[p->n_given++] = o->name;
        p->rest = o->arg == EC_ARG_REST ? o : NULL;
        p->value = o->arg == EC_ARG_ONE && !has_value ? o : NULL;
}

static void step_option(struct position *p, const char *word)
{
        const struct option_ref *ref;

        if (word[1] == '-') {
                ref = option_set_find(p->set, word + 2, strcspn(word + 2, "="));
                if (ref)
                        option_seen(p, ref->option, strchr(word, '=') != NULL);
                return;
        }
        /* -sA: the last letter may take a value; a letter before it has its value in the word. */
        for (const char *c = word + 1; *c; c++) {
                ref = find_short(p->set, *c);
                if (!ref)
                        return;
                if (c[1] && ref->option->arg == EC_ARG_NONE)
                        continue;
                option_seen(p, ref->option, c[1]);
                return;
        }
}

static bool ends_rest(const struct position *p, const char *word)
{
        const struct option_ref *ref = is_option(word) && word[1] == '-'
                                               ? option_set_find(p->set, word + 2, strlen(word + 2))
                                               : NULL;

        return ref && ref->option->flags & EC_OPT_FINAL;
}

static void step(struct position *p, const struct ec_command *c, const char *word)
{
        if (p->value)
                p->value = NULL;
        else if (p->words)
                p->n_args++;
        else if (p->rest && !ends_rest(p, word))
                return;
        else if (!strcmp(word, "--"))
                p->words = true;
        else if (is_option(word))
                step_option(p, word);
        else {
                p->n_args++;
                p->words = c->flags & EC_CMD_WORDS;
        }
}

static int complete_command(struct app *a, const struct command_ref *ref, const char *const *words, struct ec_err *err)
{
        _cleanup_(option_set_done) struct option_set set = { 0 };
        _cleanup_free_ const char **given = NULL;
        struct position p = { .set = &set };
        const char *const *first = words;
        const char *equals;
        unsigned kinds;
        int r = command_options(&a->plugins, ref, &set, err);

        if (r < 0)
                return r;
        p.given = given = calloc(strv_len(words) + 1, sizeof(*given));
        if (!given)
                return err_oom(err);
        for (; words[1]; words++)
                step(&p, ref->command, *words);
        if (ref->command->flags & EC_CMD_DEFINITION && strv_contains(given, "expr"))
                p.n_args++; /* the expression is the definition */

        equals = strchr(*words, '=');
        if (p.value)
                return offer_kinds(a, kind_of(p.value->metavar) & ~KIND_COMMAND, *words, NULL, err);
        if (is_option(*words) && words[0][1] == '-' && equals && !p.words && !p.rest) {
                const struct option_ref *o = option_set_find(&set, *words + 2, equals - *words - 2);

                return o && o->option->arg == EC_ARG_ONE
                               ? offer_kinds(a, kind_of(o->option->metavar) & ~KIND_COMMAND, equals + 1, NULL, err)
                               : 0;
        }
        if (**words == '-' && !p.words) {
                offer_options(&p, *words);
                return 0;
        }
        if (p.rest)
                return offer_kinds(a, KIND_FILE, *words, NULL, err);
        kinds = argument_kinds(ref->command->synopsis, p.n_args) & (ref->plugin ? ~KIND_COMMAND : ~0U);
        /* A command without a definition is for all containers. */
        if (kinds & KIND_NAME && !(ref->command->scopes & EC_SCOPE_BUILD))
                kinds |= KIND_HOST;
        return offer_kinds(a, kinds, *words, first, err);
}

/* The program's own options, which come before a command. */
static void offer_leading(const char *word)
{
        const struct ec_option *o = core_options.items;

        for (uint32_t i = 0; i < core_options.count; i++)
                if (!o[i].scopes)
                        offer_option(&o[i], o[i].short_name, word);
        offer_option(&option_version, 0, word);
}

int complete_words(struct app *a, const char *const *words, struct ec_err *err)
{
        struct command_ref ref;

        if (!words[0])
                return offer_commands(a, err);
        for (; words[1]; words++) {
                if (!strcmp(*words, "--config")) {
                        if (!words[2])
                                return offer_kinds(a, KIND_FILE, words[1], NULL, err);
                        words++;
                } else if (!is_option(*words)) {
                        break;
                }
        }
        if (words[1]) {
                if (command_find(&a->plugins, *words, &ref))
                        return complete_command(a, &ref, words + 1, err);
                return offer_kinds(a, KIND_NAME, words[1], NULL, err); /* of nixos-container */
        }
        if (str_after(*words, "--config="))
                return offer_kinds(a, KIND_FILE, str_after(*words, "--config="), NULL, err);
        if (**words == '-') {
                offer_leading(*words);
                return 0;
        }
        return offer_commands(a, err);
}
