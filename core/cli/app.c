/* SPDX-License-Identifier: MIT */
#include "cli/app.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/forward.h"
#include "cli/hints.h"
#include "model/deploy/outcome.h"
#include "svc/conf/conf.h"
#include "svc/process/env.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/name.h"
#include "util/strv.h"

/* ---- configuration ----------------------------------------------------- */

/* A key of [plugins]: the path, or the name of a plugin. */
static int declare_key(struct conf *c, const char *key, struct ec_err *err)
{
        const struct ec_setting setting = { .key = key, .type = "string" };

        return conf_declare(c, "plugins", &(struct ec_array){ &setting, 1, sizeof(setting) }, err);
}

/* A plugin's section: a value of the wrong type only rejects that plugin. */
static int declare_plugin(struct app *a, struct plugin *p, struct ec_err *err)
{
        struct ec_err e = { 0 };

        if (p->state == PLUGIN_LOADED && p->plugin->settings.count &&
            conf_declare(a->conf, p->name, &p->plugin->settings, &e) < 0 && plugin_reject(p, &e) < 0)
                return err_oom(err);
        if (p->state != PLUGIN_LOADED)
                conf_ignore(a->conf, p->name);
        return plugin_name_valid(p->name) ? declare_key(a->conf, p->name, err) : 0;
}

/* ---- start and end ----------------------------------------------------- */

static int load_conf(struct app *a, const char *config, struct ec_err *err)
{
        int r = conf_load(&a->conf, config, &a->conf_err);

        if (r >= 0)
                r = conf_declare(a->conf, "paths", &layout_settings, &a->conf_err);
        if (r >= 0)
                r = conf_declare(a->conf, "start", &start_settings, &a->conf_err);
        if (r >= 0)
                return 0;
        if (a->conf)
                conf_free(a->conf);
        return conf_new(&a->conf, err);
}

static int load_plugins(struct app *a, const struct ec_array *builtin, struct ec_err *err)
{
        struct plugin_search s = { .builtin = *builtin, .own = EC_OWN_PLUGINS, .check_trust = geteuid() == 0 };
        _cleanup_strv_ char **dirs = NULL;
        int r;

        /* Without the configuration, it is not known which plugins are off and must not be opened. */
        if (a->conf_err.code)
                return plugins_load(&s, &a->plugins, err);
        r = plugins_search_path(a->conf, EC_PLUGIN_DIR, &dirs, err);
        if (r < 0)
                return r;
        s.dirs = STRV_CONST(dirs);
        s.conf = a->conf;
        r = declare_key(a->conf, PLUGIN_PATH_KEY, err);
        if (r >= 0)
                r = plugins_load(&s, &a->plugins, err);
        for (size_t i = 0; r >= 0 && i < a->plugins.n; i++)
                r = declare_plugin(a, &a->plugins.items[i], err);
        return r;
}

int app_load(struct app *a, const char *config, const struct ec_array *builtin, struct ec_err *err)
{
        int r;

        if (config) {
                a->config = strdup(config);
                if (!a->config)
                        return err_oom(err);
        }
        r = load_conf(a, config, err);
        if (r < 0)
                return r;
        r = load_plugins(a, builtin, err);
        if (r == -ENOMEM || r >= 0)
                return r;
        /* A broken section [plugins]. */
        plugins_done(&a->plugins);
        err_move(&a->conf_err, err);
        return load_plugins(a, builtin, err);
}

int app_check_conf(struct app *a, struct ec_err *err)
{
        int r = a->conf_err.code;

        if (r)
                err_move(err, &a->conf_err);
        return r;
}

/* Help works with a broken configuration, but then shows no plugin. */
void app_warn_conf(const struct app *a)
{
        if (a->conf_err.code)
                log_warn("%s: no plugin is loaded until that is corrected", err_msg(&a->conf_err));
}

int app_start(struct app *a, struct ec_err *err)
{
        int r = layout_init(&a->layout, a->conf, err);

        if (r < 0)
                return r;
        a->ctx = (struct host_context){ .conf = a->conf, .layout = &a->layout, .program = a->program };
        return plugins_start(&a->plugins, &a->ctx, &a->registry, err);
}

int app_check_used(const struct app *a, const struct command_ref *ref, const struct parsed_options *options,
                   struct ec_err *err)
{
        for (size_t i = 0; i < a->plugins.n; i++) {
                const struct plugin *p = &a->plugins.items[i];
                const struct ec_option *o = p->plugin ? p->plugin->options.items : NULL;

                if (p->state != PLUGIN_REJECTED)
                        continue;
                if (ref->plugin == p)
                        return err_set(err, -ELIBBAD, "%s: its plugin %s was rejected: %s", ref->command->name, p->name,
                                       p->reason);
                for (uint32_t k = 0; o && k < p->plugin->options.count; k++)
                        if (o[k].scopes & ref->command->scopes && options_is_set(options, o[k].name))
                                return err_set(err, -ELIBBAD, "option '--%s': its plugin %s was rejected: %s",
                                               o[k].name, p->name, p->reason);
        }
        plugins_warn(&a->plugins);
        conf_warn_unknown(a->conf);
        return 0;
}

void app_done(struct app *a)
{
        registry_done(&a->registry);
        plugins_done(&a->plugins);
        layout_done(&a->layout);
        feature_list_done(&a->features);
        if (a->conf)
                conf_free(a->conf);
        err_done(&a->conf_err);
        free(a->config);
        *a = (struct app){ .program = a->program };
}

/* ---- unknown commands and options --------------------------------------- */

