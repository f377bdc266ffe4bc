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
#define FETCH   512u            /* nix flake metadata also takes it, and it matters there */
#define FLAKE   (FETCH | 1024u) /* only nix flake metadata and nix build take it */

/* Which program takes which options, with how many values each. Every program takes the settings of nix.conf. */
static const struct arg {
        unsigned values, flags;
        const char *names; /* separated by single blanks */
} args_table[] = {
        { 0, EVAL,
          "--impure --pure-eval --no-pure-eval --restrict-eval --no-restrict-eval "
          "--allow-import-from-derivation --no-allow-import-from-derivation "
          "--allow-unsafe-native-code-during-evaluation --trace-function-calls --trace-verbose "
          "--ignore-try" },
        { 1, EVAL, "--include -I --max-call-depth --nix-path" },
        { 2, EVAL, "--arg --argstr" },
        { 0, EVAL | FETCH, "--accept-flake-config" },
        { 1, EVAL | FETCH, "--eval-store --allowed-uris --tarball-ttl --access-tokens" },
        { 2, EVAL | FETCH, "--override-flake" },
        { 0, BOTH | FETCH,
          "--refresh --verbose -v --quiet --debug --substitute --no-substitute --require-sigs "
          "--no-require-sigs --http2 --no-http2 --fsync-metadata --no-fsync-metadata --use-sqlite-wal "
          "--no-use-sqlite-wal --offline --no-net" },
        { 1, BOTH | FETCH,
          "--store --substituters --extra-substituters --trusted-public-keys --extra-trusted-public-keys "
          "--experimental-features --extra-experimental-features --connect-timeout --download-attempts "
          "--download-speed --http-connections --netrc-file --ssl-cert-file" },
        { 2, BOTH | FETCH, "--option" },
        { 0, BOTH | TRACE, "--show-trace" },
        { 0, FLAKE, "--recreate-lock-file --no-update-lock-file --no-registries --no-use-registries" },
        { 1, FLAKE, "--update-input --reference-lock-file --inputs-from --flake-registry" },
        { 2, FLAKE, "--override-input" },
        { 0, DROP, "--no-write-lock-file --no-gc-warning --no-out-link" },
        { 0, REALISE, "--check" },
        { 0, BOTH,
          "--repair --keep-failed -K --keep-going -k --fallback --no-fallback --builders-use-substitutes "
          "--no-builders-use-substitutes --sandbox --no-sandbox --sandbox-fallback --no-sandbox-fallback "
          "--keep-build-log --no-keep-build-log --compress-build-log --no-compress-build-log "
          "--auto-optimise-store --no-auto-optimise-store" },
        { 1, BOTH,
          "--cores --max-silent-time --timeout --builders --system --extra-platforms --system-features "
          "--extra-system-features --trusted-substituters --extra-trusted-substituters --sandbox-paths "
          "--extra-sandbox-paths --log-lines --post-build-hook --pre-build-hook --min-free --max-free "
          "--narinfo-cache-negative-ttl --narinfo-cache-positive-ttl" },
        { 1, BOTH | JOBS, "--max-jobs -j" },
        { 1, BOTH | FETCH | FORMAT, "--log-format" },
        { 0, BOTH | NO_LOGS, "--no-build-output -Q" },
        { 0, LOGS, "--print-build-logs -L" },
        { 0, FOREIGN,
          "--expr -E --indirect --add-drv-link --dry-run --readonly-mode --eval --parse --run-env "
          "--packages -p --help --version --commit-lock-file" },
        { 1, FOREIGN, "--attr -A --out-link -o --add-root --drv-link --from-profile --output-lock-file" },
};

static const struct arg *arg_find(const char *name)
{
        size_t n = strcspn(name, " ");

        for (size_t i = 0; !name[n] && i < ARRAY_SIZE(args_table); i++)
                for (const char *s = args_table[i].names; s; s = strchr(s, ' ') ? strchr(s, ' ') + 1 : NULL)
                        if (!strncmp(s, name, n) && (s[n] == ' ' || !s[n]))
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
                        r = err_usage(err, "--build-args: option '%s' cannot be used here%s", *w,
                                      strcmp(*w, "--dry-run") ? "" : ", because the result has to be built");
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

/* NOLINTNEXTLINE(misc-no-recursion): depth is limited */
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

/* NOLINTNEXTLINE(misc-no-recursion): depth is limited */
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
