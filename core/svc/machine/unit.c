/* SPDX-License-Identifier: MIT */
/* Runs a command as a transient unit of the container's own systemd. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-id128.h>

#include "svc/machine/inner_bus.h"
#include "svc/machine/unit.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/bus.h"
#include "svc/systemd/systemd.h"
#include "util/err.h"
#include "util/strv.h"

#define SERVICE "org.freedesktop.systemd1.Service"
#define UNIT    "org.freedesktop.systemd1.Unit"
/* How long to wait for the bus of a booting container, before its namespaces are entered instead. */
#define BUS_WAIT (10 * USEC_PER_SEC)
/* How long to wait for a bus that was lost. */
#define REGAIN_WAIT   (20 * USEC_PER_SEC)
#define START_TIMEOUT (60 * USEC_PER_SEC)
#define LOOK_AGAIN    (20 * USEC_PER_MSEC)
/* Signals can get lost on an overloaded bus. */
#define POLL_USEC USEC_PER_SEC

/* ---- the container's bus ------------------------------------------------ */

static int open_bus(struct exec *x, uint64_t until, sd_bus **ret)
{
        _cleanup_bus_ sd_bus *bus = NULL;
        int r = inner_bus_open(&x->leader, &bus);

        if (r >= 0)
                r = bus_wait_ready(bus, until);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

int exec_connect(struct exec *x, sd_bus **ret, struct ec_err *err)
{
        uint64_t until = clock_usec() + BUS_WAIT;

        for (;;) {
                _cleanup_free_ char *state = NULL;
                int r = open_bus(x, until, ret);

                if (r >= 0)
                        return 1;
                if (r == -ENOMEM)
                        return err_oom(err);
                if (r == -ECANCELED)
                        return bus_err(err, r, NULL, "interrupted");
                state = exec_unit_state(x);
                if (exec_state_down(state))
                        return err_set(err, -EHOSTDOWN, "container '%s' is %s", x->name,
                                       strcmp(state, "deactivating") ? "not running" : "shutting down");
                if ((r != -EAGAIN && (!state || strcmp(state, "activating"))) || clock_usec() >= until)
                        return 0;
                /* No event tells when a socket in another namespace begins to listen. */
                r = interrupt_pause(LOOK_AGAIN, err);
                if (r < 0)
                        return r;
        }
}

/* ---- the unit ----------------------------------------------------------- */

struct unit {
        struct exec *x;
        sd_bus *bus;
        char name[80];
        char *path, *job;
        sd_bus_slot *start, *removed, *changed, *ask;
        sd_bus_error refused;
        bool started, job_done, dirty, ended;
        int failure;        /* of the start */
        struct ec_err lost; /* the bus was lost, and with it the status */
        uint64_t next_poll;
};

static void drop_slots(struct unit *u)
{
        u->start = sd_bus_slot_unref(u->start);
        u->removed = sd_bus_slot_unref(u->removed);
        u->changed = sd_bus_slot_unref(u->changed);
        u->ask = sd_bus_slot_unref(u->ask);
}

static void unit_free(struct unit *u)
{
        if (!u)
                return;
        drop_slots(u);
        sd_bus_close_unref(u->bus);
        sd_bus_error_free(&u->refused);
        err_done(&u->lost);
        free(u->path);
        free(u->job);
        free(u);
}
DEFINE_CLEANUP(struct unit, unit_free)

static int on_changed(sd_bus_message *m, void *data, sd_bus_error *error)
{
        struct unit *u = data;

        (void)m;
        (void)error;
        u->dirty = true;
        return 0;
}

static int on_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
        struct unit *u = data;
        const char *unit;

        (void)error;
        /* The name is unique, and has one job. */
        if (sd_bus_message_read(m, "uoss", NULL, NULL, &unit, NULL) >= 0 && !strcmp(unit, u->name)) {
                u->job_done = true;
                u->dirty = true;
        }
        return 0;
}

static int on_state(sd_bus_message *m, void *data, sd_bus_error *error)
{
        struct unit *u = data;
        const char *state;

        (void)error;
        u->ask = sd_bus_slot_unref(u->ask);
        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "v", "s", &state) >= 0)
                u->ended = !strcmp(state, "inactive") || !strcmp(state, "failed");
        return 0;
}

static int ask_state(struct unit *u)
{
        u->dirty = false;
        return sd_bus_call_method_async(u->bus, &u->ask, BUS_SYSTEMD, u->path, "org.freedesktop.DBus.Properties", "Get",
                                        on_state, u, "ss", UNIT, "ActiveState");
}

static int on_started(sd_bus_message *m, void *data, sd_bus_error *error)
{
        struct unit *u = data;
        const sd_bus_error *failure = sd_bus_message_get_error(m);

        (void)error;
        u->start = sd_bus_slot_unref(u->start);
        if (failure && sd_bus_is_open(u->bus) <= 0) {
                u->failure = -ECONNRESET;
                return 0;
        }
        u->started = true;
        u->dirty = true;
        if (failure)
                u->failure = sd_bus_error_copy(&u->refused, failure);
        return 0;
}

