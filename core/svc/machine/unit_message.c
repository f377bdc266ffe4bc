/* SPDX-License-Identifier: MIT */
#include "svc/machine/unit_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "svc/systemd/bus.h"
#include "util/strv.h"

static int open_property(sd_bus_message *m, const char *key, const char *type)
{
        int r = sd_bus_message_open_container(m, 'r', "sv");

        if (r >= 0)
                r = sd_bus_message_append(m, "s", key);
        return r < 0 ? r : sd_bus_message_open_container(m, 'v', type);
}

static int close_containers(sd_bus_message *m, int r, unsigned n)
{
        while (n-- > 0 && r >= 0)
                r = sd_bus_message_close_container(m);
        return r;
}

static int add_environment(sd_bus_message *m, char **env)
{
        int r = open_property(m, "Environment", "as");

        if (r >= 0)
                r = sd_bus_message_append_strv(m, env);
        return close_containers(m, r, 2);
}

/* systemd expands variables of the command's environment: "$$" is "$". */
static char *escape_dollars(const char *s)
{
        size_t n = strlen(s);
        char *escaped = malloc(2 * n + 1), *to = escaped;

        for (; escaped && *s; s++) {
                if (*s == '$')
                        *to++ = '$';
                *to++ = *s;
        }
        if (escaped)
                *to = 0;
        return escaped;
}

/* Arguments arrive unchanged. ExecStartEx, which can switch the expansion off, would be written to the unit's file
 * under this name, with which a container's systemd cannot load the file again when it reloads. */
static int add_command(sd_bus_message *m, char **argv)
{
        _cleanup_strv_ char **escaped = NULL;
        int r = 0;

        for (char **a = argv; *a && r >= 0; a++)
                r = strv_push_take(&escaped, escape_dollars(*a));
        if (r >= 0)
                r = open_property(m, "ExecStart", "a(sasb)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sasb)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sasb");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", argv[0]);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, escaped);
        if (r >= 0)
                r = sd_bus_message_append(m, "b", 0);
        return close_containers(m, r, 4);
}

static int add_streams(sd_bus_message *m, const struct exec *x)
{
        /* TTYReset= would discard output that we have not read yet, and input typed before the start. */
        if (x->tty)
                return sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "StandardInput", "s", "tty", "StandardOutput", "s",
                                             "tty", "StandardError", "s", "tty", "TTYPath", "s", x->tty_path);
        return sd_bus_message_append(m, "(sv)(sv)(sv)", "StandardInputFileDescriptor", "h", x->fds[0],
                                     "StandardOutputFileDescriptor", "h", x->fds[1], "StandardErrorFileDescriptor", "h",
                                     x->fds[2]);
}

static int add_properties(sd_bus_message *m, const struct exec *x)
{
        _cleanup_free_ char *cwd = str_printf("%s%s", x->cwd_optional ? "-" : "", x->cwd);
        _cleanup_free_ char *description = str_printf("Command %s from the host", x->label);
        int r;

        if (!cwd || !description)
                return -ENOMEM;
        r = sd_bus_message_append(
                m, "(sv)(sv)(sv)(sv)", "Description", "s", description, "Type", "s", "exec",
                /* The result can be read after the end, and the unit is unloaded when we disconnect. */
                "AddRef", "b", 1, "CollectMode", "s", "inactive-or-failed");
        /* It can start while the container boots, and ends when the container shuts down. */
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)", "DefaultDependencies", "b", 0, "Conflicts", "as", 1,
                                          "shutdown.target", "Before", "as", 1, "shutdown.target");
        /* A shell that ignores SIGTERM must not delay a shutdown. */
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "IgnoreSIGPIPE", "b", 0, "SendSIGHUP", "b", 1,
                                          "TimeoutStopUSec", "t", 3 * USEC_PER_SEC, "WorkingDirectory", "s", cwd);
        if (r >= 0 && x->user.uid)
                r = sd_bus_message_append(m, "(sv)", "User", "s", x->user.name);
        if (r >= 0)
                r = add_environment(m, x->env);
        if (r >= 0)
                r = add_streams(m, x);
        return r < 0 ? r : add_command(m, x->argv);
}

int unit_message(sd_bus *bus, const struct exec *x, const char *name, sd_bus_message **ret)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER,
                                               "StartTransientUnit");

        if (r >= 0)
                r = sd_bus_message_append(m, "ss", name, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = add_properties(m, x);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", 0);
        if (r >= 0)
                *ret = TAKE_PTR(m);
        return r;
}
