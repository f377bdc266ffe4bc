/* SPDX-License-Identifier: MIT */
#include "common.h"

#include <string.h>
#include <unistd.h>

int no_memory(const struct ec_host *h, struct ec_err *err)
{
        return h->err->set(err, -ENOMEM, "out of memory");
}

int host_as_self(const struct ec_host *host, void **ret_self, struct ec_err *err)
{
        (void)err;
        *ret_self = (void *)host;
        return 0;
}

char *host_path(const struct ec_host *h, const char *path)
{
        const char *root = h->conf->path(h, "root");

        return str_printf("%s%s", root ? root : "", path);
}

char *shell_quote(const char *s)
{
        char *quoted = malloc(strlen(s) * 4 + 3), *to = quoted;

        if (!quoted)
                return NULL;
        *to++ = '\'';
        for (; *s; s++)
                if (*s == '\'')
                        to = stpcpy(to, "'\\''");
                else
                        *to++ = *s;
        memcpy(to, "'", 2);
        return quoted;
}

int add_own_module(const struct ec_host *h, struct ec_eval *ev, struct ec_err *err)
{
        _cleanup_free_ char *module = fs_join(h->plugin_dir, "module.nix");

        return module ? h->nix->add_module(ev, module, err) : no_memory(h, err);
}

/* A background process must not read from the terminal. */
static int in_background(void)
{
        pid_t group = isatty(STDIN_FILENO) ? tcgetpgrp(STDIN_FILENO) : -1;

        return group >= 0 && group != getpgrp();
}

void exec_streams(struct ec_exec *x)
{
        for (int i = 0; i < 3; i++)
                x->fds[i] = i;
        if (in_background())
                x->fds[0] = -1;
        else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
                x->flags |= EC_EXEC_TTY;
}

/* A command line in one word is not a program. */
void exec_hint(const struct ec_host *h, const char *const *argv, int32_t status)
{
        _cleanup_free_ char *quoted = NULL;

        if (status != 127 || !argv[0] || argv[1] || !strpbrk(argv[0], " \t\n"))
                return;
        quoted = shell_quote(argv[0]);
        if (quoted)
                h->log->log(h, 5, "%s is not a program; to run it as a command line, use: sh -c %s", quoted, quoted);
}

int run_program(const struct ec_host *h, struct ec_op *op, struct ec_proc *p, const char *what, char **ret_out,
                struct ec_err *err)
{
        struct ec_proc_result res = { .size = sizeof(res) };
        int r;

        p->size = sizeof(*p);
        p->flags |= EC_PROC_CAPTURE | EC_PROC_CAPTURE_ERR | EC_PROC_NULL_STDIN;
        r = h->proc->run(op, p, &res, err);
        if (r >= 0 && res.status) {
                if (res.err)
                        res.err[strcspn(res.err, "\r\n")] = 0;
                if (res.err && *res.err)
                        r = h->err->set(err, -EIO, "%s: %s", what, res.err);
                else
                        r = h->err->set(err, -EIO, "%s: %s ended with status %d", what, p->argv[0], (int)res.status);
        } else if (r >= 0 && ret_out) {
                *ret_out = res.out ? TAKE_PTR(res.out) : strdup("");
                r = *ret_out ? 0 : no_memory(h, err);
        }
        h->proc->result_done(&res);
        return r < 0 ? r : 0;
}
