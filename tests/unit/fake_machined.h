/* SPDX-License-Identifier: MIT */
#pragma once
/* A machined that answers as the test sets it up; the container has the files of this machine. */
#include "fake_manager.h"
#include "other_mounts.h"
#include "svc/process/executed.h"
#include "svc/systemd/systemd.h"

#include <systemd/sd-login.h>

#define MACHINED  "org.freedesktop.machine1.Manager"
#define NAME      "ec-unit-test" /* not a machine of this host */
#define UNIT_NAME "container@" NAME ".service"
#define SLOW      NAME "-slow"

static struct manager fake;
static struct systemd *s;
static struct ec_err err;
/* The leader of the machine; 0 if there is no machine. */
static uint32_t leader;
static pid_t other; /* that of a container */
static pid_t slow;  /* that of another one, SLOW; 0: there is none */
static bool there, object_gone, ends_late;
static bool starts_again; /* the next machine of this name, when it is terminated */
static int answers;       /* for so many calls of GetMachine it still exists */

static int removed(struct manager *m)
{
        there = starts_again;
        leader += starts_again;
        return sd_bus_emit_signal(m->bus, "/org/freedesktop/machine1", MACHINED, "MachineRemoved", "so", NAME,
                                  "/machine");
}

static int terminate(struct manager *m, sd_bus_message *call)
{
        int r;

        manager_note(m, "terminate", "");
        r = sd_bus_reply_method_return(call, "");
        return r < 0 || ends_late ? r : removed(m);
}

static int machined(struct manager *m, sd_bus_message *call)
{
        const char *member = sd_bus_message_get_member(call), *name, *prop;

        if (!strcmp(member, "Get") && !strcmp(sd_bus_message_get_path(call), "/machine") &&
            sd_bus_message_read(call, "ss", NULL, &prop) >= 0 && !strcmp(prop, "Unit") && !object_gone)
                return sd_bus_reply_method_return(call, "v", "s", "other.service");
        (void)sd_bus_message_rewind(call, true);
        if (!strcmp(member, "Get") && sd_bus_message_has_signature(call, "ss") &&
            !strcmp(sd_bus_message_get_path(call), "/machine"))
                return object_gone ? sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_OBJECT, "Unknown object.")
                                   : sd_bus_reply_method_return(call, "v", "u", leader);
        if (!strcmp(member, "Get") && !strcmp(sd_bus_message_get_path(call), "/slow"))
                return sd_bus_reply_method_return(call, "v", "u", (uint32_t)slow);
        if (strcmp(member, "GetMachine") && strcmp(member, "TerminateMachine") && strcmp(member, "UnregisterMachine"))
                return 0;
        if (sd_bus_message_read(call, "s", &name) >= 0 && slow && !strcmp(name, SLOW))
                return sd_bus_reply_method_return(call, "o", "/slow");
        if (strcmp(name, NAME) || !there)
                return sd_bus_reply_method_errorf(call, BUS_NO_SUCH_MACHINE, "No machine '%s' known", name);
        if (!strcmp(member, "UnregisterMachine")) {
                manager_note(m, "unregister", name);
                there = false;
                return sd_bus_reply_method_return(call, "");
        }
        if (!strcmp(member, "TerminateMachine"))
                return terminate(m, call);
        if (ends_late && answers && !--answers)
                removed(m);
        return sd_bus_reply_method_return(call, "o", "/machine");
}

/* In place of the cgroups, which may not even be mounted here. */
/* They are only forked. */
int proc_executed(const char *stat)
{
        (void)stat;
        return 1;
}

int sd_pid_get_unit(pid_t pid, char **ret)
{
        *ret = strdup(slow && pid == slow ? "container@" SLOW ".service" : UNIT_NAME);
        return *ret ? 0 : -ENOMEM;
}

static int setup(void **state)
{
        (void)state;
        if (!other)
                other = geteuid() ? getpid() : other_mounts();
        memset(&fake, 0, sizeof(fake));
        fake.other = machined;
        fake.units[0] = (struct manager_unit){ .name = UNIT_NAME, .active = "active" };
        leader = other;
        there = true;
        object_gone = ends_late = starts_again = false;
        answers = 0;
        return 0;
}

static void begin(void)
{
        manager_start(&fake);
        assert_int_equal(systemd_new(fake.client, &s, &err), 0);
}

static void end(void)
{
        systemd_free(s);
        manager_stop(&fake);
}

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Commands enter the namespaces of another process. */
static UNUSED bool possible(void)
{
        return geteuid() == 0;
}
