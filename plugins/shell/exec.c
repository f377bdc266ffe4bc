/* SPDX-License-Identifier: MIT */
#include "shell.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A background process must not read from the terminal. */
static int in_background(void)
{
        pid_t group = isatty(STDIN_FILENO) ? tcgetpgrp(STDIN_FILENO) : -1;

        return group >= 0 && group != getpgrp();
}

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
        if (in_background() || is_script())
                x.fds[0] = -1;
        else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
                x.flags |= EC_EXEC_TTY;
        r = h->machine->exec(op, &x, &status, err);
        return r < 0 ? r : status;
}
