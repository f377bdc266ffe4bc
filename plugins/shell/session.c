/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell.h"

/*
 * The variable holds a word for each session around us, the innermost last:
 * CONTAINER=DIRECTORY. The directory goes with its session, so that what lives
 * longer than that (a tmux server, say) does not take it for one that is there.
 */
static int is_live(const char *word, const char *container)
{
        const char *dir = strchr(word, '=');

        if (!dir || (container && (strlen(container) != (size_t)(dir - word) || memcmp(word, container, dir - word))))
                return 0;
        return access(dir + 1, F_OK) == 0;
}

static int no_memory(const struct ec_host *h, struct ec_err *err)
{
        return h->err->set(err, -ENOMEM, "out of memory");
}

int session_has(const char *container)
{
        const char *value = getenv(SESSION_VARIABLE);
        char *copy = value ? strdup(value) : NULL, *rest = copy, *word;
        int found = 0;

        while (!found && (word = strsep(&rest, " ")))
                found = is_live(word, container);
        free(copy);
        return found;
}

/* The live ones, and the new one. */
static char *stack(const char *container, const char *dir)
{
        const char *value = getenv(SESSION_VARIABLE);
        char *copy = strdup(value ? value : ""), *rest = copy, *word, *text = NULL;
        size_t len = 0;
        FILE *f = copy ? open_memstream(&text, &len) : NULL;

        while (f && (word = strsep(&rest, " ")))
                if (is_live(word, NULL))
                        fprintf(f, "%s ", word);
        if (f)
                fprintf(f, "%s=%s", container, dir);
        if (f && fclose(f)) {
                free(text);
                text = NULL;
        }
        free(copy);
        return text;
}

static int set_stack(const struct ec_host *h, struct ec_shell *sh, const char *name, struct ec_err *err)
{
        char *value = stack(name, h->shell->dir(sh));
        int r = value ? h->shell->setenv(sh, SESSION_VARIABLE, value, err) : no_memory(h, err);

        free(value);
        return r;
}

/* The address as the configuration has it, without its prefix length. */
static int set_address(const struct ec_host *h, struct ec_shell *sh, struct ec_err *err)
{
        const struct ec_container *c = h->shell->container(sh);
        const char *address = h->containers->conf_get(c, "LOCAL_ADDRESS");
        char *copy = NULL;
        int r;

        if (!address || !*address)
                address = h->containers->conf_get(c, "LOCAL_ADDRESS6");
        if (address && *address) {
                copy = strndup(address, strcspn(address, "/"));
                if (!copy)
                        return no_memory(h, err);
        }
        /* None must not leave that of a session around us. */
        r = h->shell->setenv(sh, "ip", copy, err);
        free(copy);
        return r;
}

/* One word for a shell. */
static void quote(FILE *f, const char *s)
{
        fputc('\'', f);
        for (; *s; s++)
                fputs(*s == '\'' ? "'\\''" : (char[]){ *s, 0 }, f);
        fputc('\'', f);
}

static int add_command(const struct ec_host *h, struct ec_shell *sh, const char *name, struct ec_err *err)
{
        char *script = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&script, &len);
        int r;

        if (!f)
                return no_memory(h, err);
        fputs("#!/bin/sh\nexec ", f);
        quote(f, h->program);
        fprintf(f, " " EXEC_COMMAND " %s \"$@\"\n", name);
        r = fclose(f) ? no_memory(h, err)
                      : h->shell->command(sh, "c", script,
                                          "c [CMD...]\tRun a command in the container; without one, a root shell", err);
        free(script);
        return r;
}

int session_hook(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        const struct ec_host *h = ((struct session *)self)->host;
        const char *name = h->containers->name(h->shell->container(sh));
        int r;

        (void)op;
        r = set_stack(h, sh, name, err);
        if (r >= 0)
                r = set_address(h, sh, err);
        if (r >= 0)
                r = h->shell->setenv(sh, "EXTRA_CONTAINER_PROMPT", h->conf->get_bool(h, "prompt") ? name : NULL, err);
        if (r >= 0)
                r = add_command(h, sh, name, err);
        return r < 0 ? r : 0;
}
