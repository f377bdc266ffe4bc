/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
struct conf;
struct descriptor;
struct host_context;
struct registry;

/* The other keys of [plugins] are names of plugins, which cannot contain '-'. */
#define PLUGIN_PATH_KEY "search-path"

enum plugin_state { PLUGIN_LOADED, PLUGIN_OFF, PLUGIN_MISSING, PLUGIN_REJECTED };
enum plugin_toggle { TOGGLE_AUTO, TOGGLE_ON, TOGGLE_REQUIRED, TOGGLE_OFF };

struct plugin {
        char *name;
        char *file; /* NULL: missing */
        char *dir;  /* with its other files */
        enum plugin_toggle toggle;
        char *where; /* FILE:LINE that sets the toggle; NULL: none does */
        enum plugin_state state;
        char *reason; /* why it is not loaded, in one line; NULL if it is loaded or has no file */
        int rank;     /* the lower rank wins a clash */
        /* Of PLUGIN_LOADED, and of PLUGIN_REJECTED if it could be read. */
        struct descriptor *descriptor;
        const struct ec_plugin *plugin; /* the descriptor's */
        const struct ec_host *host;     /* while it is initialised */
        void *self;
        bool started;
};
struct plugins {
        struct plugin *items; /* by name */
        size_t n;
        struct ec_array builtin;
        char **dirs; /* as they were searched */
        bool check_trust;
};

struct plugin_search {
        const char *const *dirs; /* in order: the first directory that has a plugin wins */
        struct conf *conf;       /* toggles; NULL: all auto */
        bool check_trust;        /* we run as root */
        struct ec_array builtin; /* struct ec_command: the program's own */
        const char *own;         /* names of the plugins that ship with the program, separated by blanks; or NULL */
};

/* Fails only without memory or with a broken section [plugins]; a bad plugin is in the list as rejected. */
int plugins_load(const struct plugin_search *s, struct plugins *ret, struct ec_err *err);
/* The directories of plugins: the compiled-in one (for users, EXTRA_CONTAINER_PLUGIN_DIR instead), then those of the
 * INI. */
int plugins_search_path(struct conf *conf, const char *builtin, char ***ret, struct ec_err *err);
/* A required plugin that is not there is an error. */
int plugins_check(const struct plugins *l, struct ec_err *err);
/* Warns about all other problems. */
void plugins_warn(const struct plugins *l);
/* Marks a loaded plugin as rejected, for the reason in err, which is cleared. -ENOMEM. */
int plugin_reject(struct plugin *p, struct ec_err *err);
/* Calls init() of all, in the order of their hooks; fills the registry. One that fails is rejected, or is an error if
 * it is required. */
int plugins_start(struct plugins *l, const struct host_context *ctx, struct registry *reg, struct ec_err *err);
/* Calls done() of those that were started, backwards, then frees everything. */
void plugins_done(struct plugins *l);
struct plugin *plugins_find(const struct plugins *l, const char *name);
/* The loaded plugins without their instances. */
int plugins_registry(const struct plugins *l, struct registry *reg, struct ec_err *err);

extern const char *const plugin_state_names[];
extern const char *const plugin_toggle_names[];
