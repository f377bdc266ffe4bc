/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "network.h"

#define STATE_DIR     "/run/extra-container.network"                       /* as in firewall.sh */
#define NETWORKD_FILE "/run/systemd/network/79-extra-container-%s.network" /* as in networkd.sh */

char *state_path(const struct ec_host *h, const char *name)
{
        const char *root = h->conf->path(h, "root");
        char *p;

        return asprintf(&p, "%s" STATE_DIR "/%s", root ? root : "", name) < 0 ? NULL : p;
}

/* The value of a line "key=value" in a state file, from an offset on; NULL: no more. */
static char *next_value(FILE *f, const char *key)
{
        _cleanup_free_ char *line = NULL;
        size_t size = 0, len = strlen(key);

        while (getline(&line, &size, f) >= 0)
                if (!strncmp(line, key, len) && line[len] == '=') {
                        line[strcspn(line, "\n")] = 0;
                        return strdup(line + len + 1);
                }
        return NULL;
}

void state_warn(const struct ec_host *h, const char *name)
{
        _cleanup_free_ char *path = state_path(h, name);
        FILE *f = path ? fopen(path, "re") : NULL;

        if (!f)
                return;
        for (;;) {
                _cleanup_free_ char *text = next_value(f, "warning");

                if (!text)
                        break;
                h->log->log(h, 4, "container '%s': %s", name, text);
        }
        fclose(f);
}

/* Runs "SCRIPT down NAME" of ours; tools: where its programs are looked for first, or NULL. */
static int run_down(const struct ec_host *h, struct ec_op *op, const char *file, const char *name, const char *tools,
                    const char *what, struct ec_err *err)
{
        _cleanup_free_ char *script = NULL, *env = NULL;
        struct ec_proc_result result = { .size = sizeof(result) };
        const char *old = getenv("PATH");
        int r;

        if (asprintf(&script, "%s/%s", h->plugin_dir, file) < 0)
                script = NULL;
        if (asprintf(&env, "PATH=%s%s%s", tools ? tools : "", tools && old ? ":" : "", old ? old : "") < 0)
                env = NULL;
        if (!script || !env)
                return no_memory(h, err);
        r = h->proc->run(op,
                         &(struct ec_proc){
                                 .size = sizeof(struct ec_proc),
                                 .flags = EC_PROC_NULL_STDIN | EC_PROC_CAPTURE_ERR | EC_PROC_NO_CANCEL,
                                 .argv = (const char *const[]){ "sh", script, "down", name, NULL },
                                 .env = (const char *const[]){ env, NULL },
                                 .timeout_ms = 60000,
                         },
                         &result, err);
        if (r >= 0 && result.status)
                r = h->err->set(err, -EIO, "%s: %.*s", what, result.err ? (int)strcspn(result.err, "\n") : 0,
                                result.err ? result.err : "");
        h->proc->result_done(&result);
        return r < 0 ? r : 0;
}

/* With the tools that set the rules up, and the host's own where those are gone. */
static int clear_rules(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err)
{
        _cleanup_free_ char *path = state_path(h, name), *tools = NULL;
        FILE *f;

        if (!path)
                return no_memory(h, err);
        f = fopen(path, "re");
        if (!f)
                return 0;
        tools = next_value(f, "path");
        fclose(f);
        return run_down(h, op, "firewall.sh", name, tools, "its firewall rules are not removed", err);
}

static int clear_networkd(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err)
{
        const char *root = h->conf->path(h, "root");
        _cleanup_free_ char *path = NULL;

        if (asprintf(&path, "%s" NETWORKD_FILE, root ? root : "", name) < 0) {
                path = NULL;
                return no_memory(h, err);
        }
        return access(path, F_OK) ? 0
                                  : run_down(h, op, "networkd.sh", name, NULL,
                                             "its file for systemd-networkd is not removed", err);
}

int state_clear(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err)
{
        /* One that stays is no reason to leave the other. */
        if (clear_networkd(h, op, name, err) < 0) {
                h->log->log(h, 4, "container '%s': %s", name, h->err->message(err));
                h->err->clear(err);
        }
        return clear_rules(h, op, name, err);
}
