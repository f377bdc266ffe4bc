/* SPDX-License-Identifier: MIT */
#include "model/deploy/jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "model/containers/containers.h"
#include "model/containers/group.h"
#include "model/containers/pending.h"
#include "model/deploy/foreign.h"
#include "model/deploy/interrupted.h"
#include "model/deploy/outcome.h"
#include "model/deploy/progress.h"
#include "model/deploy/stale.h"
#include "model/deploy/unit_state.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "svc/machine/machine.h"
#include "svc/machine/retry.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

void jobs_announce(const struct ec_op *op, const char *header, const struct group *g)
{
        if (g->n)
                op_result(op, "%s\n", header);
        for (size_t i = 0; i < g->n; i++)
                op_result(op, "%s\n", g->items[i]->name);
}

int jobs_limits(const struct ec_op *op, struct job_limits *ret, struct ec_err *err)
{
        struct job_limits l = { .no_wait = options_is_set(op->options, "no-block"),
                                .usec = options_ms(op->options, "timeout") * USEC_PER_MSEC };

        if (l.no_wait && l.usec)
                return err_usage(err, "--no-block and --timeout exclude each other");
        if (ret)
                *ret = l;
        return 0;
}

struct jobs {
        struct ec_op *op;
        enum unit_job job;
        const struct group *group;
        const char **units;
        struct pending_mark *marks; /* of the notes before the jobs */
        struct unit_result *results;
        struct progress progress;
        uint64_t *since;   /* when their starts began, in realtime */
        bool *destroyed;   /* when their starts failed, by another run */
        struct group rest; /* after an interruption: those of which nothing was said */
};

static bool is_stop(enum unit_job job)
{
        return job == JOB_STOP || job == JOB_KILL;
}

static const char *verb(enum unit_job job)
{
        return job == JOB_RESTART ? "restart" : is_stop(job) ? "stop" : "start";
}

static size_t index_of(const struct jobs *j, const char *unit)
{
        size_t i = 0;

        while (strcmp(j->units[i], unit) != 0)
                i++;
        return i;
}

static char *describe(const struct jobs *j, size_t i, const struct unit_result *r)
{
        return str_printf("container '%s' did not %s: %s", j->group->items[i]->name, verb(j->job),
                          j->destroyed[i] ? "it was destroyed meanwhile"
                          : r->reason     ? r->reason
                                          : strerror(-r->code));
}

/* A failure is reported when it happens, because others may take long. */
static void on_done(void *data, const struct unit_result *r)
{
        struct jobs *j = data;
        size_t i = index_of(j, r->unit);

        j->progress.done[i] = true;
        if (r->code < 0 && r->code != -EINPROGRESS && r->code != -ETIME && !is_stop(j->job)) {
                const struct ec_container *c = j->group->items[i];
                _cleanup_free_ char *text = NULL;

                /* Starts do not wait for other runs. */
                j->destroyed[i] = c->origin == EC_ORIGIN_PROGRAM && !fs_exists(c->unit_path);
                text = describe(j, i, r);
                report_unit(j->op, c, j->group->n > 1 ? text : NULL, j->since[i], r->code == -ETIMEDOUT);
        }
        progress_show(&j->progress, NULL);
}

static void on_tick(struct systemd *s, void *data)
{
        const struct jobs *j = data;

        progress_show(&j->progress, s);
}

static void on_killed(void *data, const char *unit)
{
        const struct jobs *j = data;
        const struct ec_container *c = j->group->items[index_of(j, unit)];
        _cleanup_(stale_done) struct stale stale = { 0 };

        log_warn("container '%s' did not stop in time, so it was killed", c->name);
        stale_clear(&stale, j->op->layout, c);
}

