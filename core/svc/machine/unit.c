/* SPDX-License-Identifier: MIT */
/* Runs a command as a transient unit of the container's own systemd. Its bus may be in the hands of the container's
 * root: nothing waits for an answer but the poll() of all commands, and only for a limited time. */
#include "svc/machine/unit.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-id128.h>

#include "svc/machine/code.h"
#include "svc/machine/connect.h"
#include "svc/machine/state.h"
#include "svc/machine/unit_message.h"
#include "svc/systemd/bus.h"
#include "util/err.h"
#include "util/strv.h"

#define SERVICE "org.freedesktop.systemd1.Service"
#define UNIT    "org.freedesktop.systemd1.Unit"
/* How long to wait for a bus that was lost. */
#define REGAIN_WAIT (20 * USEC_PER_SEC)
/* How long to wait for an answer. A systemd that reloads its units does not answer meanwhile; during an update that
 * takes half a second of processor time, and up to 32 containers are updated at once. */
#define ANSWER_TIMEOUT (20 * USEC_PER_SEC)
/* The same if the user wants to end it. */
#define ENDING_TIMEOUT (3 * USEC_PER_SEC)
/* How much longer to read what has arrived, for example while this program was stopped. */
#define READ_TIMEOUT USEC_PER_SEC
/* Signals can get lost on an overloaded bus. */
#define POLL_USEC USEC_PER_SEC

/* Questions about it. Those from ASK_CODE on come in this order, after it has ended. */
enum question { ASK_STATE, ASK_JOB, ASK_CODE, ASK_STATUS, ASK_SYSTEM, ASK_NOTHING };

static const struct {
        const char *iface, *prop;
} questions[] = {
        [ASK_STATE] = { UNIT, "ActiveState" },         [ASK_JOB] = { UNIT, "Job" },
        [ASK_CODE] = { SERVICE, "ExecMainCode" },      [ASK_STATUS] = { SERVICE, "ExecMainStatus" },
        [ASK_SYSTEM] = { BUS_MANAGER, "SystemState" },
};

struct unit {
        struct exec *x;
        sd_bus *bus;
        char name[80];
        char *path;
        sd_bus_slot *start, *removed, *changed, *ask;
        sd_bus_error refused;
        bool started, job_done, ended;
        bool dirty, look;    /* ask for its state, and for its job */
        enum question asked; /* by `ask` */
        enum question next;  /* after it has ended */
        int32_t code, status;
        bool stopping;    /* the container shuts down */
        uint64_t waiting; /* since when there was no answer; 0: there was */
        uint64_t late;    /* since when it should have come */
        uint64_t ending;  /* when the user wanted to end it */
        uint64_t ask_at, next_poll;
        int failure;               /* of the start */
        struct ec_err lost;        /* its status cannot be known any more */
        struct connect connect;    /* after the bus was lost */
        bool connecting, answered; /* in the present connection */
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
        connect_done(&u->connect);
        sd_bus_error_free(&u->refused);
        err_done(&u->lost);
        free(u->path);
        free(u);
}
DEFINE_CLEANUP(struct unit, unit_free)

/* ---- signals and answers of its systemd ---------------------------------- */

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

static void has_answered(struct unit *u)
{
        u->answered = true;
        u->waiting = u->late = 0;
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
        has_answered(u);
        u->started = true;
        u->dirty = true;
        if (failure)
                (void)sd_bus_error_copy(&u->refused, failure);
        return 0;
}

/* Has the job ended without a signal? */
static int read_job(struct unit *u, sd_bus_message *m)
{
        uint32_t id;
        int r = sd_bus_message_read(m, "v", "(uo)", &id, NULL);

        if (r >= 0 && !id)
                u->job_done = true;
        return r;
}