/* Of plugins that are not loaded. */
static const struct feature_list *features(struct app *a)
{
        struct registry loaded = { 0 };
        struct ec_err err = { 0 };

        if (a->features_loaded)
                return &a->features;
        a->features_loaded = true;
        if (plugins_registry(&a->plugins, &loaded, &err) < 0 || features_load(&loaded, true, &a->features, &err) < 0)
                log_debug("%s", err_msg(&err));
        registry_done(&loaded);
        err_done(&err);
        return &a->features;
}

static int feature_disabled(const struct app *a, const char *what, const char *word, const struct feature *f,
                            struct ec_err *err)
{
        const struct plugin *p = plugins_find(&a->plugins, f->name);

        if (p && p->state == PLUGIN_REJECTED)
                return err_usage(err, "%s '%s': plugin %s was rejected: %s", what, word, f->name, p->reason);
        if (p && p->state == PLUGIN_OFF)
                return err_usage(err, "%s '%s': plugin %s is off in %s", what, word, f->name, p->where);
        return err_usage(err, "%s '%s': plugin %s is not installed", what, word, f->name);
}

/* Fails with the reason if the option (NULL: the command) is one of a rejected plugin whose tables could be read. */
static int check_rejected(const struct app *a, const char *what, const char *word, const char *option,
                          struct ec_err *err)
{
        for (size_t i = 0; i < a->plugins.n; i++) {
                const struct plugin *p = &a->plugins.items[i];

                if (p->state == PLUGIN_REJECTED && p->plugin &&
                    (option ? option_in(&p->plugin->options, option, strcspn(option, "=")) != NULL
                            : command_in(&p->plugin->commands, word) != NULL))
                        return err_set(err, -ELIBBAD, "%s '%s': plugin %s was rejected: %s", what, word, p->name,
                                       p->reason);
        }
        return 0;
}

/* *ret is the most similar command, or NULL; owned by the tables. */
static int nearest_command(const struct app *a, const char *word, const char **ret, struct ec_err *err)
{
        _cleanup_free_ struct command_ref *commands = NULL;
        _cleanup_free_ const char **names = NULL;
        const char *const *others = forward_commands();
        size_t n = 0, max = strv_len(others) + 1;
        int r = commands_list(&a->plugins, &commands, err);

        if (r < 0)
                return r;
        for (size_t i = 0; commands[i].command; i++)
                max += 2;
        names = calloc(max, sizeof(*names));
        if (!names)
                return err_oom(err);
        for (size_t i = 0; commands[i].command; i++) {
                const struct ec_command *c = commands[i].command;

                names[n++] = c->name;
                if (c->alias)
                        names[n++] = c->alias;
        }
        for (; *others; others++)
                names[n++] = *others;
        *ret = str_nearest(word, names);
        return 0;
}

static int suggest_command(const struct app *a, const char *word, const char *next, struct ec_err *err)
{
        _cleanup_free_ char *hint = hint_of_command(&a->plugins, word, next);
        const char *near = NULL;
        int r = hint ? 0 : nearest_command(a, word, &near, err);

        if (r < 0)
                return r;
        if (hint)
                return err_usage(err, "unknown command '%s'; %s", word, hint);
        if (near)
                return err_usage(err, "unknown command '%s', did you mean '%s'?", word, near);
        return err_usage(err, "unknown command '%s'; 'extra-container --help' lists the commands", word);
}

int app_unknown_command(struct app *a, const char *word, const char *next, struct ec_err *err)
{
        const struct feature *f;
        int r = app_check_conf(a, err);

        if (r >= 0)
                r = plugins_check(&a->plugins, err); /* a required plugin may have the command */
        if (r >= 0)
                r = check_rejected(a, "command", word, NULL, err);
        if (r < 0)
                return r;
        f = feature_of_command(features(a), word);
        if (f)
                return feature_disabled(a, "command", word, f, err);
        for (size_t i = 0; i < a->plugins.n; i++) {
                const struct plugin *p = &a->plugins.items[i];

                if (p->state == PLUGIN_REJECTED && !p->plugin) /* its tables could not be read */
                        return err_usage(err, "unknown command '%s', and plugin %s was rejected: %s", word, p->name,
                                         p->reason);
        }
        return suggest_command(a, word, next, err);
}

int app_unknown_option(void *app, const char *word, struct ec_err *err)
{
        struct app *a = app;
        const struct feature *f;
        const char *name = str_after(word, "--");
        int r = name ? check_rejected(a, "option", word, name, err) : 0;

        if (r < 0)
                return r;
        f = feature_of_option(features(a), word);
        return f ? feature_disabled(a, "option", word, f, err) : 0;
}

char *app_option_owners(void *app, const char *word)
{
        _cleanup_free_ struct command_ref *commands = NULL;
        _cleanup_strv_ char **names = NULL;
        struct app *a = app;
        int r = commands_list(&a->plugins, &commands, NULL);

        for (size_t i = 0; r >= 0 && commands[i].command; i++)
                if (command_takes(&a->plugins, &commands[i], word))
                        r = strv_push(&names, commands[i].command->name);
        return r >= 0 && names ? strv_join(STRV_CONST(names), ", ") : NULL;
}

/* Is there a hint or a similar command? */
static bool has_suggestion(const struct app *a, const char *word)
{
        _cleanup_free_ char *hint = hint_of_command(&a->plugins, word, NULL);
        const char *near = NULL;

        return hint || (nearest_command(a, word, &near, NULL) >= 0 && near);
}

bool app_forwards(struct app *a, const char *word)
{
        const char *const *theirs = forward_commands();
        const struct feature *f = *theirs ? feature_of_command(features(a), word) : NULL;

        if (!*theirs || (f && !strv_contains(STRV_CONST(f->forwards), word)))
                return false;
        /* A later version may have more commands, but a mistyped one of ours is not among them. */
        return strv_contains(theirs, word) || !has_suggestion(a, word);
}
