/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "svc/process/env.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"
/* Searched after PATH; set by packages that ship the programs. */
#ifndef EC_EXTRA_PATH
#define EC_EXTRA_PATH ""
#endif
/* Often missing from the PATH of sudo or of a minimal login. */
#define NIX_PATHS "/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin"

/* Variables that make loaders, C libraries and shells run or read files that others chose. */
static bool dangerous(const char *entry)
{
        static const char *const names[] = { "BASH_ENV=", "ENV=", "IFS=", "CDPATH=", "GCONV_PATH=" };

        if (str_after(entry, "LD_"))
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (str_after(entry, names[i]))
                        return true;
        return false;
}

int env_set(char ***env, const char *entry)
{
        size_t n = strcspn(entry, "=");
        char *copy = n && entry[n] ? strdup(entry) : NULL;
        char **to = *env;

        if (n && entry[n] && !copy)
                return -ENOMEM;
        /* In the place of the first; there may be several. */
        for (char **e = to; n && e && *e; e++) {
                if (strncmp(*e, entry, n) || (*e)[n] != '=') {
                        *to++ = *e;
                        continue;
                }
                free(*e);
                if (copy)
                        *to++ = TAKE_PTR(copy);
        }
        if (n && to)
                *to = NULL;
        return copy ? strv_push_take(env, copy) : 0;
}

char **proc_environment(const char *const *delta)
{
        /* Empty, but not NULL. */
        _cleanup_strv_ char **env = calloc(1, sizeof(*env));
        int r = env ? 0 : -ENOMEM;

        for (char **e = environ; e && *e && r >= 0; e++)
                if (**e != '=' && strchr(*e, '=') && !dangerous(*e))
                        r = strv_push(&env, *e);
        for (; delta && *delta && r >= 0; delta++)
                r = env_set(&env, *delta);
        return r < 0 ? NULL : TAKE_PTR(env);
}

static int executable(const void *data, const char *path)
{
        struct stat st;

        (void)data;
        if (stat(path, &st) < 0)
                return -errno;
        return !S_ISREG(st.st_mode) || access(path, X_OK) < 0 ? -EACCES : 0;
}

int env_find(const char *const *env, const char *more, const char *program,
             int (*check)(const void *data, const char *path), const void *data, char **ret_path)
{
        _cleanup_strv_ char **dirs = NULL;
        _cleanup_free_ char *all = NULL;
        const char *path = PATH_DEFAULT;
        int found = -ENOENT;

        for (; env && *env; env++)
                if (str_after(*env, "PATH="))
                        path = str_after(*env, "PATH=");
        all = str_printf("%s:%s", path, more);
        dirs = all ? strv_split(all, ":") : NULL;
        if (!dirs)
                return -ENOMEM;
        for (char **d = dirs; *d; d++) {
                _cleanup_free_ char *full = NULL;
                int r;

                /* Nothing from the current directory: this may be root. */
                if ((*d)[0] != '/')
                        continue;
                full = fs_join(*d, program);
                if (!full)
                        return -ENOMEM;
                r = check(data, full);
                if (!r) {
                        *ret_path = TAKE_PTR(full);
                        return 0;
                }
                if (r == -ETIMEDOUT || r == -ECANCELED)
                        return r;
                if (r == -EACCES)
                        found = r;
        }
        return found;
}

static int find_in(const char *program, const char *const *env, char **ret_path)
{
        if (!*program)
                return -ENOENT;
        if (!strchr(program, '/'))
                return env_find(env, EC_EXTRA_PATH ":" NIX_PATHS, program, executable, NULL, ret_path);
        *ret_path = strdup(program);
        return *ret_path ? 0 : -ENOMEM;
}

bool proc_find(const char *program, char **ret_path)
{
        _cleanup_free_ char *path = NULL;

        if (find_in(program, STRV_CONST(environ), &path) < 0)
                return false;
        if (strchr(program, '/') && executable(NULL, path) < 0)
                return false;
        if (ret_path)
                *ret_path = TAKE_PTR(path);
        return true;
}

int proc_look_up(const char *const *argv, const char *const *delta, char ***ret_env, char **ret_path,
                 struct ec_err *err)
{
        int r;

        if (!argv || !argv[0])
                return err_set(err, -EINVAL, "no program to run");
        *ret_env = proc_environment(delta);
        r = *ret_env ? find_in(argv[0], STRV_CONST(*ret_env), ret_path) : -ENOMEM;
        if (r == -ENOMEM)
                return err_oom(err);
        if (r == -ENOENT)
                return err_set(err, r, "program '%s' not found in PATH", argv[0]);
        return r < 0 ? err_set(err, r, "cannot run '%s': %s", argv[0], strerror(-r)) : 0;
}

static void put_word(FILE *f, const char *s)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%#";

        if (*s && !s[strspn(s, plain)]) {
                fputs(s, f);
                return;
        }
        fputc('\'', f);
        for (; *s; s++)
                fputs(*s == '\'' ? "'\\''" : (char[]){ *s, 0 }, f);
        fputc('\'', f);
}

void proc_tell(const char *what, const char *const *argv)
{
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        FILE *f = log_level() >= LOG_DEBUG && argv ? open_memstream(&text, &size) : NULL;

        if (!f)
                return;
        for (const char *const *a = argv; *a; a++) {
                if (a > argv)
                        fputc(' ', f);
                put_word(f, *a);
        }
        if (!fclose(f))
                log_debug("%s: %s", what, text);
}

int proc_exec(const char *const *argv, const char *const *env_delta, struct ec_err *err)
{
        _cleanup_strv_ char **env = NULL;
        _cleanup_free_ char *path = NULL;
        void (*sigpipe)(int);
        sigset_t none, old;
        int r = proc_look_up(argv, env_delta, &env, &path, err);

        if (r < 0)
                return r;
        proc_tell("running", argv);
        term_progress_clear();
        (void)term_flush();
        /* exec() resets handlers, but keeps the mask and ignored signals. */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, &old);
        sigpipe = signal(SIGPIPE, SIG_DFL);
        execve(path, (char *const *)argv, env);
        r = -errno;
        signal(SIGPIPE, sigpipe);
        sigprocmask(SIG_SETMASK, &old, NULL);
        return err_set(err, r, "cannot run '%s': %s", path, strerror(-r));
}
