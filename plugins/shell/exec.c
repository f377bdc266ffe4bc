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

/* A container that does not run may not exist. */
static int explain(const struct ec_host *h, struct ec_op *op, const char *name, int r, struct ec_err *err)
{
        _cleanup_free_ char *message = strdup(h->err->message(err));
        const struct ec_container *const *c;
        int k;

        if (r != -EHOSTDOWN || !message || !str_ends(message, "is not running"))
                return r;
        h->err->clear(err);
        k = h->containers->select(op, (const char *const[]){ name, NULL }, EC_SELECT_HOST, &c, err);
        return k < 0 ? k : h->err->set(err, r, "%s; start it with 'systemctl start container@%s'", message, name);
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
        exec_hint(h, x.argv, status);
        return status;
}
