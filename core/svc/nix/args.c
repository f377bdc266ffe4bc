/* SPDX-License-Identifier: MIT */
#include "svc/nix/args.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define EVAL    1u /* nix-instantiate takes it */
#define REALISE 2u /* nix-store --realise takes it */
#define BOTH    (EVAL | REALISE)
#define JOBS    4u
#define FORMAT  8u
#define LOGS    16u /* done by us; Nix's older programs have no such option */
#define NO_LOGS 32u
#define TRACE   64u
#define DROP    128u            /* done anyway */
#define FOREIGN 256u            /* would change what is built or where it goes */
#define FETCH   512u            /* nix flake metadata takes it, too, and it matters there */
#define FLAKE   (FETCH | 1024u) /* only nix flake metadata and nix build take it */

/* Which program takes which option. Every program takes the settings of nix.conf as options. */
static const struct arg {
        const char *name;
        unsigned values, flags;
} args_table[] = {
        { "--arg", 2, EVAL },
        { "--argstr", 2, EVAL },
        { "--eval-store", 1, EVAL | FETCH },
        { "--impure", 0, EVAL },
        { "--include", 1, EVAL },
        { "-I", 1, EVAL },
        { "--override-flake", 2, EVAL | FETCH },
        { "--pure-eval", 0, EVAL },
        { "--no-pure-eval", 0, EVAL },
        { "--restrict-eval", 0, EVAL },
        { "--no-restrict-eval", 0, EVAL },
        { "--allow-import-from-derivation", 0, EVAL },
        { "--no-allow-import-from-derivation", 0, EVAL },
        { "--allowed-uris", 1, EVAL | FETCH },
        { "--allow-unsafe-native-code-during-evaluation", 0, EVAL },
        { "--trace-function-calls", 0, EVAL },
        { "--trace-verbose", 0, EVAL },
        { "--max-call-depth", 1, EVAL },
        { "--nix-path", 1, EVAL },
        { "--tarball-ttl", 1, EVAL | FETCH },
        { "--access-tokens", 1, EVAL | FETCH },
        { "--accept-flake-config", 0, EVAL | FETCH },
        { "--refresh", 0, BOTH | FETCH },
        { "--show-trace", 0, BOTH | TRACE },

        { "--override-input", 2, FLAKE },
        { "--update-input", 1, FLAKE },
        { "--recreate-lock-file", 0, FLAKE },
        { "--no-update-lock-file", 0, FLAKE },
        { "--reference-lock-file", 1, FLAKE },
        { "--inputs-from", 1, FLAKE },
        { "--no-registries", 0, FLAKE },
        { "--no-use-registries", 0, FLAKE },
        { "--flake-registry", 1, FLAKE },
        { "--no-write-lock-file", 0, DROP },

        { "--check", 0, REALISE },
        { "--repair", 0, BOTH },

        { "--option", 2, BOTH | FETCH },
        { "--verbose", 0, BOTH | FETCH },
        { "-v", 0, BOTH | FETCH },
        { "--quiet", 0, BOTH | FETCH },
        { "--debug", 0, BOTH | FETCH },
        { "--log-format", 1, BOTH | FETCH | FORMAT },
        { "--max-jobs", 1, BOTH | JOBS },
        { "-j", 1, BOTH | JOBS },
        { "--cores", 1, BOTH },
        { "--keep-failed", 0, BOTH },
        { "-K", 0, BOTH },
        { "--keep-going", 0, BOTH },
        { "-k", 0, BOTH },
        { "--fallback", 0, BOTH },
        { "--no-fallback", 0, BOTH },
        { "--no-build-output", 0, BOTH | NO_LOGS },
        { "-Q", 0, BOTH | NO_LOGS },
        { "--max-silent-time", 1, BOTH },
        { "--timeout", 1, BOTH },
        { "--builders", 1, BOTH },
        { "--builders-use-substitutes", 0, BOTH },
        { "--no-builders-use-substitutes", 0, BOTH },
        { "--store", 1, BOTH | FETCH },
        { "--system", 1, BOTH },
        { "--extra-platforms", 1, BOTH },
        { "--system-features", 1, BOTH },
        { "--extra-system-features", 1, BOTH },
        { "--substitute", 0, BOTH | FETCH },
        { "--no-substitute", 0, BOTH | FETCH },
        { "--substituters", 1, BOTH | FETCH },
        { "--extra-substituters", 1, BOTH | FETCH },
        { "--trusted-substituters", 1, BOTH },
        { "--extra-trusted-substituters", 1, BOTH },
        { "--trusted-public-keys", 1, BOTH | FETCH },
        { "--extra-trusted-public-keys", 1, BOTH | FETCH },
        { "--require-sigs", 0, BOTH | FETCH },
        { "--no-require-sigs", 0, BOTH | FETCH },
        { "--sandbox", 0, BOTH },
        { "--no-sandbox", 0, BOTH },
        { "--sandbox-paths", 1, BOTH },
        { "--extra-sandbox-paths", 1, BOTH },
        { "--sandbox-fallback", 0, BOTH },
        { "--no-sandbox-fallback", 0, BOTH },
        { "--experimental-features", 1, BOTH | FETCH },
        { "--extra-experimental-features", 1, BOTH | FETCH },
        { "--connect-timeout", 1, BOTH | FETCH },
        { "--download-attempts", 1, BOTH | FETCH },
        { "--download-speed", 1, BOTH | FETCH },
        { "--http-connections", 1, BOTH | FETCH },
        { "--http2", 0, BOTH | FETCH },
        { "--no-http2", 0, BOTH | FETCH },
        { "--netrc-file", 1, BOTH | FETCH },
        { "--ssl-cert-file", 1, BOTH | FETCH },
        { "--log-lines", 1, BOTH },
        { "--post-build-hook", 1, BOTH },
        { "--pre-build-hook", 1, BOTH },
        { "--min-free", 1, BOTH },
        { "--max-free", 1, BOTH },
        { "--narinfo-cache-negative-ttl", 1, BOTH },
        { "--narinfo-cache-positive-ttl", 1, BOTH },
        { "--keep-build-log", 0, BOTH },
        { "--no-keep-build-log", 0, BOTH },
        { "--compress-build-log", 0, BOTH },
        { "--no-compress-build-log", 0, BOTH },
        { "--fsync-metadata", 0, BOTH | FETCH },
        { "--no-fsync-metadata", 0, BOTH | FETCH },
        { "--use-sqlite-wal", 0, BOTH | FETCH },
        { "--no-use-sqlite-wal", 0, BOTH | FETCH },
        { "--auto-optimise-store", 0, BOTH },
        { "--no-auto-optimise-store", 0, BOTH },
        { "--ignore-try", 0, EVAL },
        { "--offline", 0, BOTH | FETCH },
        { "--no-net", 0, BOTH | FETCH },
        { "--no-gc-warning", 0, DROP },
        { "--no-out-link", 0, DROP },
        { "--print-build-logs", 0, LOGS },
        { "-L", 0, LOGS },

        { "--attr", 1, FOREIGN },
        { "-A", 1, FOREIGN },
        { "--expr", 0, FOREIGN },
        { "-E", 0, FOREIGN },
        { "--out-link", 1, FOREIGN },
        { "-o", 1, FOREIGN },
        { "--add-root", 1, FOREIGN },
        { "--indirect", 0, FOREIGN },
        { "--add-drv-link", 0, FOREIGN },
        { "--drv-link", 1, FOREIGN },
        { "--dry-run", 0, FOREIGN },
        { "--readonly-mode", 0, FOREIGN },
        { "--eval", 0, FOREIGN },
        { "--parse", 0, FOREIGN },
        { "--run-env", 0, FOREIGN },
        { "--packages", 0, FOREIGN },
        { "-p", 0, FOREIGN },
        { "--help", 0, FOREIGN },
        { "--version", 0, FOREIGN },
        { "--from-profile", 1, FOREIGN },
        { "--commit-lock-file", 0, FOREIGN },
        { "--output-lock-file", 1, FOREIGN },
};

