/* SPDX-License-Identifier: MIT */
/* Jobs of many units at once: all are queued, then all are awaited. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/param.h>

#include "svc/process/children.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/bus.h"
#include "svc/systemd/jobs.h"
#include "svc/systemd/jobs_end.h"
#include "svc/systemd/jobs_item.h"
#include "svc/systemd/reason.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/strv.h"

/* A bus daemon allows 128 pending calls for each connection. */
#define CALLS_MAX 64
/* systemd unloads an inactive unit at once, with what it knows about it, unless a client refers to it. Each reference
 * costs systemd a match rule, of which a bus daemon allows 512. */
#define REFS_MAX 32
/* Signals can get lost on an overloaded bus: check from time to time. */
#define CHECK_USEC (5 * USEC_PER_SEC)
#define TICK_USEC  (1 * USEC_PER_SEC)
/* JOB_KILL: how often to end what runs in a unit, when to ask its main process again, and when to kill everything. */
#define KILL_EVERY (USEC_PER_SEC / 4)
#define KILL_AGAIN (1 * USEC_PER_SEC)
#define KILL_LIMIT (10 * USEC_PER_SEC)
/* How often to stop a unit that another run starts at the same time. Runs do not repeat a start that is cancelled. */
#define STOPS_MAX 20

static int refer(struct item *i)
{
        if (i->referred || i->e->refs >= REFS_MAX)
                return 0;
        i->referred = true;
        i->e->refs++;
        return bus_tell_manager(i->e->bus, "RefUnit", "s", i->res->unit);
}

/* ---- calls -------------------------------------------------------------- */

static int reset_failed(struct engine *e, const char *unit)
{
        e->told = true;
        return bus_tell_manager(e->bus, "ResetFailedUnit", "s", unit);
}

static int on_queued(sd_bus_message *m, void *data, sd_bus_error *error);

static int queue_job(struct item *i, const char *method)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        struct engine *e = i->e;
        int r = sd_bus_message_new_method_call(e->bus, &m, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, method);

        if (r >= 0)
                r = sd_bus_message_append(m, "ss", i->res->unit, "replace");
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, geteuid() != 0);
        if (r >= 0)
                r = sd_bus_call_async(e->bus, &i->call, m, on_queued, i, BUS_TIMEOUT);
        if (r >= 0)
                log_info("%s %s", !strcmp(method, "StopUnit") ? "stopping" : "starting", i->res->unit);
        if (r >= 0)
                e->calls++;
        return r;
}

static int send_one(struct item *i)
{
        struct engine *e = i->e;
        int r;

        i->wants_call = false;
        jobs_begin_limit(i);
        if (i->phase == PHASE_START) {
                i->since = clock_realtime_usec();
                /* Resets the start limit: a unit that was started too often would not start. */
                r = reset_failed(e, i->res->unit);
                if (r >= 0)
                        r = refer(i);
                return r < 0 ? r : queue_job(i, "StartUnit");
        }
        i->asked = clock_usec();
        i->asked_again = false;
        i->stops++;
        return queue_job(i, "StopUnit");
}

static bool one_stops(const struct engine *e)
{
        for (size_t k = 0; k < e->n; k++)
                if (e->items[k].phase == PHASE_STOP || e->items[k].phase == PHASE_STOPPED)
                        return true;
        return false;
}