static int add_matches(struct unit *u)
{
        const char *sender = bus_sender(u->bus, BUS_SYSTEMD);
        int r = sd_bus_match_signal_async(u->bus, &u->removed, sender, BUS_SYSTEMD_PATH, BUS_MANAGER, "JobRemoved",
                                          on_removed, NULL, u);

        if (r >= 0)
                r = sd_bus_match_signal_async(u->bus, &u->changed, sender, u->path, "org.freedesktop.DBus.Properties",
                                              "PropertiesChanged", on_changed, NULL, u);
        return r;
}

/* ---- its properties ----------------------------------------------------- */

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

static int start(struct unit *u)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        int r = sd_bus_message_new_method_call(u->bus, &m, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER,
                                               "StartTransientUnit");

        if (r >= 0)
                r = sd_bus_message_append(m, "ss", u->name, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = add_properties(m, u->x);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", 0);
        return r < 0 ? r : sd_bus_call_async(u->bus, &u->start, m, on_started, u, START_TIMEOUT);
}

/* ---- running it --------------------------------------------------------- */

/* Stopping also cancels a start; systemd then kills the remaining processes. */
static int send_signal(struct unit *u, int sig)
{
        return sig == SIGTERM ? bus_tell_manager(u->bus, "StopUnit", "ss", u->name, "replace")
                              : bus_tell_manager(u->bus, "KillUnit", "ssi", u->name, "all", sig);
}

static int get_int(struct unit *u, const char *prop, int32_t *ret)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        int r = bus_get(u->bus, BUS_SYSTEMD, u->path, SERVICE, prop, BUS_TYPES("i"), NULL, &m);

        return r < 0 ? r : sd_bus_message_read(m, "i", ret);
}

/* Has the job ended without a signal? */
static int look_for_job(struct unit *u)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        uint32_t id;
        int r = bus_get(u->bus, BUS_SYSTEMD, u->path, UNIT, "Job", BUS_TYPES("(uo)"), NULL, &m);

        if (r >= 0)
                r = sd_bus_message_read(m, "(uo)", &id, NULL);
        if (r >= 0 && !id)
                u->job_done = true;
        return r == -ECONNRESET ? r : 0;
}

static int poll_unit(struct unit *u)
{
        u->next_poll = clock_usec() + POLL_USEC;
        u->dirty = true;
        return u->job_done ? 0 : look_for_job(u);
}

/* A shutdown of the container also ends the command with a signal. */
static bool container_ends(struct unit *u)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        const char *state;
        int r = bus_get(u->bus, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "SystemState", BUS_TYPES("s"), NULL, &m);

        return r < 0 || sd_bus_message_read(m, "s", &state) < 0 || !strcmp(state, "stopping");
}

static int read_status(struct unit *u, int32_t *ret_status, struct ec_err *err)
{
        struct exec *x = u->x;
        int32_t code = 0, status = 0;
        int r;

        interrupt_hold();
        r = get_int(u, "ExecMainCode", &code);
        if (r >= 0)
                r = get_int(u, "ExecMainStatus", &status);
        if (r >= 0 && !x->sent && code != CLD_EXITED && container_ends(u))
                r = -ECONNRESET;
        interrupt_release();
        if (r == -ECONNRESET)
                return exec_stopped(x, err);
        if (r < 0)
                return err_set(err, r, "the exit status of '%s' in container '%s' cannot be read: %s", x->label,
                               x->name, strerror(-r));
        if (!code)
                return err_set(err, -EIO, "'%s' was not started in container '%s'", x->label, x->name);
        *ret_status = code == CLD_EXITED ? status : 128 + status;
        return 1;
}

/* ---- a lost bus --------------------------------------------------------- */

static int ref_unit(struct unit *u)
{
        return bus_call_method(u->bus, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "RefUnit", 10 * USEC_PER_SEC, NULL,
                               NULL, "s", u->name);
}

/* After the bus was lost, because the container stopped or its bus daemon was restarted. 1: the unit can be watched
 * again. */
static int regain(struct unit *u, struct ec_err *err)
{
        struct exec *x = u->x;
        uint64_t until = clock_usec() + REGAIN_WAIT;

        drop_slots(u);
        u->bus = sd_bus_close_unref(u->bus);
        for (;;) {
                _cleanup_free_ char *state = exec_unit_state(x);
                int r;

                if (!state || exec_state_down(state))
                        return exec_stopped(x, err);
                r = open_bus(x, until, &u->bus);
                if (r >= 0)
                        break;
                if (r == -ECANCELED || interrupt_pause(5 * LOOK_AGAIN, err) < 0)
                        return bus_err(err, -ECANCELED, NULL, "interrupted");
                if (clock_usec() >= until)
                        return err_set(err, -ECONNRESET,
                                       "the system bus of container '%s' was lost while '%s' was running, and with it "
                                       "its exit status",
                                       x->name, x->label);
        }
        u->dirty = true;
        u->job_done = false;
        u->next_poll = 0;
        /* Without our reference, systemd has unloaded the unit if it ended meanwhile. */
        if (ref_unit(u) < 0 || add_matches(u) < 0)
                return err_set(err, -ECONNRESET,
                               "the system bus of container '%s' was restarted while '%s' was running: its exit status "
                               "was lost",
                               x->name, x->label);
        return 1;
}

