/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
/* The loaded plugins, in the order of their hooks, and the walks over them. */
struct plugin_ref {
        const struct ec_plugin *plugin;
        void *self;
};
struct registry {
        struct plugin_ref *plugins; /* sorted by (order, name) */
        size_t n;
        const char *const *plugin_dirs; /* where feature files are; the loader's */
        bool check_trust;               /* of those files: we run as root */
};
void registry_sort(struct registry *r);
void registry_done(struct registry *r);
int hooks_configure(struct ec_op *op, struct ec_err *err);
int hooks_eval(struct ec_op *op, struct ec_eval *ev, struct ec_err *err);
int hooks_pre_install(struct ec_op *op, const struct ec_container *c, struct ec_err *err);
/* On failure the plugins that had been called are undone, backwards. */
int hooks_installed(struct ec_op *op, const struct ec_container *c, struct ec_err *err);
/* Failures of these become warnings. The arrays end with NULL; an empty one calls no hook. */
void hooks_started(struct ec_op *op, const struct ec_container *const *containers);
void hooks_updated(struct ec_op *op, const struct ec_container *const *containers);
void hooks_stopped(struct ec_op *op, const struct ec_container *const *containers);
void hooks_failed(struct ec_op *op, const struct ec_container *const *containers);
int hooks_shell(struct ec_op *op, struct ec_shell *sh, struct ec_err *err);
void hooks_pre_destroy(struct ec_op *op, const struct ec_container *c);
void hooks_removed(struct ec_op *op, const struct ec_container *c); /* backwards */
void hooks_finish(struct ec_op *op, int status);
bool registry_provides(const struct registry *r, uint32_t what);
