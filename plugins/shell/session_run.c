/* SPDX-License-Identifier: MIT */
#include "shell.h"

#include <ctype.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

static void print_help(FILE *f, const struct ec_host *h, const struct ec_shell *sh)
{
        const char *const *help = h->shell->help(sh);
        const struct ec_container *c = h->shell->container(sh);
        int width = 0;

        fprintf(f, "Container %s ($name)\nFilesystem %s\n", h->containers->name(c), h->containers->state_path(c));
        for (const char *const *e = h->shell->env(sh); *e; e++) {
                int len = (int)strcspn(*e, "=");

                /* Lower-case names are meant to be typed. */
                if (islower((unsigned char)**e) && (*e)[len])
                        fprintf(f, "$%.*s is %s\n", len, *e, *e + len + 1);
        }
        for (const char *const *l = help; *l; l++)
                if ((int)strcspn(*l, "\t") > width)
                        width = (int)strcspn(*l, "\t");
        fputs("\nCommands:\n", f);
        for (const char *const *l = help; *l; l++) {
                int len = (int)strcspn(*l, "\t");

                fprintf(f, "  %-*.*s  %s\n", width, len, *l, (*l)[len] ? *l + len + 1 : "");
        }
        fprintf(f, "  %-*s  Show this help\n", width, "h");
}

/* What `h` prints, after all hooks have run. */
static int write_help(const struct ec_host *h, const struct ec_shell *sh, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL, *path = session_help_path(h, sh);
        size_t len = 0;
        FILE *f = path ? open_memstream(&text, &len) : NULL;
        int r;

        if (!f)
                return no_memory(h, err);
        print_help(f, h, sh);
        if (fclose(f) != 0)
                return no_memory(h, err);
        r = fs_write_atomic(path, text, len, 0600);
        return r < 0 ? h->err->set(err, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

static int session_env(const struct ec_host *h, const struct ec_shell *sh, char ***ret, struct ec_err *err)
{
        _cleanup_strv_ char **env = NULL;
        const char *path = getenv("PATH");

        if (strv_pushf(&env, "PATH=%s/bin%s%s", h->shell->dir(sh), path && *path ? ":" : "", path ? path : "") < 0 ||
            strv_pushf(&env, "name=%s", h->containers->name(h->shell->container(sh))) < 0 ||
            strv_extend(&env, h->shell->env(sh)) < 0)
                return no_memory(h, err);
        *ret = TAKE_PTR(env);
        return 0;
}

static int run(const struct ec_host *h, struct ec_op *op, const char *const *argv, char **env, uint32_t flags,
               int32_t *ret_status, struct ec_err *err)
{
        struct ec_proc p = {
                .size = sizeof(p), .flags = EC_PROC_TERMINAL | flags, .argv = argv, .env = STRV_CONST(env)
        };
        struct ec_proc_result res = { .size = sizeof(res) };
        int r = h->proc->run(op, &p, &res, err);

        if (r >= 0)
                *ret_status = res.status;
        h->proc->result_done(&res);
        return r < 0 ? r : 0;
}

/* The shell of a terminal that is closed may see the end of its input, and exit with 0, before the signal arrives. */
static int hung_up(void)
{
        struct pollfd p = { .fd = STDIN_FILENO };

        return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
}

static int run_shell(const struct ec_host *h, struct ec_op *op, const struct ec_shell *sh, char ***env,
                     int32_t *ret_status, struct ec_err *err)
{
        _cleanup_strv_ char **argv = NULL;
        struct stat st;
        int terminal = isatty(STDIN_FILENO), r = rc_prepare(h, getenv("SHELL"), h->shell->dir(sh), &argv, env, err);

        if (r < 0)
                return r;
        if (!terminal && fstat(STDIN_FILENO, &st) >= 0 &&
            strv_pushf(env, SCRIPT_VARIABLE "=%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino) < 0)
                return no_memory(h, err);
        if (terminal)
                h->log->log(h, 5, "Starting shell.\nType h for a list of commands.");
        r = run(h, op, STRV_CONST(argv), *env, EC_PROC_HANGUP, ret_status, err);
        if (r >= 0 && terminal && hung_up())
                *ret_status = 128 + SIGHUP;
        return r;
}

static int run_command(const struct ec_host *h, struct ec_op *op, const char *const *argv, char **env,
                       int32_t *ret_status, struct ec_err *err)
{
        int r = run(h, op, argv, env, 0, ret_status, err);

        if (r >= 0 || r == -ECANCELED || r == -ENOMEM)
                return r;
        /* It did not start: the status is that of a shell. */
        h->log->log(h, 3, "%s", h->err->message(err));
        h->err->clear(err);
        *ret_status = r == -ENOENT ? 127 : 126;
        return 0;
}

int session_run(const struct ec_host *h, struct ec_op *op, const struct ec_container *c, const char *const *argv,
                int32_t *ret_status, struct ec_err *err)
{
        _cleanup_strv_ char **env = NULL;
        struct ec_shell *sh;
        int r = h->shell->open(op, c, &sh, err);

        if (r >= 0)
                r = write_help(h, sh, err);
        if (r >= 0)
                r = session_env(h, sh, &env, err);
        if (r < 0)
                return r;
        return argv ? run_command(h, op, argv, env, ret_status, err) : run_shell(h, op, sh, &env, ret_status, err);
}
