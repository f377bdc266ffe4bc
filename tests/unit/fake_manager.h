/* SPDX-License-Identifier: MIT */
#pragma once
/* A fake systemd at the other end of a socketpair, served by a thread. */
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "capture.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/bus.h"
#include "util/strv.h"

#define MANAGER_UNITS 8

struct manager_unit {
        const char *name;
        const char *start, *stop;   /* results of its jobs; NULL: "done"; "hang": never ends until stopped or killed */
        const char *refuse;         /* error of StartUnit and StopUnit */
        const char *active;         /* property ActiveState; NULL: "active" after a start that is "done" */
        const char *sub;            /* property SubState */
        bool unloaded;              /* systemd does not know it any more */
        const char *unmet;          /* the value of a ConditionPathExists= that is not met */
        const char *result;         /* property Result of the service */
        int fails;                  /* so many starts end with `start`, later ones succeed; 0: all end with it */
        int stop_fails;             /* the same for stops */
        bool early;                 /* its jobs end before the reply */
        bool lost;                  /* the signal that its job has ended is lost */
        int main_code, main_status; /* how its main process ended */
        int pre_code, pre_status;   /* and its ExecStartPre command */
        uint64_t timeout;
        uint32_t main_pid;
        bool started;
        char job[64]; /* path of its job that hangs */
};

struct manager {
        struct manager_unit units[MANAGER_UNITS];
        const char *die_at;                                    /* the connection ends at this call */
        const char *silent_at;                                 /* this call gets no reply */
        const char *error_at, *error_name, *error_text;        /* this call gets this error, */
        int errors;                                            /* so many times; 0: always */
        bool noisy;                                            /* jobs of other clients end too */
        bool signal_at_start;                                  /* sends SIGINT to the test when a start hangs */
        bool signal_at_stop;                                   /* the same when a stop hangs */
        int (*other)(struct manager *m, sd_bus_message *call); /* handles the calls of a test first; 0: not handled */
        int refs, refs_max;                                    /* references to units, and the most at once */
        char *log;                                             /* all calls in order */

        /* internal */
        sd_bus *client, *bus;
        int stop[2];
        pthread_t thread;
        unsigned jobs;
};

static UNUSED void manager_note(struct manager *m, const char *what, const char *arg)
{
        char *s = str_printf("%s%s%s%s\n", m->log ? m->log : "", what, *arg ? " " : "", arg);

        free(m->log);
        m->log = s;
}

static struct manager_unit *manager_find(struct manager *m, const char *name)
{
        for (size_t i = 0; i < MANAGER_UNITS && m->units[i].name; i++)
                if (!strcmp(m->units[i].name, name))
                        return &m->units[i];
        return NULL;
}

static int manager_removed(struct manager *m, const char *job, const char *unit, const char *result)
{
        return sd_bus_emit_signal(m->bus, BUS_SYSTEMD_PATH, BUS_MANAGER, "JobRemoved", "uoss", 1, job, unit, result);
}

static int manager_job(struct manager *m, sd_bus_message *call, bool start)
{
        const char *name, *result;
        struct manager_unit *u;
        char job[64];
        int r = sd_bus_message_read(call, "ss", &name, NULL);

        if (r < 0)
                return r;
        manager_note(m, start ? "start" : "stop", name);
        u = manager_find(m, name);
        if (!u)
                return sd_bus_reply_method_errorf(call, BUS_NO_SUCH_UNIT, "Unit %s not found.", name);
        if (u->refuse)
                return sd_bus_reply_method_errorf(call, u->refuse, "Unit %s is refused.", name);
        snprintf(job, sizeof(job), BUS_SYSTEMD_PATH "/job/%u", ++m->jobs);
        result = (start ? u->start : u->stop) ?: "done";
        if (start && u->fails && !--u->fails)
                u->start = NULL;
        if (!start && u->stop_fails && !--u->stop_fails)
                u->stop = NULL;
        /* A stop replaces a start that hangs. */
        if (!start && *u->job) {
                manager_removed(m, u->job, name, "canceled");
                *u->job = 0;
        }
        u->started = start && !strcmp(result, "done");
        if (m->noisy)
                manager_removed(m, BUS_SYSTEMD_PATH "/job/999", "other.service", "failed");
        if (u->early && strcmp(result, "hang"))
                manager_removed(m, job, name, result);
        r = sd_bus_reply_method_return(call, "o", job);
        if (r < 0 || u->early || u->lost)
                return r;
        if (!strcmp(result, "hang")) {
                strcpy(u->job, job);
                if (start ? m->signal_at_start : m->signal_at_stop)
                        kill(getpid(), SIGINT);
                return r;
        }
        return manager_removed(m, job, name, result);
}