static const struct arg *arg_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(args_table); i++)
                if (!strcmp(args_table[i].name, name))
                        return &args_table[i];
        return NULL;
}

bool nix_takes_option(const char *name)
{
        const struct arg *known = arg_find(name);
        return known && !(known->flags & FOREIGN);
}

/* Nix reads "-kKj4" as "-k -K -j 4"; after -I the rest is the path. What follows an unknown option may be its value, so
 * it is not changed. */
static int expand(const char *const *args, char ***ret)
{
        _cleanup_strv_ char **v = NULL;
        bool verbatim = false;
        int r = 0;
        for (; *args && r >= 0; args++) {
                const char *a = *args;
                if (verbatim || a[0] != '-' || !isalpha((unsigned char)a[1]) || !a[2]) {
                        const struct arg *known = arg_find(a);
                        verbatim = verbatim || !known;
                        r = strv_push(&v, a);
                        for (unsigned n = known ? known->values : 0; n && args[1] && r >= 0; n--)
                                r = strv_push(&v, *++args);
                        continue;
                }
                for (a++; *a && r >= 0; a++) {
                        if (!isalpha((unsigned char)*a)) {
                                r = strv_push(&v, a);
                                break;
                        }
                        r = strv_pushf(&v, "-%c", *a);
                        if (*a == 'I' && a[1] && r >= 0) {
                                r = strv_push(&v, a + 1);
                                break;
                        }
                }
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(v);
        return 0;
}

/* The option's name in `nix build`; NULL: it has none, or we do it ourselves. */
static const char *new_name(const char *name, unsigned flags)
{
        static const struct {
                const char *old, *new;
        } names[] = {
                { "-k", "--keep-going" },
                { "-K", "--keep-failed" },
                { "--check", "--rebuild" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (!strcmp(name, names[i].old))
                        return names[i].new;
        return flags & NO_LOGS ? NULL : name;
}

static int add(struct nix_args *a, unsigned flags, const char *const *words, unsigned n)
{
        const char *name = new_name(words[0], flags);
        int r = name ? strv_push(&a->build, name) : 0;
        for (unsigned i = 1; i < n && r >= 0; i++)
                r = strv_push(&a->build, words[i]);
        for (unsigned i = 0; i < n && r >= 0; i++) {
                if (flags & EVAL)
                        r = strv_push(&a->eval, words[i]);
                if (r >= 0 && (flags & REALISE))
                        r = strv_push(&a->realise, words[i]);
                if (r >= 0 && (flags & FETCH))
                        r = strv_push(&a->flake, words[i]);
                if (r >= 0 && (flags & FLAKE) != FLAKE)
                        r = strv_push(&a->all, words[i]);
        }
        return r;
}

static bool is_jobs(const char *setting)
{
        return !strcmp(setting, "max-jobs") || !strcmp(setting, "build-max-jobs");
}

int nix_args_sort(const char *const *args, struct nix_args *ret, struct ec_err *err)
{
        struct nix_args a = { 0 };
        _cleanup_strv_ char **words = NULL;
        int r = args && *args ? expand(args, &words) : 0;
        if (r < 0)
                return err_oom(err);

        for (char **w = words; w && *w;) {
                const struct arg *known = arg_find(*w);
                if (!known) {
                        if (**w != '-' && !a.unknown) {
                                r = err_usage(
                                        err,
                                        "--build-args: '%s' is not an option; give the definition before --build-args",
                                        *w);
                                goto fail;
                        }
                        /* We cannot tell its values from other arguments; nix-build can. */
                        a.unknown = true;
                        if (add(&a, 0, STRV_CONST(w), 1) < 0)
                                goto oom;
                        w++;
                        continue;
                }
                for (unsigned i = 1; i <= known->values; i++) {
                        if (w[i])
                                continue;
                        r = err_usage(err, "--build-args: option '%s' needs %s", *w,
                                      known->values == 1 ? "a value" : "two values");
                        goto fail;
                }
                if (known->flags & FOREIGN) {
                        r = err_usage(err, "--build-args: option '%s' cannot be used here", *w);
                        goto fail;
                }
                a.jobs = a.jobs || (known->flags & JOBS) || (!strcmp(*w, "--option") && is_jobs(w[1]));
                a.format = a.format || (known->flags & FORMAT);
                a.logs = a.logs || (known->flags & LOGS);
                a.no_logs = a.no_logs || (known->flags & NO_LOGS);
                a.show_trace = a.show_trace || (known->flags & TRACE);
                if ((known->flags & FLAKE) == FLAKE && !a.flake_only && !(a.flake_only = strdup(*w)))
                        goto oom;
                if (!(known->flags & (DROP | LOGS)) && add(&a, known->flags, STRV_CONST(w), 1 + known->values) < 0)
                        goto oom;
                w += 1 + known->values;
        }
        *ret = a;
        return 0;

oom:
        r = err_oom(err);
fail:
        nix_args_done(&a);
        return r;
}

void nix_args_done(struct nix_args *a)
{
        strv_free(a->eval);
        strv_free(a->realise);
        strv_free(a->all);
        strv_free(a->flake);
        strv_free(a->build);
        free(a->flake_only);
        *a = (struct nix_args){ 0 };
}

/* ---- is max-jobs configured? --------------------------------------------- */

static bool file_sets_jobs(const char *path, int depth);

static bool text_sets_jobs(char *text, const char *path, int depth)
{
        bool found = false;
        char *save = NULL;
        for (char *line = strtok_r(text, "\n", &save); line && !found; line = strtok_r(NULL, "\n", &save)) {
                line[strcspn(line, "#")] = '\0';
                char *word_save = NULL;
                char *key = strtok_r(line, " \t\r", &word_save);
                char *value = key ? strtok_r(NULL, " \t\r", &word_save) : NULL;
                if (!value)
                        continue;
                if (!strcmp(key, "include") || !strcmp(key, "!include")) {
                        _cleanup_free_ char *dir = path && *value != '/' ? strdup(path) : NULL;
                        char *slash = dir ? strrchr(dir, '/') : NULL;
                        if (slash)
                                *slash = '\0';
                        _cleanup_free_ char *full = slash ? fs_join(*dir ? dir : "/", value) : NULL;
                        found = file_sets_jobs(full ? full : value, depth + 1);
                } else {
                        found = is_jobs(key) && !strcmp(value, "=");
                }
        }
        return found;
}

static bool file_sets_jobs(const char *path, int depth)
{
        _cleanup_free_ char *text = NULL;
        if (depth > 8 || fs_read(path, 1 << 20, &text, NULL) < 0)
                return false;
        return text_sets_jobs(text, path, depth);
}

static bool below_sets_jobs(const char *dir, const char *rest)
{
        _cleanup_free_ char *path = fs_join(dir, rest);
        return path && file_sets_jobs(path, 0);
}

bool nix_args_jobs_configured(void)
{
        const char *s = getenv("NIX_CONFIG");
        if (s) {
                _cleanup_free_ char *text = strdup(s);
                if (text && text_sets_jobs(text, NULL, 0))
                        return true;
        }
        s = getenv("NIX_CONF_DIR");
        if (below_sets_jobs(s && *s ? s : "/etc/nix", "nix.conf"))
                return true;

        _cleanup_strv_ char **files = NULL;
        s = getenv("NIX_USER_CONF_FILES");
        if (s) {
                files = strv_split(s, ":");
                for (char **f = files; f && *f; f++)
                        if (file_sets_jobs(*f, 0))
                                return true;
                return false;
        }
        const char *home = getenv("HOME");
        s = getenv("XDG_CONFIG_HOME");
        if (s && *s ? below_sets_jobs(s, "nix/nix.conf") : home && below_sets_jobs(home, ".config/nix/nix.conf"))
                return true;
        s = getenv("XDG_CONFIG_DIRS");
        files = strv_split(s && *s ? s : "/etc/xdg", ":");
        for (char **f = files; f && *f; f++)
                if (below_sets_jobs(*f, "nix/nix.conf"))
                        return true;
        return false;
}
