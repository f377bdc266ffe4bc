/* SPDX-License-Identifier: MIT */
#include "shell.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Is our stdin the script of the session's shell? What is read ahead for the command would be lost to the shell. */
static int is_script(void)
{
        const char *script = getenv(SCRIPT_VARIABLE);
        char own[64];
        struct stat st;

        if (!script || fstat(STDIN_FILENO, &st) < 0)
                return 0;
        snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
        return !strcmp(script, own);
}

/* Containers of the host's own configuration are not installed by this program, but have a conf file. */
static int has_conf(const struct ec_host *h, const char *name)
{
        static const char *const places[] = { "conf", "conf-other" };
        int has = 0;

        for (size_t i = 0; i < ARRAY_SIZE(places) && !has; i++) {
                _cleanup_free_ char *path = str_printf("%s/%s.conf", h->conf->path(h, places[i]), name);

                has = path && !access(path, F_OK);
        }
        return has;
}

/* A container that does not run may not exist. */
static int explain(const struct ec_host *h, struct ec_op *op, const char *name, int r, struct ec_err *err)
{
        _cleanup_free_ char *message = strdup(h->err->message(err));
        const struct ec_container *c;
        int k;

        if (r != -EHOSTDOWN || !message || !str_ends(message, "is not running"))
                return r;
        h->err->clear(err);
        k = h->containers->find(op, name, &c, err);
        if (k >= 0)
                return h->err->set(err, r, "%s; start it with 'systemctl start container@%s'", message, name);
        return k == -ENOENT && !has_conf(h, name) ? k : h->err->set(err, r, "%s", message);
}

/* A command line in one word is not a program. */
static void hint_of_words(const struct ec_host *h, const char *const *argv, int32_t status)
{
        _cleanup_free_ char *quoted = NULL;

        if (status != 127 || !argv[0] || argv[1] || !strpbrk(argv[0], " \t\n"))
                return;
        quoted = shell_quote(argv[0]);
        if (quoted)
                h->log->log(h, 5, "%s is not a program; to run it as a command line, use: sh -c %s", quoted, quoted);
}

int exec_run(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        const char *const *args = h->opt->args(op);
        struct ec_exec x = {
                .size = sizeof(x),
                .flags = EC_EXEC_LOGIN,
                .machine = args[0],
        };
        int32_t status = 0;
        int r;

        if (!x.machine)
                return h->err->usage(err, EXEC_COMMAND " needs the name of a container");
        x.argv = args + 1;
        exec_streams(&x);
        if (is_script())
                x.fds[0] = -1;
        r = h->machine->exec(op, &x, &status, err);
        if (r < 0)
                return explain(h, op, x.machine, r, err);
        hint_of_words(h, x.argv, status);
        return status;
}