static int manager_append_commands(sd_bus_message *reply, const char *name, int code, int status)
{
        int r = sd_bus_message_open_container(reply, 'e', "sv");

        if (r >= 0)
                r = sd_bus_message_append(reply, "s", name);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', "a(sasbttttuii)");
        if (r >= 0)
                r = sd_bus_message_append(reply, "a(sasbttttuii)", 2, "/bin/a", 1, "a", 0, (uint64_t)0, (uint64_t)0,
                                          (uint64_t)0, (uint64_t)0, 0, code, status, "/bin/b", 1, "b", 0, (uint64_t)0,
                                          (uint64_t)0, (uint64_t)0, (uint64_t)0, 0, 0, 0);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int manager_get_all(struct manager_unit *u, sd_bus_message *call)
{
        _cleanup_bus_message_ sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call, &reply);

        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}", "Type", "s", "notify");
        if (r >= 0 && u->result)
                r = sd_bus_message_append(reply, "{sv}", "Result", "s", u->result);
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}", "ExecMainCode", "i", u->main_code);
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}", "ExecMainStatus", "i", u->main_status);
        if (r >= 0)
                r = sd_bus_message_append(reply, "{sv}", "TimeoutStartUSec", "t", u->timeout);
        if (r >= 0)
                r = manager_append_commands(reply, "ExecStartPre", u->pre_code, u->pre_status);
        if (r >= 0)
                r = manager_append_commands(reply, "ExecStart", 0, 0);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(sd_bus_message_get_bus(call), reply, NULL);
}

static int manager_get(struct manager_unit *u, sd_bus_message *call)
{
        const char *prop;
        int r = sd_bus_message_read(call, "ss", NULL, &prop);

        if (r < 0)
                return r;
        if (!strcmp(prop, "ActiveState"))
                return sd_bus_reply_method_return(call, "v", "s", u->active ?: u->started ? "active" : "inactive");
        if (!strcmp(prop, "SubState"))
                return sd_bus_reply_method_return(call, "v", "s", u->sub ?: "running");
        if (!strcmp(prop, "ConditionTimestampMonotonic"))
                return sd_bus_reply_method_return(call, "v", "t", (uint64_t)!u->unloaded);
        if (!strcmp(prop, "ConditionResult"))
                return sd_bus_reply_method_return(call, "v", "b", !u->unmet);
        if (!strcmp(prop, "Conditions") || !strcmp(prop, "Asserts"))
                return sd_bus_reply_method_return(call, "v", "a(sbbsi)", 3, "ConditionPathExists", 0, 0,
                                                  u->unmet ?: "/", u->unmet ? -1 : 1, "ConditionUser", 0, 0, "root", 1,
                                                  "ConditionHost", 1, 1, "other", u->unmet ? -1 : 0);
        if (!strcmp(prop, "Result"))
                return sd_bus_reply_method_return(call, "v", "s", u->result ?: "success");
        if (!strcmp(prop, "MainPID"))
                return sd_bus_reply_method_return(call, "v", "u", u->main_pid);
        if (!strcmp(prop, "UnitPath"))
                return sd_bus_reply_method_return(call, "v", "as", 2, "/etc/systemd/system", "/run/systemd/system");
        if (!strcmp(prop, "EnvironmentFiles"))
                return sd_bus_reply_method_return(call, "v", "a(sb)", 2, "/etc/a.conf", 1, "/etc/b.conf", 0);
        if (!strcmp(prop, "After"))
                return sd_bus_reply_method_return(call, "v", "as", 0);
        if (!strcmp(prop, "Job"))
                return sd_bus_reply_method_return(call, "v", "o", "/job/1");
        if (!strcmp(prop, "T"))
                return sd_bus_reply_method_return(call, "v", "t", UINT64_MAX);
        if (!strcmp(prop, "X"))
                return sd_bus_reply_method_return(call, "v", "x", INT64_C(-2));
        if (!strcmp(prop, "U"))
                return sd_bus_reply_method_return(call, "v", "u", UINT32_MAX);
        if (!strcmp(prop, "I"))
                return sd_bus_reply_method_return(call, "v", "i", -1);
        if (!strcmp(prop, "B"))
                return sd_bus_reply_method_return(call, "v", "b", 1);
        return sd_bus_reply_method_errorf(call, "org.freedesktop.DBus.Error.UnknownProperty", "Unknown property %s.",
                                          prop);
}

