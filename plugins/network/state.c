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

/* Runs our "FILE ACTION NAME"; tools: directories to search for programs first, or NULL. */
static int run_script(const struct ec_host *h, struct ec_op *op, const char *file, const char *action, const char *name,
                      const char *tools, const char *what, struct ec_err *err)
{
        const char *old = getenv("PATH");
        _cleanup_free_ char *script = fs_join(h->plugin_dir, file);
        _cleanup_free_ char *env = str_printf("PATH=%s%s%s", tools ?: "", tools && old ? ":" : "", old ?: "");
        struct ec_proc p = {
                .flags = EC_PROC_NO_CANCEL,
                .argv = (const char *const[]){ "sh", script, action, name, NULL },
                .env = (const char *const[]){ env, NULL },
                .timeout_ms = 60000,
        };

        return script && env ? run_program(h, op, &p, what, NULL, err) : no_memory(h, err);
}

/* Does the host forward packets because of containers? */
static int forwards(const struct ec_host *h, struct ec_err *err)
{
        const char *const notes[] = { ".forwarding4", ".forwarding6" }; /* as in firewall.sh */

        for (size_t i = 0; i < ARRAY_SIZE(notes); i++) {
                _cleanup_free_ char *path = state_path(h, notes[i]);

                if (!path)
                        return no_memory(h, err);
                if (!access(path, F_OK))
                        return 1;
        }
        return 0;
}

/* The container's own rules, with the tools that set them up, or the host's if those are gone. Without own rules, its
 * interface may still be in those that protect containers. */
static int clear_rules(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err)
{
        _cleanup_strv_ char **lines = read_state(h, name);
        const char *tools = NULL;
        int r;

        if (!lines) {
                r = forwards(h, err);
                return r <= 0 ? r
                              : run_script(h, op, "firewall.sh", "guard", NULL, NULL,
                                           "its interface stays in the firewall rules", err);
        }
        for (char **l = lines; *l && !tools; l++)
                tools = str_after(*l, "path=");
        return run_script(h, op, "firewall.sh", "down", name, tools, "its firewall rules are not removed", err);
}

static int clear_networkd(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err)
{
        _cleanup_free_ char *file = str_printf(NETWORKD_FILE, name), *path = file ? host_path(h, file) : NULL;

        if (!path)
                return no_memory(h, err);
        if (access(path, F_OK))
                return 0;
        return run_script(h, op, "networkd.sh", "down", name, NULL, "its file for systemd-networkd is not removed",
                          err);
}

int state_clear(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err)
{
        _cleanup_free_ char *note = str_printf(".links-%s", name), *links = note ? state_path(h, note) : NULL;

        if (!links)
                return no_memory(h, err);
        (void)unlink(links); /* of firewall.sh, which its unit removes, too */
        /* If this fails, still remove the rules. */
        if (clear_networkd(h, op, name, err) < 0) {
                h->log->log(h, 4, "container '%s': %s", name, h->err->message(err));
                h->err->clear(err);
        }
        return clear_rules(h, op, name, err);
}