static int read_answer(struct unit *u, sd_bus_message *m)
{
        const char *text;
        int r;

        if (u->asked == ASK_JOB)
                return read_job(u, m);
        if (u->asked == ASK_CODE)
                return sd_bus_message_read(m, "v", "i", &u->code);
        if (u->asked == ASK_STATUS)
                return sd_bus_message_read(m, "v", "i", &u->status);
        r = sd_bus_message_read(m, "v", "s", &text);
        if (r >= 0 && u->asked == ASK_STATE)
                u->ended = !strcmp(text, "inactive") || !strcmp(text, "failed");
        else if (r >= 0)
                u->stopping = !strcmp(text, "stopping");
        return r;
}

/* A systemd that executes itself again does not lose the unit. */
static void ask_again(struct unit *u)
{
        u->dirty = u->dirty || u->asked == ASK_STATE;
        u->look = u->look || u->asked == ASK_JOB;
        u->ask_at = clock_usec() + BUS_RECONNECT_EVERY;
}

static void unreadable(struct unit *u, const sd_bus_error *failure)
{
        int r = bus_err(&u->lost, -EIO, failure, "the exit status of '%s' in container '%s' cannot be read",
                        u->x->label, u->x->name);

        code_limit(&u->lost, r);
}

static int on_answer(sd_bus_message *m, void *data, sd_bus_error *error)
{
        struct unit *u = data;
        const sd_bus_error *failure = sd_bus_message_get_error(m);
        int r;

        (void)error;
        u->ask = sd_bus_slot_unref(u->ask);
        if (failure && sd_bus_is_open(u->bus) <= 0)
                return 0;
        if (failure && bus_error_reconnects(failure, BUS_SYSTEMD)) {
                ask_again(u);
                return 0;
        }
        has_answered(u);
        r = failure ? -EIO : read_answer(u, m);
        if (u->asked < ASK_CODE)
                return 0;
        if (u->asked == ASK_STATUS && code_exit_status(u->code, u->status) == -EBADMSG)
                r = -EBADMSG;
        u->next = u->asked + 1;
        if (r < 0 && u->asked == ASK_SYSTEM)
                u->stopping = true;
        else if (r < 0)
                unreadable(u, failure);
        return 0;
}

/* ---- what to ask ---------------------------------------------------------- */

static enum question next_question(const struct unit *u)
{
        if (u->dirty)
                return ASK_STATE;
        if (u->look && !u->job_done)
                return ASK_JOB;
        if (!u->job_done || !u->ended)
                return ASK_NOTHING;
        /* A shutdown of the container also ends the command with a signal. */
        if (u->next == ASK_SYSTEM && (u->x->sent || u->code == CLD_EXITED))
                return ASK_NOTHING;
        return u->next;
}

static bool is_over(const struct unit *u)
{
        return u->lost.code || u->refused.name || u->x->stage == EXEC_LEFT ||
               (u->started && u->job_done && u->ended && !u->start && !u->ask && u->next > ASK_STATUS &&
                next_question(u) == ASK_NOTHING);
}

static int ask(struct unit *u, uint64_t *deadline)
{
        enum question q = next_question(u);
        uint64_t now = clock_usec();

        if (!u->started || u->start || u->ask || q == ASK_NOTHING)
                return 0;
        if (now < u->ask_at) {
                *deadline = u->ask_at < *deadline ? u->ask_at : *deadline;
                return 0;
        }
        u->asked = q;
        if (q == ASK_STATE)
                u->dirty = false;
        if (q == ASK_JOB)
                u->look = false;
        if (!u->waiting)
                u->waiting = now;
        return sd_bus_call_method_async(u->bus, &u->ask, BUS_SYSTEMD, q == ASK_SYSTEM ? BUS_SYSTEMD_PATH : u->path,
                                        "org.freedesktop.DBus.Properties", "Get", on_answer, u, "ss",
                                        questions[q].iface, questions[q].prop);
}

/* Stopping also cancels a start; systemd then kills the remaining processes. */
static int send_signal(struct unit *u, int sig)
{
        return sig == SIGTERM ? bus_tell_manager(u->bus, "StopUnit", "ss", u->name, "replace")
                              : bus_tell_manager(u->bus, "KillUnit", "ssi", u->name, "all", sig);
}

