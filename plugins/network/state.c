/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "network.h"

#define STATE_DIR "/run/extra-container.network" /* as in firewall.sh */

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

/* With the tools that set the rules up, and the host's own where those are gone. */
int state_clear(const struct ec_host *h, struct ec_op *op, const char *name, struct ec_err *err)
{
        _cleanup_free_ char *path = state_path(h, name), *script = NULL, *tools = NULL, *env = NULL;
        struct ec_proc_result result = { .size = sizeof(result) };
        const char *old = getenv("PATH");
        FILE *f;
        int r;

        if (!path)
                return no_memory(h, err);
        f = fopen(path, "re");
        if (!f)
                return 0;
        tools = next_value(f, "path");
        fclose(f);
        if (asprintf(&script, "%s/firewall.sh", h->plugin_dir) < 0)
                script = NULL;
        if (asprintf(&env, "PATH=%s%s%s", tools ? tools : "", tools && old ? ":" : "", old ? old : "") < 0)
                env = NULL;
        if (!script || !env)
                return no_memory(h, err);
        r = h->proc->run(op, &(struct ec_proc) {
                .size = sizeof(struct ec_proc), .flags = EC_PROC_NULL_STDIN | EC_PROC_CAPTURE_ERR | EC_PROC_NO_CANCEL,
                .argv = (const char *const[]) { "sh", script, "down", name, NULL }, .env = (const char *const[]) { env, NULL },
                .timeout_ms = 60000,
        }, &result, err);
        if (r >= 0 && result.status)
                r = h->err->set(err, -EIO, "its firewall rules are not removed: %.*s",
                                result.err ? (int)strcspn(result.err, "\n") : 0, result.err ? result.err : "");
        h->proc->result_done(&result);
        return r < 0 ? r : 0;
}
