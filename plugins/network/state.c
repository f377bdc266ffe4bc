/* SPDX-License-Identifier: MIT */
#include "network.h"

#include <string.h>

#define STATE_MAX     (1 << 20)
#define STATE_DIR     "/run/extra-container/network"                       /* as in firewall.sh */
#define NETWORKD_FILE "/run/systemd/network/79-extra-container-%s.network" /* as in networkd.sh */

char *state_path(const struct ec_host *h, const char *name)
{
        _cleanup_free_ char *dir = host_path(h, STATE_DIR);

        return dir ? fs_join(dir, name) : NULL;
}

/* The lines of the state file of a container; NULL: it has none. */
static char **read_state(const struct ec_host *h, const char *name)
{
        _cleanup_free_ char *path = state_path(h, name), *text = NULL;

        return path && fs_read(path, STATE_MAX, &text, NULL) >= 0 ? strv_split(text, "\n") : NULL;
}

void state_warn(const struct ec_host *h, const char *name)
{
        _cleanup_strv_ char **lines = read_state(h, name);

        for (char **l = lines; l && *l; l++) {
                const char *text = str_after(*l, "warning=");

                if (text)
                        h->log->log(h, 4, "container '%s': %s", name, text);
        }
}

/* Runs our "SCRIPT down NAME"; tools: directories to search for programs first, or NULL. */
static int run_down(const struct ec_host *h, struct ec_op *op, const char *file, const char *name, const char *tools,
                    const char *what, struct ec_err *err)
{
        const char *old = getenv("PATH");
        _cleanup_free_ char *script = fs_join(h->plugin_dir, file);
        _cleanup_free_ char *env = str_printf("PATH=%s%s%s", tools ?: "", tools && old ? ":" : "", old ?: "");
        struct ec_proc p = {
                .flags = EC_PROC_NO_CANCEL,
                .argv = (const char *const[]){ "sh", script, "down", name, NULL },
                .env = (const char *const[]){ env, NULL },
                .timeout_ms = 60000,
        };

        return script && env ? run_program(h, op, &p, what, NULL, err) : no_memory(h, err);
}

/* With the tools that set up the rules, or the host's if those are gone. */
static int clear_rules(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err)
{
        _cleanup_strv_ char **lines = read_state(h, name);
        const char *tools = NULL;

        if (!lines)
                return 0;
        for (char **l = lines; *l && !tools; l++)
                tools = str_after(*l, "path=");
        return run_down(h, op, "firewall.sh", name, tools, "its firewall rules are not removed", err);
}

static int clear_networkd(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err)
{
        _cleanup_free_ char *file = str_printf(NETWORKD_FILE, name), *path = file ? host_path(h, file) : NULL;

        if (!path)
                return no_memory(h, err);
        if (access(path, F_OK))
                return 0;
        return run_down(h, op, "networkd.sh", name, NULL, "its file for systemd-networkd is not removed", err);
}

int state_clear(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err)
{
        /* If this fails, still remove the rules. */
        if (clear_networkd(h, op, name, err) < 0) {
                h->log->log(h, 4, "container '%s': %s", name, h->err->message(err));
                h->err->clear(err);
        }
        return clear_rules(h, op, name, err);
}