/* Gives up a bus that does not answer. */
static void check_silence(struct unit *u, uint64_t *deadline)
{
        struct exec *x = u->x;
        uint64_t now = clock_usec(), end;

        if (x->stage != EXEC_RUNS && !u->ending)
                u->ending = now;
        if (!u->waiting)
                return;
        end = u->ending ? (u->ending > u->waiting ? u->ending : u->waiting) + ENDING_TIMEOUT
                        : u->waiting + ANSWER_TIMEOUT;
        if (now >= end) {
                u->late = u->late ? u->late : now;
                end = u->late + READ_TIMEOUT;
        }
        *deadline = end < *deadline ? end : *deadline;
        if (now < end)
                return;
        if (u->started)
                err_set(&u->lost, -ETIMEDOUT,
                        "the system bus of container '%s' does not answer: it is not known how '%s' ended", x->name,
                        x->label);
        else
                err_set(&u->lost, -ETIMEDOUT, "the system bus of container '%s' does not answer", x->name);
        /* It may be started later. */
        if (!u->started || u->ending)
                (void)send_signal(u, SIGTERM);
}

/* ---- a lost bus --------------------------------------------------------- */

static void lost_reference(struct unit *u)
{
        err_set(&u->lost, -ECONNRESET,
                "the system bus of container '%s' was restarted while '%s' was running: its exit status was lost",
                u->x->name, u->x->label);
}

static int on_ref(sd_bus_message *m, void *data, sd_bus_error *error)
{
        struct unit *u = data;
        bool failed = sd_bus_message_is_method_error(m, NULL);

        (void)error;
        u->start = sd_bus_slot_unref(u->start);
        if (failed && sd_bus_is_open(u->bus) <= 0)
                return 0;
        has_answered(u);
        u->dirty = true;
        /* Without our reference, systemd has unloaded the unit if it ended meanwhile. */
        if (failed || add_matches(u) < 0)
                lost_reference(u);
        return 0;
}

static void ref_unit(struct unit *u)
{
        u->bus = TAKE_PTR(u->connect.bus);
        u->connecting = false;
        u->waiting = clock_usec();
        if (sd_bus_call_method_async(u->bus, &u->start, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "RefUnit", on_ref,
                                     u, "s", u->name) < 0)
                lost_reference(u);
}

/* The container stopped, or its bus daemon was restarted: connects again. */
static void regain(struct unit *u, struct pollfd *fd, uint64_t *deadline)
{
        _cleanup_free_ char *state = NULL;
        struct exec *x = u->x;
        int r = connect_step(&u->connect, x, fd, deadline);

        if (r == 0 && x->stage == EXEC_RUNS)
                return;
        if (r > 0) {
                ref_unit(u);
                *deadline = 0;
                return;
        }
        state = r == -ESRCH ? NULL : exec_unit_state(x);
        if (!state || exec_state_down(state))
                exec_stopped(x, &u->lost);
        else if (x->stage != EXEC_RUNS)
                err_set(&u->lost, -ECANCELED, "interrupted");
        else if (clock_usec() >= u->connect.until)
                err_set(&u->lost, -ECONNRESET,
                        "the system bus of container '%s' was lost while '%s' was running, and with it its exit status",
                        x->name, x->label);
        else
                connect_again(&u->connect, 5 * CONNECT_AGAIN, deadline);
        if (u->lost.code)
                *deadline = 0;
}

static void lost_at_start(struct unit *u)
{
        struct exec *x = u->x;
        _cleanup_free_ char *state = exec_unit_state(x);

        if (exec_state_down(state))
                exec_stopped(x, &u->lost);
        else
                err_set(&u->lost, -ECONNRESET,
                        "the system bus of container '%s' was lost while '%s' was being started in it", x->name,
                        x->label);
}

