/* SPDX-License-Identifier: MIT */
#include "model/shell.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "model/containers/containers.h"
#include "model/deploy/deploy.h"
#include "model/operation/hooks.h"
#include "model/operation/op.h"
#include "model/shell_rc.h"
#include "svc/process/proc.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

struct ec_shell {
        const struct ec_container *container;
        char *dir;   /* private; dir/bin is on the session's PATH */
        char **env;  /* of the plugins, in order: "KEY=VALUE", or "KEY" that is unset */
        char **help; /* "cssh [CMD]\tText" */
};

static void shell_done(struct ec_shell *sh)
{
        free(sh->dir);
        strv_free(sh->env);
        strv_free(sh->help);
}

const struct ec_container *shell_container(const struct ec_shell *sh)
{
        return sh->container;
}

const char *shell_dir(const struct ec_shell *sh)
{
        return sh->dir;
}

static bool variable_name_valid(const char *s)
{
        if (!isalpha((unsigned char)*s) && *s != '_')
                return false;
        while (isalnum((unsigned char)*s) || *s == '_')
                s++;
        return !*s;
}

int shell_setenv(struct ec_shell *sh, const char *key, const char *value, struct ec_err *err)
{
        _cleanup_free_ char *entry = NULL;
        size_t len = strlen(key);

        if (!variable_name_valid(key))
                return err_set(err, -EINVAL, "'%s' is no name of an environment variable", key);
        entry = value ? str_printf("%s=%s", key, value) : strdup(key);
        if (!entry)
                return err_oom(err);
        for (char **e = sh->env; e && *e; e++)
                if (!strncmp(*e, key, len) && ((*e)[len] == '=' || !(*e)[len])) {
                        free(*e);
                        *e = TAKE_PTR(entry);
                        return 0;
                }
        return strv_push_take(&sh->env, TAKE_PTR(entry)) < 0 ? err_oom(err) : 0;
}

int shell_command(struct ec_shell *sh, const char *name, const char *script, const char *help, struct ec_err *err)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (!*name || *name == '.' || strchr(name, '/'))
                return err_set(err, -EINVAL, "'%s' is no name of a command", name);
        path = str_printf("%s/bin/%s", sh->dir, name);
        if (!path)
                return err_oom(err);
        if (access(path, F_OK) == 0)
                return err_set(err, -EEXIST, "the session has a command '%s' already", name);
        r = fs_write_atomic(path, script, strlen(script), 0700);
        if (r < 0)
                return err_set(err, r, "%s: %s", path, strerror(-r));
        if (help && strv_push(&sh->help, help) < 0)
                return err_oom(err);
        return 0;
}

struct only {
        const struct ec_container *container;
        char *names;
        size_t n;
};

static void only_done(struct only *o)
{
        free(o->names);
}

static int add_one(void *data, const struct ec_container *c)
{
        struct only *o = data;
        char *s = str_printf("%s%s%s", o->names ?: "", o->names ? ", " : "", c->name);

        if (!s)
                return -ENOMEM;
        free(o->names);
        o->names = s;
        o->container = c;
        o->n++;
        return 0;
}

static int make_dirs(struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        _cleanup_free_ char *bin = NULL;
        const char *tmp;
        int r = op_tmp_dir(op, &tmp, err);

        if (r < 0)
                return r;
        sh->dir = fs_join(tmp, "shell");
        bin = sh->dir ? fs_join(sh->dir, "bin") : NULL;
        if (!bin)
                return err_oom(err);
        if (mkdir(sh->dir, 0700) < 0 || mkdir(bin, 0700) < 0) {
                r = -errno;
                return err_set(err, r, "%s: %s", bin, strerror(-r));
        }
        return 0;
}

static int write_help(FILE *f, const struct ec_shell *sh)
{
        size_t width = 0;

        fprintf(f, "Container %s ($name)\n", sh->container->name);
        fprintf(f, "Filesystem %s\n", sh->container->state_path);
        for (char **e = sh->env; e && *e; e++) {
                size_t len = strcspn(*e, "=");

                /* Those that are meant to be typed. */
                if (islower((unsigned char)**e) && (*e)[len])
                        fprintf(f, "$%.*s is %s\n", (int)len, *e, *e + len + 1);
        }
        for (char **h = sh->help; h && *h; h++)
                if (strcspn(*h, "\t") > width)
                        width = strcspn(*h, "\t");
        if (sh->help)
                fputs("\nCommands:\n", f);
        for (char **h = sh->help; h && *h; h++) {
                size_t len = strcspn(*h, "\t");

                fprintf(f, "  %-*.*s  %s\n", (int)width, (int)len, *h, (*h)[len] ? *h + len + 1 : "");
        }
        return ferror(f) ? -EIO : 0;
}