static int manager_list_jobs(struct manager *m, sd_bus_message *call)
{
        _cleanup_bus_message_ sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call, &reply);

        manager_note(m, "list-jobs", "");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(usssoo)");
        for (size_t i = 0; r >= 0 && i < MANAGER_UNITS && m->units[i].name; i++)
                if (*m->units[i].job)
                        r = sd_bus_message_append(reply, "(usssoo)", 1, m->units[i].name, "start", "running",
                                                  m->units[i].job, "/unit");
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(m->bus, reply, NULL);
}

static int manager_list_units(struct manager *m, sd_bus_message *call)
{
        _cleanup_bus_message_ sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call, &reply);

        manager_note(m, "list", "");
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
        for (size_t i = 0; r >= 0 && i < MANAGER_UNITS && m->units[i].name; i++)
                r = sd_bus_message_append(reply, "(ssssssouso)", m->units[i].name, "text", "loaded",
                                          m->units[i].active ?: "inactive", "dead", "", "/unit",
                                          m->units[i].job[0] ? 7 : 0, "", "/");
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(m->bus, reply, NULL);
}

static int manager_kill(struct manager *m, sd_bus_message *call)
{
        const char *name, *who;
        struct manager_unit *u;
        int sig, r = sd_bus_message_read(call, "ssi", &name, &who, &sig);

        if (r < 0)
                return r;
        manager_note(m, strcmp(who, "all") ? "ask again" : "kill", name);
        u = manager_find(m, name);
        if (!u || (sig != SIGKILL && (sig != SIGTERM || strcmp(who, "main"))))
                return 1;
        if (*u->job) {
                manager_removed(m, u->job, name, "done");
                *u->job = 0;
        }
        return 1;
}

static int manager_unit_call(struct manager *m, sd_bus_message *call)
{
        static struct manager_unit none;
        _cleanup_free_ char *name = NULL;
        struct manager_unit *u;

        if (!strcmp(sd_bus_message_get_path(call), BUS_SYSTEMD_PATH))
                return manager_get(&none, call);
        if (sd_bus_path_decode(sd_bus_message_get_path(call), BUS_SYSTEMD_PATH "/unit", &name) <= 0)
                return sd_bus_reply_method_errorf(call, "org.freedesktop.DBus.Error.UnknownObject", "Unknown object.");
        u = manager_find(m, name) ?: &none;
        if (!strcmp(sd_bus_message_get_member(call), "GetAll"))
                return manager_get_all(u, call);
        return manager_get(u, call);
}

