/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
struct conf;
struct layout;

/* What the services need; it outlives all plugins. */
struct host_context {
        struct conf *conf;
        struct layout *layout;
        const char *program; /* absolute path */
};

/* The services as one plugin sees them: its own log and its own settings. */
int plugin_host_new(const struct host_context *ctx, const char *plugin, const char *dir, const struct ec_host **ret,
                    struct ec_err *err);
void plugin_host_free(const struct ec_host *host);
