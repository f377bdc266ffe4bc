/* SPDX-License-Identifier: MIT */
#include "svc/machine/unit_message.h"

#include <errno.h>

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

/* Without expansion of variables, so that arguments arrive unchanged. */
static int add_command(sd_bus_message *m, char **argv)
{
        int r = open_property(m, "ExecStartEx", "a(sasas)");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sasas)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sasas");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", argv[0]);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, argv);
        if (r >= 0)
                r = sd_bus_message_append(m, "as", 1, "no-env-expand");
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