/* `h`: what the session has to offer. The text is a file, so nothing in it is quoted. */
static int add_help(struct ec_shell *sh, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL, *path = NULL, *script = NULL;
        size_t len = 0;
        FILE *f;
        int r;

        if (strv_push(&sh->help, "h\tShow this help") < 0)
                return err_oom(err);
        f = open_memstream(&text, &len);
        if (!f)
                return err_oom(err);
        r = write_help(f, sh);
        if (fclose(f) != 0 || r < 0)
                return err_oom(err);
        path = fs_join(sh->dir, "help");
        script = path ? str_printf("#!/bin/sh\nexec cat '%s'\n", path) : NULL;
        if (!script)
                return err_oom(err);
        r = fs_write_atomic(path, text, len, 0600);
        if (r < 0)
                return err_set(err, r, "%s: %s", path, strerror(-r));
        return shell_command(sh, "h", script, NULL, err);
}

static int session_env(const struct ec_shell *sh, char ***ret, struct ec_err *err)
{
        _cleanup_strv_ char **env = NULL;
        const char *path = getenv("PATH");

        if (strv_pushf(&env, "PATH=%s/bin%s%s", sh->dir, path && *path ? ":" : "", path ? path : "") < 0 ||
            strv_pushf(&env, "name=%s", sh->container->name) < 0 || strv_extend(&env, STRV_CONST(sh->env)) < 0)
                return err_oom(err);
        *ret = TAKE_PTR(env);
        return 0;
}

static int run(const char *const *argv, const char *const *env, const struct proc_stream *s, int32_t *ret_status,
               struct ec_err *err)
{
        struct ec_proc p = { .size = sizeof(p), .flags = EC_PROC_TERMINAL, .argv = argv, .env = env };
        _cleanup_proc_result_ struct ec_proc_result res = { .size = sizeof(res) };
        int r = proc_run_stream(&p, s, &res, err);

        if (r >= 0)
                *ret_status = res.status;
        return r;
}

/* The user's own shell. */
static int run_shell(const struct ec_shell *sh, char ***env, int32_t *ret_status, struct ec_err *err)
{
        static const struct proc_stream stream = { .hangup = true };
        _cleanup_strv_ char **argv = NULL;
        int r = shell_rc_prepare(getenv("SHELL"), sh->dir, &argv, env, err);

        if (r < 0)
                return r;
        if (isatty(STDIN_FILENO))
                log_notice("Starting shell.\nEnter \"h\" for documentation.");
        return run(STRV_CONST(argv), STRV_CONST(*env), &stream, ret_status, err);
}

static int run_command(const char *const *argv, char **env, int32_t *ret_status, struct ec_err *err)
{
        int r = run(argv, STRV_CONST(env), NULL, ret_status, err);

        if (r >= 0 || r == -ECANCELED || r == -ENOMEM)
                return r;
        /* It did not start: as a shell says it. */
        log_msg(LOG_ERR, "%s", err_msg(err));
        err_done(err);
        *ret_status = r == -ENOENT ? 127 : 126;
        return 0;
}

int deploy_shell(struct ec_op *op, const char *const *argv, int32_t *ret_status, struct ec_err *err)
{
        _cleanup_(shell_done) struct ec_shell sh = { 0 };
        _cleanup_strv_ char **env = NULL;
        _cleanup_(only_done) struct only only = { 0 };
        int r = deploy_foreach(op, add_one, &only, err);

        if (r == -ENOMEM && !err->code)
                return err_oom(err);
        if (r < 0)
                return r;
        if (only.n != 1)
                return err_usage(
                        err, "a session is for one container, this definition has %zu: %s; name one of them behind it",
                        only.n, only.names ?: "none");
        sh.container = only.container;
        r = make_dirs(op, &sh, err);
        if (r >= 0)
                r = hooks_shell(op, &sh, err);
        if (r >= 0)
                r = add_help(&sh, err);
        if (r >= 0)
                r = session_env(&sh, &env, err);
        if (r >= 0)
                r = argv ? run_command(argv, env, ret_status, err) : run_shell(&sh, &env, ret_status, err);
        return r < 0 ? r : 0;
}