/* ---- interface ---------------------------------------------------------- */

/* An old systemd rejects unknown properties and methods; then the command was not run. */
static bool too_old(const sd_bus_error *e)
{
        return sd_bus_error_has_name(e, SD_BUS_ERROR_PROPERTY_READ_ONLY) ||
               sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_PROPERTY) ||
               sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_METHOD);
}

static int refused(struct unit *u, struct ec_err *err)
{
        struct exec *x = u->x;

        if (too_old(&u->refused))
                return 0;
        if (sd_bus_error_has_name(&u->refused, BUS_SYSTEMD ".TransactionIsDestructive"))
                return err_set(err, -EHOSTDOWN, "container '%s' is shutting down", x->name);
        return bus_err(err, u->failure, &u->refused, "cannot run '%s' in container '%s'", x->label, x->name);
}

static int prepare(struct unit *u)
{
        sd_id128_t id;
        int r = sd_id128_randomize(&id);

        if (r < 0)
                return r;
        snprintf(u->name, sizeof(u->name), "extra-container-" SD_ID128_FORMAT_STR ".service", SD_ID128_FORMAT_VAL(id));
        r = sd_bus_path_encode(BUS_SYSTEMD_PATH "/unit", u->name, &u->path);
        if (r >= 0)
                r = add_matches(u);
        u->next_poll = clock_usec() + POLL_USEC;
        return r < 0 ? r : start(u);
}

static int lost_at_start(struct exec *x, struct ec_err *err)
{
        _cleanup_free_ char *state = exec_unit_state(x);

        if (exec_state_down(state))
                return exec_stopped(x, err);
        return err_set(err, -ECONNRESET, "the system bus of container '%s' was lost while '%s' was being started in it",
                       x->name, x->label);
}

static void on_lost(struct unit *u)
{
        u->failure = 0;
        if (u->started)
                (void)regain(u, &u->lost);
        else
                (void)lost_at_start(u->x, &u->lost);
}

int exec_unit_begin(struct exec *x, sd_bus *bus, struct unit **ret, struct ec_err *err)
{
        _cleanup_(cleanup_unit_free) struct unit *u = calloc(1, sizeof(*u));
        int r;

        if (!u) {
                sd_bus_close_unref(bus);
                return err_oom(err);
        }
        u->x = x;
        u->bus = bus;
        r = prepare(u);
        if (r < 0)
                return err_set(err, r, "cannot run '%s' in container '%s': %s", x->label, x->name, strerror(-r));
        *ret = TAKE_PTR(u);
        return 0;
}

static bool is_over(const struct unit *u)
{
        return u->lost.code || u->refused.name || u->x->stage == EXEC_LEFT ||
               (u->started && u->job_done && u->ended && !u->dirty && !u->ask);
}

bool exec_unit_fill(struct unit *u, struct pollfd fds[static EXEC_FDS], uint64_t *deadline)
{
        struct exec *x = u->x;
        int r = u->failure;

        if (is_over(u))
                return false;
        exec_fill(x, fds);
        fds[0] = (struct pollfd){ .fd = -1 };
        if (r >= 0 && u->started && u->dirty && !u->ask)
                r = ask_state(u);
        /* Messages arrive in order, so the unit exists. */
        if (r >= 0 && x->signal && u->started) {
                r = send_signal(u, x->signal);
                x->signal = 0;
        }
        *deadline = exec_deadline(x, u->started && u->next_poll < *deadline ? u->next_poll : *deadline);
        if (r >= 0)
                r = bus_fill(u->bus, &fds[0], deadline);
        if (r != 0)
                *deadline = 0;
        if (r < 0)
                on_lost(u);
        return true;
}

void exec_unit_handle(struct unit *u, const struct pollfd fds[static EXEC_FDS])
{
        int r;

        exec_handle(u->x, fds);
        if (is_over(u) || !u->started || clock_usec() < u->next_poll)
                return;
        r = poll_unit(u);
        if (r < 0 && r != -ECANCELED)
                on_lost(u);
}

int exec_unit_end(struct unit *u, int32_t *ret_status, struct ec_err *err)
{
        struct exec *x = u->x;
        int r;

        if (u->refused.name) {
                r = refused(u, err);
        } else if (u->lost.code) {
                r = u->lost.code;
                err_move(err, &u->lost);
        } else if (x->stage == EXEC_LEFT) {
                r = err_set(err, x->failure, "'%s' in container '%s' cannot be ended", x->label, x->name);
        } else {
                r = read_status(u, ret_status, err);
        }
        unit_free(u);
        return r;
}