static void on_lost(struct unit *u)
{
        u->failure = 0;
        if (!u->started) {
                lost_at_start(u);
                return;
        }
        if (!u->answered) {
                lost_reference(u);
                return;
        }
        drop_slots(u);
        u->bus = sd_bus_close_unref(u->bus);
        u->answered = u->job_done = u->look = false;
        u->dirty = true;
        u->waiting = u->next_poll = 0;
        u->connecting = true;
        connect_begin(&u->connect, REGAIN_WAIT);
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
        int r;

        if (too_old(&u->refused))
                return 0;
        if (sd_bus_error_has_name(&u->refused, BUS_SYSTEMD ".TransactionIsDestructive"))
                return err_set(err, -EHOSTDOWN, "container '%s' is shutting down", x->name);
        r = bus_err(err, -EIO, &u->refused, "cannot run '%s' in container '%s'", x->label, x->name);
        return code_limit(err, r);
}

static int prepare(struct unit *u)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        sd_id128_t id;
        int r = sd_id128_randomize(&id);

        if (r < 0)
                return r;
        snprintf(u->name, sizeof(u->name), UNIT_PREFIX SD_ID128_FORMAT_STR ".service", SD_ID128_FORMAT_VAL(id));
        r = sd_bus_path_encode(BUS_SYSTEMD_PATH "/unit", u->name, &u->path);
        if (r >= 0)
                r = add_matches(u);
        if (r >= 0)
                r = unit_message(u->bus, u->x, u->name, &m);
        u->waiting = clock_usec();
        u->next_poll = u->waiting + POLL_USEC;
        return r < 0 ? r : sd_bus_call_async(u->bus, &u->start, m, on_started, u, UINT64_MAX);
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
        u->next = ASK_CODE;
        r = prepare(u);
        if (r < 0 && sd_bus_is_open(u->bus) <= 0) {
                lost_at_start(u);
                r = u->lost.code;
                err_move(err, &u->lost);
                return r;
        }
        if (r < 0)
                return err_set(err, r, "cannot run '%s' in container '%s': %s", x->label, x->name, strerror(-r));
        *ret = TAKE_PTR(u);
        return 0;
}

bool exec_unit_fill(struct unit *u, struct pollfd fds[static EXEC_FDS], uint64_t *deadline)
{
        struct exec *x = u->x;
        int r = u->failure;

        if (is_over(u))
                return false;
        exec_fill(x, fds);
        fds[0] = (struct pollfd){ .fd = -1 };
        *deadline = exec_deadline(x, *deadline);
        if (u->connecting) {
                regain(u, &fds[0], deadline);
                return true;
        }
        /* Messages arrive in order, so the unit exists. */
        if (r >= 0 && x->signal && u->started) {
                r = send_signal(u, x->signal);
                x->signal = 0;
        }
        if (r >= 0)
                r = ask(u, deadline);
        if (u->started && u->next_poll < *deadline)
                *deadline = u->next_poll;
        if (r >= 0) {
                check_silence(u, deadline);
                r = bus_fill(u->bus, &fds[0], deadline);
        }
        if (r != 0)
                *deadline = 0;
        if (r < 0)
                on_lost(u);
        return true;
}

void exec_unit_handle(struct unit *u, const struct pollfd fds[static EXEC_FDS])
{
        exec_handle(u->x, fds);
        if (!u->started || u->connecting || clock_usec() < u->next_poll)
                return;
        u->next_poll = clock_usec() + POLL_USEC;
        u->dirty = true;
        u->look = !u->job_done;
}

static int read_status(const struct unit *u, int32_t *ret_status, struct ec_err *err)
{
        struct exec *x = u->x;
        int r;

        if (u->stopping)
                return exec_stopped(x, err);
        r = code_exit_status(u->code, u->status);
        if (r == -ENOENT)
                return err_set(err, -EIO, "'%s' was not started in container '%s'", x->label, x->name);
        *ret_status = r;
        return 1;
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
