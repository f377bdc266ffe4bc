/* SPDX-License-Identifier: MIT */
#include "model/operation/options.h"

#include <string.h>

#include "svc/conf/conf.h"
#include "svc/conf/file.h"
#include "svc/nix/args.h"
#include "util/err.h"
#include "util/strv.h"

/* One option that was given. */
struct given {
        const struct ec_option *option;
        char **values;
        int times;
};

struct parsed_options {
        struct given *items;
        size_t n;
        char **args;
};

/* The state of the parser. */
struct parser {
        const struct option_set *set;
        const struct ec_command *cmd;
        const char *const *argv; /* the remaining words */
        struct parsed_options *parsed;
};

static const char *const no_values[] = { NULL };

int option_set_add(struct option_set *set, const struct ec_option *o, const char *plugin, bool own)
{
        struct option_ref *items = reallocarray(set->items, set->n + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        set->items = items;
        set->items[set->n++] = (struct option_ref){ .option = o, .plugin = plugin, .own = own };
        return 0;
}

void option_set_done(struct option_set *set)
{
        free(set->items);
        set->items = NULL;
        set->n = 0;
}

const struct option_ref *option_set_find(const struct option_set *set, const char *name, size_t len)
{
        for (size_t i = 0; i < set->n; i++) {
                const char *s = set->items[i].option->name;

                if (strlen(s) == len && !memcmp(s, name, len))
                        return &set->items[i];
        }
        return NULL;
}

static const struct option_ref *find_short(const struct option_set *set, int c)
{
        for (size_t i = 0; i < set->n; i++)
                if (set->items[i].own && set->items[i].option->short_name == c)
                        return &set->items[i];
        for (size_t i = 0; i < set->n; i++)
                if (!set->items[i].own && !set->items[i].plugin && set->items[i].option->short_name == c)
                        return &set->items[i];
        return NULL;
}

int option_set_short(const struct option_set *set, const struct option_ref *ref)
{
        int c = ref->option->short_name;

        return c && find_short(set, c) == ref ? c : 0;
}

/* Does this word end an EC_ARG_REST? Only the exact name of a final option does. */
static bool ends_rest(const struct option_set *set, const char *word)
{
        const struct option_ref *ref = NULL;
        const char *name = str_after(word, "--");

        if (name)
                ref = option_set_find(set, name, strcspn(name, "="));
        else if (word[0] == '-' && word[1] && !word[2])
                ref = find_short(set, (unsigned char)word[1]);
        return ref && ref->option->flags & EC_OPT_FINAL;
}

static struct given *given_find(const struct parsed_options *p, const char *name)
{
        for (size_t i = 0; p && i < p->n; i++)
                if (!strcmp(p->items[i].option->name, name))
                        return &p->items[i];
        return NULL;
}

static int given_add(struct parsed_options *p, const struct ec_option *o, struct given **ret)
{
        struct given *g = given_find(p, o->name);

        if (!g) {
                struct given *items = reallocarray(p->items, p->n + 1, sizeof(*items));

                if (!items)
                        return -ENOMEM;
                p->items = items;
                g = &items[p->n++];
                *g = (struct given){ .option = o };
        }
        g->times++;
        *ret = g;
        return 0;
}

/* The only one of the names that continues this word: "--update" is "--update-changed". */
static const char *longer_name(const char *word, char *const *names)
{
        size_t n = strcspn(word, "=");
        const char *found = NULL;

        for (; names && *names; names++) {
                if (strncmp(*names, word, n) || (*names)[n] != '-')
                        continue;
                if (found)
                        return NULL;
                found = *names;
        }
        return found;
}

/* Options of nixos-container and others with which a definition is given there. */
static bool gives_definition(const char *word)
{
        static const char *const names[] = { "--flake", "--file", "--config-file" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strlen(names[i]) == strcspn(word, "=") && str_after(word, names[i]))
                        return true;
        return false;
}

static int unknown_option(const struct parser *p, const char *word, struct ec_err *err)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *owners = NULL;
        const char *near;

        if (p->set->unknown) {
                int r = p->set->unknown(p->set->data, word, err);

                if (r < 0)
                        return r;
        }
        if (option_set_find(p->set, "build-args", strlen("build-args")) && nix_takes_option(word))
                return err_usage(err, "%s: unknown option '%s'; options of Nix go after --build-args", p->cmd->name,
                                 word);
        if (p->cmd->flags & EC_CMD_DEFINITION && gives_definition(word))
                return err_usage(err,
                                 "%s: unknown option '%s'; give the definition alone, as in '%s FILE' or '%s .#NAME'",
                                 p->cmd->name, word, p->cmd->name, p->cmd->name);
        owners = p->set->owners ? p->set->owners(p->set->data, word) : NULL;
        if (owners)
                return err_usage(err, "%s: unknown option '%s'; it belongs to %s", p->cmd->name, word, owners);
        for (size_t i = 0; i < p->set->n; i++) {
                const struct option_ref *ref = &p->set->items[i];

                if (!(ref->option->flags & EC_OPT_HIDDEN) && strv_pushf(&names, "--%s", ref->option->name) < 0)
                        return err_oom(err);
        }
        near = longer_name(word, names);
        if (!near)
                near = str_nearest(word, STRV_CONST(names));
        if (near)
                return err_usage(err, "%s: unknown option '%s', did you mean '%s'?", p->cmd->name, word, near);
        return err_usage(err, "%s: unknown option '%s'", p->cmd->name, word);
}

