/* SPDX-License-Identifier: MIT */
#include "shell.h"

/* A background process must not read from the terminal. */
static int in_background(void)
{
        pid_t group = isatty(STDIN_FILENO) ? tcgetpgrp(STDIN_FILENO) : -1;

        return group >= 0 && group != getpgrp();
}

int exec_run(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        const char *const *args = h->opt->args(op);
        struct ec_exec x = {
                .size = sizeof(x),
                .flags = EC_EXEC_LOGIN,
                .machine = args[0],
                .fds = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
        };
        int32_t status = 0;
        int r;

        if (!x.machine)
                return h->err->usage(err, EXEC_COMMAND " needs the name of a container");
        x.argv = args + 1;
        /* A terminal would mix stdout and stderr, so none is used if one of them is redirected. */
        if (in_background())
                x.fds[0] = -1;
        else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
                x.flags |= EC_EXEC_TTY;
        r = h->machine->exec(op, &x, &status, err);
        return r < 0 ? r : status;
}