static int send_some(struct engine *e)
{
        if (e->resume_at != UINT64_MAX && clock_usec() < e->resume_at)
                return 0;
        e->resume_at = UINT64_MAX;
        /* Continue where the last call stopped: of thousands of units, most are already done. */
        for (size_t seen = 0; seen < e->n && e->calls < CALLS_MAX; seen++) {
                struct item *i = &e->items[e->next];
                int r;

                e->next = (e->next + 1) % e->n;
                if (!i->wants_call || i->call || (i->waits && one_stops(e)))
                        continue;
                r = send_one(i);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- results ------------------------------------------------------------ */

static void stopped(struct item *i, const char *result)
{
        struct engine *e = i->e;

        if (!strcmp(result, "canceled") && !e->cancelled && i->stops < STOPS_MAX) {
                item_to_phase(i, PHASE_STOP, true);
                return;
        }
        if (strcmp(result, "done")) {
                item_finish(i, -EIO,
                            strdup(!strcmp(result, "timeout")    ? "its stop timed out"
                                   : !strcmp(result, "canceled") ? "its stop was cancelled by another job"
                                                                 : "its stop failed"));
                return;
        }
        if (e->kind != JOB_KILL) {
                item_to_phase(i, PHASE_STOPPED, false);
                return;
        }
        if (reset_failed(e, i->res->unit) < 0)
                e->failure = -ENOMEM;
        item_finish(i, 0, NULL);
}

static void job_removed(struct item *i, const char *result)
{
        free(TAKE_PTR(i->job));
        switch (i->phase) {
        case PHASE_STOP:
                stopped(i, result);
                break;
        case PHASE_START:
                free(i->job_result);
                i->job_result = strdup(result);
                if (!i->job_result)
                        i->e->failure = -ENOMEM;
                item_to_phase(i, PHASE_ASK, false);
                break;
        case PHASE_CANCEL:
                (void)reset_failed(i->e, i->res->unit);
                item_left(i, true);
                break;
        default:
                break;
        }
}

static void refused(struct item *i, const sd_bus_error *error)
{
        if (i->phase == PHASE_CANCEL) {
                item_to_phase(i, PHASE_DONE, false);
                return;
        }
        /* A unit that is not loaded does not run. */
        if (i->phase == PHASE_STOP && sd_bus_error_has_name(error, BUS_NO_SUCH_UNIT)) {
                stopped(i, "done");
                return;
        }
        item_finish(i, bus_error_errno(-EIO, error), bus_error_text(-EIO, error));
}

/* To queue a job a second time does no harm: systemd merges the two. */
static bool send_again(struct item *i, const sd_bus_error *failure)
{
        uint64_t now = clock_usec();

        if (!bus_error_reconnects(failure, BUS_SYSTEMD))
                return false;
        if (!i->resend)
                i->resend = now + BUS_RECONNECT;
        if (now >= i->resend)
                return false;
        i->wants_call = true;
        i->e->resume_at = now + BUS_RECONNECT_EVERY;
        return true;
}

static int on_queued(sd_bus_message *m, void *data, sd_bus_error *error)
{
        struct item *i = data;
        const sd_bus_error *failure = sd_bus_message_get_error(m);
        _cleanup_strv_ char **early = NULL;
        const char *job;
        int r;

        (void)error;
        i->call = sd_bus_slot_unref(i->call);
        if (--i->e->calls == 0 && i->e->kind == JOB_KILL)
                i->e->next_check = 0;
        /* The connection is lost, which the loop notices. */
        if (failure && sd_bus_is_open(i->e->bus) <= 0)
                return 0;
        /* Interrupted: the unit is done, or its stop is sent later. */
        if (i->phase == PHASE_DONE || (i->phase == PHASE_CANCEL && i->wants_call))
                return 0;
        early = TAKE_PTR(i->early);
        if (failure) {
                if (!send_again(i, failure))
                        refused(i, failure);
                return 0;
        }
        r = sd_bus_message_read(m, "o", &job);
        if (r >= 0) {
                i->job = strdup(job);
                r = i->job ? 0 : -ENOMEM;
        }
        if (r < 0) {
                i->e->failure = r;
                return 0;
        }
        for (char **x = early; x && x[0] && x[1]; x += 2) {
                if (strcmp(x[0], job))
                        continue;
                job_removed(i, x[1]);
                break;
        }
        return 0;
}

static int on_removed(sd_bus_message *m, void *data, sd_bus_error *error)
{
        struct engine *e = data;
        const char *job, *unit, *result;

        (void)error;
        if (sd_bus_message_read(m, "uoss", NULL, &job, &unit, &result) < 0)
                return 0;
        /* The same unit may be in the list twice. */
        for (size_t k = 0; k < e->n; k++) {
                struct item *i = &e->items[k];

                if (i->job && !strcmp(i->job, job))
                        job_removed(i, result);
                else if (i->call && strv_extend(&i->early, (const char *const[]){ job, result, NULL }) < 0)
                        e->failure = -ENOMEM;
        }
        return 0;
}

/* ---- a start job that has ended ------------------------------------------ */

/* The job of a unit whose condition is not met is "done", too. */
static int ask(struct item *i)
{
        const struct job_hooks *h = &i->e->hooks;
        struct unit_failure f = { 0 };
        bool done = !strcmp(i->job_result, "done");
        int r = done ? unit_runs(i->e->bus, i->res->unit) : 0;

        if (!strcmp(i->job_result, "canceled") && !i->waits && i->e->kind == JOB_RESTART && one_stops(i->e)) {
                i->waits = true;
                item_to_phase(i, PHASE_START, true);
                return 0;
        }
        if (r > 0)
                item_finish(i, 0, NULL);
        else if (r == 0)
                r = unit_failure_read(i->e->bus, i->res->unit, i->job_result, &f);
        if (r != 0)
                return MIN(r, 0);
        if (!done && !i->retried && f.main_process && !strcmp(f.result, "exit-code") && h->retry &&
            h->retry(i->e->s, i->res->unit, i->since)) {
                log_debug("starting %s once more", i->res->unit);
                i->retried = true;
                item_to_phase(i, PHASE_START, true);
        } else {
                item_finish(i, !strcmp(i->job_result, "timeout") || !strcmp(f.result, "timeout") ? -ETIMEDOUT : -EIO,
                            TAKE_PTR(f.reason));
        }
        unit_failure_done(&f);
        return 0;
}

/* The job of a unit that was killed is "done", too. */
static int after_stop(struct item *i)
{
        const struct job_hooks *h = &i->e->hooks;
        _cleanup_free_ char *result = NULL;
        int r = h->killed ? systemd_get_string(i->e->s, i->res->unit, "Service", "Result", &result, NULL) : 0;

        if (r == -ECANCELED || r == -ENOMEM || r == -ECONNRESET)
                return r;
        if (h->killed && (i->ended || (result && !strcmp(result, "timeout"))))
                h->killed(h->data, i->res->unit);
        if (i->ended && reset_failed(i->e, i->res->unit) < 0)
                return -ENOMEM;
        if (i->e->kind == JOB_RESTART)
                item_to_phase(i, PHASE_START, true);
        else
                item_finish(i, 0, NULL);
        return 0;
}

/* Calls the bus and the caller's hooks, which callbacks must not do. Other jobs may end meanwhile. */
static int settle(struct engine *e)
{
        bool again;

        do {
                again = false;
                for (size_t k = 0; k < e->n; k++) {
                        struct item *i = &e->items[k];

                        if ((i->phase == PHASE_ASK || i->phase == PHASE_STOPPED) && !e->cancelled) {
                                int r = i->phase == PHASE_ASK ? ask(i) : after_stop(i);

                                if (r < 0)
                                        return r;
                                again = true;
                        }
                        if (i->phase == PHASE_TELL || (i->phase == PHASE_ASK && e->cancelled)) {
                                if (e->hooks.done && !e->cancelled)
                                        e->hooks.done(e->hooks.data, i->res);
                                item_to_phase(i, PHASE_DONE, false);
                                again = true;
                        }
                }
        } while (again && !e->failure);
        return e->failure;
}

/* ---- lost signals ------------------------------------------------------- */

static int list_jobs(struct engine *e, char ***ret)
{
        _cleanup_bus_message_ sd_bus_message *m = NULL;
        const char *job;
        int r = bus_call_method(e->bus, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "ListJobs", BUS_TIMEOUT, NULL, &m,
                                NULL);

        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(usssoo)");
        while (r >= 0) {
                r = sd_bus_message_read(m, "(usssoo)", NULL, NULL, NULL, NULL, &job, NULL);
                if (r <= 0)
                        return r;
                r = strv_push(ret, job);
        }
        return r;
}

/* A job that ended without a signal: look at the unit instead. */
static int look(struct item *i)
{
        _cleanup_free_ char *active = NULL;
        bool up;
        int r = systemd_get_string(i->e->s, i->res->unit, "Unit", "ActiveState", &active, NULL);

        if (r < 0 || !i->job)
                return r == -ECANCELED || r == -ENOMEM || r == -ECONNRESET ? r : 0;
        up = !strcmp(active, "active") || !strcmp(active, "reloading");
        job_removed(i, (i->phase == PHASE_START) == up ? "done" : "failed");
        return 0;
}

/* Kills the container's init and not systemd-nspawn, which undoes what it has set up: port forwarding, network
 * interfaces, the copy of an ephemeral root. Only a systemd-nspawn that hangs is killed. */
static int end_now(struct item *i)
{
        struct engine *e = i->e;
        uint64_t waited = clock_usec() - i->asked, pid;
        int r = 0;

        if (waited >= KILL_LIMIT)
                return item_kill(i);
        if (waited >= KILL_AGAIN && !i->asked_again) {
                i->asked_again = true;
                r = item_ask_again(i);
        }
        if (r >= 0)
                r = systemd_get_u64(e->s, i->res->unit, "Service", "MainPID", &pid, NULL);
        if (r >= 0)
                proc_signal_children((pid_t)pid, SIGKILL);
        return r == -ECANCELED || r == -ENOMEM || r == -ECONNRESET ? r : 0;
}

static int check(struct engine *e)
{
        _cleanup_strv_ char **jobs = NULL;
        int r;

        e->next_check = clock_usec() + (e->kind == JOB_KILL ? KILL_EVERY : CHECK_USEC);
        r = list_jobs(e, &jobs);
        if (r < 0)
                return r == -ECANCELED || r == -ENOMEM || r == -ECONNRESET ? r : 0;
        for (size_t k = 0; k < e->n && r >= 0; k++) {
                struct item *i = &e->items[k];

                /* The list is newer than every signal that has arrived. */
                if (!i->job)
                        continue;
                if (!strv_contains(STRV_CONST(jobs), i->job))
                        r = look(i);
                else if (e->kind == JOB_KILL)
                        r = end_now(i);
                else if (i->phase == PHASE_STOP && e->hooks.stopping)
                        e->hooks.stopping(e->s, i->res->unit);
        }
        return r;
}

/* ---- the loop ----------------------------------------------------------- */

static int timers(struct engine *e)
{
        uint64_t now = clock_usec();

        if (now >= e->give_up_at) {
                jobs_leave_cancelled(e);
                return 0;
        }
        if (now >= e->kill_at)
                return jobs_kill_cancelled(e);
        if (now >= jobs_next_limit(e) && !e->cancelled)
                return jobs_check_limits(e);
        if (now >= e->next_tick) {
                e->next_tick = now + TICK_USEC;
                e->hooks.tick(e->s, e->hooks.data);
        }
        return now >= e->next_check ? check(e) : 0;
}

static uint64_t next_timer(const struct engine *e)
{
        uint64_t t = MIN(MIN(e->next_check, e->next_tick), MIN(e->kill_at, e->give_up_at));

        return MIN(MIN(t, e->resume_at), e->cancelled ? UINT64_MAX : jobs_next_limit(e));
}

static int step(struct engine *e)
{
        int r;

        /* A call may have read the signal meanwhile, so that it no longer wakes poll(). */
        if (!e->cancelled && interrupt_check(NULL) < 0) {
                e->detached = jobs_may_detach(e);
                if (!e->detached)
                        jobs_cancel(e);
                else
                        interrupt_clear();
        }
        r = send_some(e);
        if (r >= 0 && e->detached)
                jobs_detach(e);
        if (r >= 0 && !e->left)
                return 0;
        if (r >= 0)
                r = bus_poll(e->bus, next_timer(e));
        /* The second ^C does not wait for the end of the grace period, the third one kills. */
        if (r == BUS_SIGNAL && e->cancelled && interrupt_signal())
                r = jobs_kill_cancelled(e);
        if (r >= 0)
                r = timers(e);
        if (r >= 0)
                r = settle(e);
        return r == -ECANCELED ? 0 : r;
}

static int lost(const struct engine *e, int r, struct ec_err *err)
{
        _cleanup_free_ char *others = e->left > 1 ? str_printf(" and %zu other units", e->left - 1) : NULL;
        size_t first = 0;

        while (first + 1 < e->n && e->items[first].phase == PHASE_DONE)
                first++;
        return err_set(err, r, "lost the connection to systemd while waiting for %s%s (%s); run the command again",
                       e->items[first].res->unit, others ? others : "", strerror(-r));
}

static int run(struct engine *e, struct ec_err *err)
{
        _cleanup_bus_slot_ sd_bus_slot *match = NULL;
        int r = sd_bus_match_signal_async(e->bus, &match, bus_sender(e->bus, BUS_SYSTEMD), BUS_SYSTEMD_PATH,
                                          BUS_MANAGER, "JobRemoved", on_removed, NULL, e);

        e->next_check = clock_usec() + CHECK_USEC;
        e->next_tick = e->hooks.tick ? clock_usec() + TICK_USEC : UINT64_MAX;
        while (r >= 0 && e->left)
                r = step(e);
        if (r >= 0 && e->cancelled)
                r = -ECANCELED;
        if (r >= 0)
                return 0;
        if (r == -ENOMEM)
                return err_oom(err);
        if (r != -ECANCELED)
                return lost(e, r, err);
        return interrupt_check(err) < 0 ? r : err_set(err, r, "interrupted");
}

static void engine_done(struct engine *e)
{
        for (size_t k = 0; e->items && k < e->n; k++) {
                struct item *i = &e->items[k];

                sd_bus_slot_unref(i->call);
                strv_free(i->early);
                free(i->job);
                free(i->job_result);
        }
        free(e->items);
}

void unit_results_done(struct unit_result *results, size_t n)
{
        for (size_t i = 0; results && i < n; i++)
                free(results[i].reason);
        free(results);
}

/* systemd refuses a message whose sender has left the bus before it is handled, and handles messages in order. */
static void settle_messages(struct engine *e)
{
        if (!e->told || sd_bus_is_ready(e->bus) <= 0)
                return;
        interrupt_hold();
        (void)bus_call_method(e->bus, BUS_SYSTEMD, BUS_SYSTEMD_PATH, "org.freedesktop.DBus.Peer", "Ping",
                              5 * USEC_PER_SEC, NULL, NULL, NULL);
        interrupt_release();
}

int systemd_jobs(struct systemd *s, enum unit_job job, const char *const *units, const struct job_limits *limits,
                 const struct job_hooks *hooks, struct unit_result **ret_results, struct ec_err *err)
{
        _cleanup_(engine_done) struct engine e = { .s = s, .kind = job, .n = strv_len(units), .left = strv_len(units) };
        bool starts = job == JOB_START || job == JOB_START_DETACH;
        struct unit_result *results;
        int r = interrupt_check(err);

        if (r >= 0)
                r = systemd_bus(e.s, &e.bus, err);
        if (r < 0)
                return r;
        e.kill_at = e.give_up_at = e.resume_at = UINT64_MAX;
        if (hooks)
                e.hooks = *hooks;
        if (limits)
                e.limits = *limits;
        e.detached = e.limits.no_wait;
        e.items = calloc(e.n + 1, sizeof(*e.items));
        results = calloc(e.n + 1, sizeof(*results));
        if (!e.items || !results) {
                free(results);
                return err_oom(err);
        }
        for (size_t k = 0; k < e.n; k++) {
                results[k].unit = units[k];
                e.items[k] = (struct item){
                        .e = &e,
                        .res = &results[k],
                        .phase = starts ? PHASE_START : PHASE_STOP,
                        .wants_call = true,
                        .until = UINT64_MAX,
                };
        }
        if (e.n)
                r = run(&e, err);
        settle_messages(&e);
        for (size_t k = 0; k < e.n && r >= 0; k++)
                if (results[k].code < 0)
                        r = 1;
        if (r < 0) {
                unit_results_done(results, e.n);
                return r;
        }
        *ret_results = results;
        return r;
}