static void on_left(void *data, const char *unit, bool stopped)
{
        struct jobs *j = data;
        const struct ec_container *c = j->group->items[index_of(j, unit)];
        size_t i = group_find(&j->rest, c);
        bool starts = j->job == JOB_START || j->job == JOB_START_DETACH;
        bool session = j->op->command && j->op->command->scopes & EC_SCOPE_SHELL; /* which may destroy it */

        log_notice("container '%s' %s%s%s", c->name, stopped ? "was stopped" : "is still stopping",
                   stopped && starts ? " again" : "",
                   j->job == JOB_RESTART ? ", and is not started again"
                   : starts && !session  ? "; it stays installed"
                                         : "");
        if (i < j->rest.n)
                memmove(&j->rest.items[i], &j->rest.items[i + 1], (--j->rest.n - i) * sizeof(*j->rest.items));
}

static void jobs_done(struct jobs *j)
{
        free(j->units);
        free(j->marks);
        free(j->since);
        free(j->destroyed);
        progress_done(&j->progress);
        group_done(&j->rest);
        unit_results_done(j->results, j->group->n);
}

static int prepare(struct jobs *j)
{
        static const char *const verbs[] = {
                [JOB_START] = "starting",        [JOB_STOP] = "stopping",    [JOB_RESTART] = "restarting",
                [JOB_START_DETACH] = "starting", [JOB_KILL] = "terminating",
        };
        const struct group *g = j->group;

        j->units = calloc(g->n + 1, sizeof(*j->units));
        j->marks = calloc(g->n, sizeof(*j->marks));
        j->since = calloc(g->n, sizeof(*j->since));
        j->destroyed = calloc(g->n, sizeof(*j->destroyed));
        if (!j->units || !j->marks || !j->since || !j->destroyed || group_init(&j->rest, g->n) < 0 ||
            progress_init(&j->progress, verbs[j->job], !is_stop(j->job), g) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < g->n; i++) {
                j->units[i] = g->items[i]->unit;
                j->marks[i] = pending_mark(j->op->layout, g->items[i]->name);
                group_add(&j->rest, g->items[i]);
                j->since[i] = clock_realtime_usec();
        }
        return 0;
}

/* Has another run begun its start, perhaps before a change was noted? systemd then starts nothing again. */
static bool has_begun(const struct jobs *j, struct systemd *s, size_t i, const char *active)
{
        _cleanup_free_ char *sub = NULL;

        return (j->job == JOB_START || j->job == JOB_START_DETACH) &&
               (unit_is_up(active) || !strcmp(active, "activating")) &&
               systemd_get_string(s, j->units[i], "Unit", "SubState", &sub, NULL) >= 0 &&
               !str_after(sub, "auto-restart");
}

/* A start that has already begun is waited for, and its journal begins earlier. */
static void find_begins(struct jobs *j, struct systemd *s)
{
        for (size_t i = 0; !is_stop(j->job) && i < j->group->n; i++) {
                _cleanup_free_ char *active = NULL;
                uint64_t usec = 0;

                if (systemd_get_string(s, j->units[i], "Unit", "ActiveState", &active, NULL) < 0)
                        continue;
                if (has_begun(j, s, i, active))
                        j->marks[i] = (struct pending_mark){ 0 };
                if (!strcmp(active, "activating") &&
                    systemd_get_u64(s, j->units[i], "Unit", "InactiveExitTimestamp", &usec, NULL) >= 0 && usec &&
                    usec < j->since[i])
                        j->since[i] = usec;
        }
}

static int run(struct jobs *j, struct ec_err *err)
{
        struct job_hooks hooks = {
                .done = on_done,
                .tick = term_colour() ? on_tick : NULL,
                .retry = machine_name_was_taken,
                .stopping = machine_stop_again,
                .killed = on_killed,
                .left = on_left,
                .data = j,
        };
        struct job_limits limits = { 0 };
        struct systemd *s;
        int r = op_systemd(j->op, &s, err);

        if (r >= 0)
                r = jobs_limits(j->op, &limits, err);
        if (r < 0)
                return r;
        find_begins(j, s);
        progress_show(&j->progress, NULL);
        r = systemd_jobs(s, j->job, j->units, &limits, &hooks, &j->results, err);
        term_progress_clear();
        if (r == -ECANCELED)
                interrupted_tell(j->op, &j->rest, false);
        return r;
}