static int check_type(const struct parser *p, const struct ec_option *o, const char *shown, const char *value,
                      struct ec_err *err)
{
        const char *wanted = o->type ? conf_mismatch(o->type, value) : NULL;

        return wanted ? err_usage(err, "%s: option '%s' needs %s, not '%s'", p->cmd->name, shown, wanted, value) : 0;
}

/* Stores one option; `attached` is the value in the same word, or NULL. `shown` is how the user wrote it. `alone`: in
 * the form "--name=VALUE", a REST option takes only that word. */
static int take_option(struct parser *p, const struct option_ref *ref, const char *shown, const char *attached,
                       bool alone, struct ec_err *err)
{
        const struct ec_option *o = ref->option;
        struct given *g;

        if (given_add(p->parsed, o, &g) < 0)
                return err_oom(err);

        switch (o->arg) {
        case EC_ARG_NONE:
                if (attached)
                        return err_usage(err, "%s: option '%s' takes no value", p->cmd->name, shown);
                return 0;
        case EC_ARG_ONE:
                if (!attached && *p->argv)
                        attached = *p->argv++;
                if (!attached)
                        return err_usage(err, "%s: option '%s' needs a value (%s)", p->cmd->name, shown, o->metavar);
                if (check_type(p, o, shown, attached, err) < 0)
                        return -EINVAL;
                if (!(o->flags & EC_OPT_REPEAT)) { /* the last one wins */
                        strv_free(g->values);
                        g->values = NULL;
                }
                return strv_push(&g->values, attached) < 0 ? err_oom(err) : 0;
        default:
                if (attached && strv_push(&g->values, attached) < 0)
                        return err_oom(err);
                while (!alone && *p->argv && (o->flags & EC_OPT_FINAL || !ends_rest(p->set, *p->argv)))
                        if (strv_push(&g->values, *p->argv++) < 0)
                                return err_oom(err);
                /* An empty list of build arguments is harmless, a command of no words is not. */
                if (!g->values && o->flags & EC_OPT_FINAL)
                        return err_usage(err, "%s: option '%s' needs a command (%s)", p->cmd->name, shown, o->metavar);
                return 0;
        }
}

