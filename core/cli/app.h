/* SPDX-License-Identifier: MIT */
#pragma once
#include "model/operation/features.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/options.h"
#include "plugin/commands.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "util/err.h"

/* What main and the builtin commands work on. */
struct app {
        const char *program; /* absolute path of this program */
        char *config;        /* --config, or NULL; owned */
        struct conf *conf;
        struct ec_err conf_err; /* why the configuration could not be read: then no plugin is loaded */
        struct plugins plugins;
        struct layout layout;
        struct registry registry;
        struct host_context ctx;
        struct feature_list
                features; /* of plugins that are not loaded; read when a command or an option is not found */
        bool features_loaded;
};
/* Reads the configuration and loads the plugins, without calling them. builtin: struct ec_command. A broken
 * configuration is not a failure here, so that help works. */
int app_load(struct app *a, const char *config, const struct ec_array *builtin, struct ec_err *err);
/* The failure of a broken configuration; the second one only warns. */
int app_check_conf(struct app *a, struct ec_err *err);
void app_warn_conf(const struct app *a);
/* After the start: a plugin whose command or option is used must not have been rejected. Other rejections are
 * warnings. */
int app_check_used(const struct app *a, const struct command_ref *ref, const struct parsed_options *options,
                   struct ec_err *err);
void app_done(struct app *a);
/* Checks the configuration against the tables, finds the host's paths, starts the plugins. */
int app_start(struct app *a, struct ec_err *err);
/* Errors for unknown words: they name the plugin that is not loaded, or the nearest word.
 * next: the word after it, or NULL. */
int app_unknown_command(struct app *a, const char *word, const char *next, struct ec_err *err);
int app_unknown_option(void *app, const char *word, struct ec_err *err); /* struct option_set.unknown */
char *app_option_owners(void *app, const char *word);                    /* struct option_set.owners */
/* Is this command passed on to nixos-container, if that is installed? Not if it belongs to a plugin that is not loaded,
 * unless both have it. */
bool app_forwards(struct app *a, const char *word);
