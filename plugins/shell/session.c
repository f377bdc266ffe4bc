/* SPDX-License-Identifier: MIT */
#include "shell.h"

#include <string.h>

/*
 * The variable contains a word for each session around us, the innermost last:
 * CONTAINER=DIRECTORY. The directory is removed with the session, so a process
 * that outlives it (such as a tmux server) can tell that the session has ended.
 */
static int is_live(const char *word, const char *container)
{
        const char *dir = strchr(word, '=');

        if (!dir || (container && str_after(word, container) != dir))
                return 0;
        return access(dir + 1, F_OK) == 0;
}

/* The words of the live sessions around us; NULL: no memory. */
static char **live_sessions(const char *container)
{
        const char *value = getenv(SESSION_VARIABLE);
        _cleanup_strv_ char **words = strv_split(value ? value : "", " "), **live = calloc(1, sizeof(*live));

        if (!words || !live)
                return NULL;
        for (char **w = words; *w; w++)
                if (is_live(*w, container) && strv_push(&live, *w) < 0)
                        return NULL;
        return TAKE_PTR(live);
}

int session_has(const char *container)
{
        _cleanup_strv_ char **live = live_sessions(container);

        return live && *live;
}

/* The live sessions and the new one. */
static int set_stack(const struct ec_host *h, struct ec_shell *sh, const char *name, struct ec_err *err)
{
        _cleanup_strv_ char **live = live_sessions(NULL);
        _cleanup_free_ char *value = NULL;

        if (live && strv_pushf(&live, "%s=%s", name, h->shell->dir(sh)) >= 0)
                value = strv_join(STRV_CONST(live), " ");
        return value ? h->shell->setenv(sh, SESSION_VARIABLE, value, err) : no_memory(h, err);
}

/* The configured address, without its prefix length. */
static int set_address(const struct ec_host *h, struct ec_shell *sh, struct ec_err *err)
{
        const struct ec_container *c = h->shell->container(sh);
        const char *address = h->containers->conf_get(c, "LOCAL_ADDRESS");
        _cleanup_free_ char *copy = NULL;

        if (!address || !*address)
                address = h->containers->conf_get(c, "LOCAL_ADDRESS6");
        if (address && *address) {
                copy = strndup(address, strcspn(address, "/"));
                if (!copy)
                        return no_memory(h, err);
        }
        /* Without an address, this unsets the variable of an outer session. */
        return h->shell->setenv(sh, "ip", copy, err);
}

char *session_help_path(const struct ec_host *h, const struct ec_shell *sh)
{
        return fs_join(h->shell->dir(sh), "help");
}

/* `c` and `h`. */
static int add_commands(const struct ec_host *h, struct ec_shell *sh, const char *name, struct ec_err *err)
{
        _cleanup_free_ char *program = shell_quote(h->program), *path = session_help_path(h, sh),
                            *help = path ? shell_quote(path) : NULL, *c_script = NULL, *h_script = NULL;
        int r;

        if (program)
                c_script = str_printf("#!/bin/sh\nexec %s " EXEC_COMMAND " %s \"$@\"\n", program, name);
        if (help)
                h_script = str_printf("#!/bin/sh\nexec cat %s\n", help);
        if (!c_script || !h_script)
                return no_memory(h, err);
        r = h->shell->command(sh, "c", c_script,
                              "c [CMD...]\tRun a command in the container; without one, a root shell", err);
        return r < 0 ? r : h->shell->command(sh, "h", h_script, NULL, err);
}

int session_hook(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        const struct ec_host *h = self;
        const char *name = h->containers->name(h->shell->container(sh));
        int r;

        (void)op;
        r = set_stack(h, sh, name, err);
        if (r >= 0)
                r = set_address(h, sh, err);
        if (r >= 0)
                r = h->shell->setenv(sh, PROMPT_VARIABLE, h->conf->get_bool(h, "prompt") ? name : NULL, err);
        if (r >= 0)
                r = add_commands(h, sh, name, err);
        return r < 0 ? r : 0;
}