static int take_long(struct parser *p, const char *word, struct ec_err *err)
{
        const char *name = word + 2, *eq = strchrnul(name, '=');
        const struct option_ref *ref = option_set_find(p->set, name, eq - name);
        _cleanup_free_ char *shown = strndup(word, eq == name ? strlen(word) : (size_t)(eq - word));

        if (!shown)
                return err_oom(err);
        if (!ref)
                return unknown_option(p, shown, err);
        return take_option(p, ref, shown, *eq ? eq + 1 : NULL, *eq, err);
}

static int take_short(struct parser *p, const char *word, struct ec_err *err)
{
        for (const char *c = word + 1; *c; c++) {
                char shown[] = { '-', *c, 0 };
                const struct option_ref *ref = find_short(p->set, (unsigned char)*c);
                int r;

                if (!ref && option_set_find(p->set, word + 1, strcspn(word + 1, "=")))
                        return err_usage(err, "%s: unknown option '%s', did you mean '-%s'?", p->cmd->name, word, word);
                if (!ref)
                        return unknown_option(p, (unsigned char)*c < 0x80 ? shown : word, err);
                if (ref->option->arg == EC_ARG_NONE) {
                        r = take_option(p, ref, shown, NULL, false, err);
                        if (r < 0)
                                return r;
                        continue;
                }
                return take_option(p, ref, shown, c[1] ? c + 1 : NULL, false, err);
        }
        return 0;
}

static int parse(struct parser *p, struct ec_err *err)
{
        while (*p->argv) {
                const char *word = *p->argv++;
                int r;

                if (!strcmp(word, "--"))
                        break;
                if (word[0] == '-' && word[1] == '-')
                        r = take_long(p, word, err);
                else if (word[0] == '-' && word[1])
                        r = take_short(p, word, err);
                else {
                        r = strv_push(&p->parsed->args, word) < 0 ? err_oom(err) : 0;
                        if (r == 0 && p->cmd->flags & EC_CMD_WORDS)
                                break;
                }
                if (r < 0)
                        return r;
        }
        while (*p->argv)
                if (strv_push(&p->parsed->args, *p->argv++) < 0)
                        return err_oom(err);
        return 0;
}

int options_parse(const struct option_set *set, const struct ec_command *cmd, const char *const *argv,
                  struct parsed_options **ret, struct ec_err *err)
{
        _cleanup_(cleanup_options_free) struct parsed_options *parsed = calloc(1, sizeof(*parsed));
        struct parser p = { .set = set, .cmd = cmd, .argv = argv, .parsed = parsed };
        int r;

        if (!parsed)
                return err_oom(err);
        r = parse(&p, err);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(parsed);
        return 0;
}

void options_free(struct parsed_options *p)
{
        if (!p)
                return;
        for (size_t i = 0; i < p->n; i++)
                strv_free(p->items[i].values);
        free(p->items);
        strv_free(p->args);
        free(p);
}

int options_is_set(const struct parsed_options *p, const char *name)
{
        const struct given *g = given_find(p, name);

        return g ? g->times : 0;
}

const char *options_value(const struct parsed_options *p, const char *name)
{
        const char *const *v = options_values(p, name);
        size_t n = strv_len(v);

        return n ? v[n - 1] : NULL;
}

const char *const *options_values(const struct parsed_options *p, const char *name)
{
        const struct given *g = given_find(p, name);

        return g && g->values ? STRV_CONST(g->values) : no_values;
}

const char *const *options_args(const struct parsed_options *p)
{
        return p && p->args ? STRV_CONST(p->args) : no_values;
}

int options_given(const struct parsed_options *p, uint32_t scopes, char ***ret)
{
        _cleanup_strv_ char **names = NULL;

        for (size_t i = 0; p && i < p->n; i++)
                if (p->items[i].option->scopes & scopes && strv_push(&names, p->items[i].option->name) < 0)
                        return -ENOMEM;
        *ret = TAKE_PTR(names);
        return 0;
}

uint64_t options_ms(const struct parsed_options *p, const char *name)
{
        const char *value = options_value(p, name);
        uint64_t ms = 0;

        return value && conf_parse_ms(value, &ms) ? ms : 0;
}