static int add_failure(const struct jobs *j, size_t i, struct outcome *o, struct ec_err *err)
{
        struct ec_container *c = j->group->items[i];
        _cleanup_free_ char *text = describe(j, i, &j->results[i]);

        if (!is_stop(j->job))
                group_add(&o->failed, c);
        return text ? report_add(&o->report, err, "%s", text) : err_oom(err);
}

/* 1: it is still starting. */
static int add_result(const struct jobs *j, size_t i, struct outcome *o, struct ec_err *err)
{
        struct ec_container *c = j->group->items[i];
        int code = j->results[i].code;

        if (code < 0 && code != -EINPROGRESS)
                return add_failure(j, i, o, err);
        if (is_stop(j->job) && code == -EINPROGRESS)
                return 1;
        if (is_stop(j->job)) {
                group_add(&o->stopped, c);
                return 0;
        }
        pending_clear_marked(j->op->layout, c->name, &j->marks[i]);
        if (code == -EINPROGRESS) {
                if (j->job == JOB_START_DETACH)
                        log_notice("not waiting for container '%s'; it continues to start", c->name);
                return 1;
        }
        group_add(&o->started, c);
        return 0;
}

/* Before anything is stopped: without machined and the bus, systemd-nspawn does not start a container. */
static int check_machined(struct ec_op *op, const struct group *g, struct ec_err *err)
{
        struct systemd *s;
        int r = op_systemd(op, &s, err);

        if (r >= 0)
                r = machine_running(s, g->items[0]->name, err);
        return r >= 0 || r == -ECANCELED ? r : err_prefix(err, "containers cannot be started");
}

/* Selects the containers whose names no other machine has. */
static int select_own(struct ec_op *op, enum unit_job job, const struct group *g, struct group *own, struct outcome *o,
                      struct ec_err *err)
{
        int r = group_init(own, g->n) < 0 ? err_oom(err) : 0, k = 0;

        if (r >= 0 && !is_stop(job))
                r = check_machined(op, g, err);
        for (size_t i = 0; i < g->n && r >= 0; i++) {
                _cleanup_err_ struct ec_err e = { 0 };

                /* If machined does not answer, one timeout is enough. */
                if (!is_stop(job) && k == 0)
                        k = foreign_check(op, g->items[i], &e);
                if (k != -EBUSY && k < 0) {
                        err_move(err, &e);
                        return k;
                }
                if (k >= 0) {
                        group_add(own, g->items[i]);
                        continue;
                }
                k = 0;
                group_add(&o->failed, g->items[i]);
                r = report_add(&o->report, err, "container '%s' did not %s: %s", g->items[i]->name, verb(job),
                               err_msg(&e));
        }
        return r;
}

static int run_all(struct ec_op *op, enum unit_job job, const struct group *g, struct outcome *o, struct ec_err *err)
{
        _cleanup_(jobs_done) struct jobs j = { .op = op, .job = job, .group = g };
        bool left = false;
        int r = prepare(&j) < 0 ? err_oom(err) : run(&j, err);

        if (r < 0)
                return r;
        r = 0;
        for (size_t i = 0; i < g->n && r >= 0; i++) {
                r = add_result(&j, i, o, err);
                left |= r > 0;
        }
        if (r >= 0)
                r = outcome_check_interrupt(o, err);
        return r < 0 ? r : left;
}

int jobs_run(struct ec_op *op, enum unit_job job, const struct group *g, struct outcome *o, struct ec_err *err)
{
        _cleanup_(group_done) struct group own = { 0 };
        int r = g->n ? select_own(op, job, g, &own, o, err) : 0;

        return r < 0 || !own.n ? MIN(r, 0) : run_all(op, job, &own, o, err);
}