static int manager_call(sd_bus_message *call, void *data, sd_bus_error *error)
{
        struct manager *m = data;
        const char *member = sd_bus_message_get_member(call), *unit = "";
        uint8_t type = 0;
        int r;

        (void)error;
        sd_bus_message_get_type(call, &type);
        if (type != SD_BUS_MESSAGE_METHOD_CALL)
                return 0;
        if (m->die_at && !strcmp(member, m->die_at)) {
                sd_bus_close(m->bus);
                return -ECONNRESET;
        }
        if (m->silent_at && !strcmp(member, m->silent_at))
                return 1;
        if (m->error_at && !strcmp(member, m->error_at) && m->errors >= 0) {
                if (m->errors && !--m->errors)
                        m->errors = -1;
                return sd_bus_reply_method_errorf(call, m->error_name, "%s", m->error_text);
        }
        r = m->other ? m->other(m, call) : 0;
        if (r)
                return r;
        if (!strcmp(member, "StartUnit") || !strcmp(member, "StopUnit"))
                return manager_job(m, call, member[3] == 'r');
        if (!strcmp(member, "KillUnit"))
                return manager_kill(m, call);
        if (!strcmp(member, "ResetFailedUnit")) {
                (void)sd_bus_message_read(call, "s", &unit);
                manager_note(m, "reset", unit);
                return sd_bus_message_get_expect_reply(call) ? sd_bus_reply_method_return(call, "") : 1;
        }
        if (!strcmp(member, "RefUnit") || !strcmp(member, "UnrefUnit")) {
                m->refs += *member == 'R' ? 1 : -1;
                m->refs_max = m->refs > m->refs_max ? m->refs : m->refs_max;
                return 1;
        }
        if (!strcmp(member, "ListUnitsByNames"))
                return manager_list_units(m, call);
        if (!strcmp(member, "Reload")) {
                manager_note(m, "reload", "");
                return sd_bus_reply_method_return(call, "");
        }
        if (!strcmp(member, "Sync"))
                return sd_bus_reply_method_return(call, "");
        if (!strcmp(member, "ListJobs"))
                return manager_list_jobs(m, call);
        if (!strcmp(member, "ListUnitsByPatterns"))
                return manager_list_units(m, call);
        if (!strcmp(member, "Get") || !strcmp(member, "GetAll"))
                return manager_unit_call(m, call);
        return sd_bus_reply_method_errorf(call, "org.freedesktop.DBus.Error.UnknownMethod", "Unknown method %s.",
                                          member);
}

static void *manager_serve(void *data)
{
        struct manager *m = data;

        for (;;) {
                struct pollfd fds[] = { { .fd = m->stop[0], .events = POLLIN }, { 0 } };
                int r = sd_bus_process(m->bus, NULL), events;

                if (r < 0)
                        break;
                if (r > 0)
                        continue;
                events = sd_bus_get_events(m->bus);
                fds[1] = (struct pollfd){ .fd = sd_bus_get_fd(m->bus), .events = events > 0 ? events : 0 };
                if (fds[1].fd < 0 || poll(fds, 2, -1) < 0 || fds[0].revents)
                        break;
        }
        sd_bus_flush(m->bus);
        sd_bus_close(m->bus);
        return NULL;
}

/* Set up the units and the other members first. The client's end is m->client; code that takes it must close it. */
static UNUSED void manager_start(struct manager *m)
{
        sigset_t all, old;
        int fds[2];

        m->log = strdup("");
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        assert_int_equal(pipe(m->stop), 0);
        assert_int_equal(sd_bus_new(&m->bus), 0);
        assert_true(sd_bus_set_fd(m->bus, fds[0], fds[0]) >= 0);
        assert_true(sd_bus_set_server(m->bus, true,
                                      SD_ID128_MAKE(01, 02, 03, 04, 05, 06, 07, 08, 09, 0a, 0b, 0c, 0d, 0e, 0f, 10)) >=
                    0);
        assert_true(sd_bus_add_filter(m->bus, NULL, manager_call, m) >= 0);
        assert_true(sd_bus_start(m->bus) >= 0);
        assert_int_equal(sd_bus_new(&m->client), 0);
        assert_true(sd_bus_set_fd(m->client, fds[1], fds[1]) >= 0);
        assert_true(sd_bus_start(m->client) >= 0);
        /* The tested thread receives all signals. */
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &old);
        assert_int_equal(pthread_create(&m->thread, NULL, manager_serve, m), 0);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* The calls until now, including those without a reply. */
static UNUSED const char *manager_log(struct manager *m)
{
        _cleanup_bus_error_ sd_bus_error e = SD_BUS_ERROR_NULL;

        interrupt_hold();
        (void)bus_call_method(m->client, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "Sync", BUS_TIMEOUT, &e, NULL,
                              NULL);
        interrupt_release();
        return m->log;
}

static UNUSED void manager_stop(struct manager *m)
{
        assert_int_equal(write(m->stop[1], "x", 1), 1);
        pthread_join(m->thread, NULL);
        sd_bus_unref(m->bus);
        close(m->stop[0]);
        close(m->stop[1]);
        free(m->log);
        m->log = NULL;
}
