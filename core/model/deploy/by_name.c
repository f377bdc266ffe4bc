/* SPDX-License-Identifier: MIT */
#include "model/deploy/by_name.h"

#include <stdlib.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/containers/group.h"
#include "model/containers/owner.h"
#include "model/containers/pending.h"
#include "model/containers/select.h"
#include "model/deploy/jobs.h"
#include "model/deploy/outcome.h"
#include "model/deploy/recover.h"
#include "model/deploy/stale.h"
#include "model/deploy/unit_state.h"
#include "model/deploy/update.h"
#include "model/operation/layout.h"
#include "model/operation/lock.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/strv.h"

static int find_container(void *data, const char *name, struct ec_container **ret, struct ec_err *err)
{
        const struct layout *l = data;
        int r = container_of_host(l, name, ret, err);

        if (r >= 0 && (*ret)->origin == EC_ORIGIN_PROGRAM)
                r = owner_check(l, name, err);
        if (r < 0)
                container_free(TAKE_PTR(*ret));
        return r < 0 ? r : 1;
}

/* Completes an interrupted run first, so that systemd knows the installed units. */
static int recover_locked(struct ec_op *op, struct ec_err *err)
{
        _cleanup_(recovery_done) struct recovery recovery = { 0 };
        int r;

        if (!pending_reload(op->layout))
                return 0;
        r = op_lock(op, err);
        if (r < 0)
                return r;
        r = recover_run(op, &recovery, err);
        op_unlock(op);
        return r;
}

struct action {
        enum unit_job job;
        const char *done;   /* "started" */
        const char *header; /* of the lines of the result */
};

static bool stops(const struct action *a)
{
        return a->job == JOB_STOP || a->job == JOB_KILL;
}

/* Units may have failed in one that runs already. */
static void is_running(const struct ec_op *op, struct ec_container *c, struct outcome *o)
{
        if (!options_is_set(op->options, "quiet"))
                log_notice("container '%s' is running", c->name);
        group_add(&o->running, c);
}

/* Selects those that are not in the wanted state. */
static int select_containers(struct ec_op *op, const struct container_list *list, const struct action *a,
                             struct group *g, struct outcome *o, struct ec_err *err)
{
        _cleanup_(stale_done) struct stale stale = { 0 };
        struct unit_state *states;
        struct systemd *s;
        size_t n;
        int r = group_init(g, list->n) < 0 ? err_oom(err) : op_systemd(op, &s, err);

        for (size_t i = 0; !stops(a) && i < list->n; i++)
                stale_read(&stale, op->layout, list->items[i]);
        if (r >= 0)
                r = systemd_list(s, "container@*.service", &states, &n, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list->n; i++) {
                struct ec_container *c = list->items[i];
                const char *active = unit_active(states, n, c->unit);

                if (a->job == JOB_START && unit_is_up(active))
                        is_running(op, c, o);
                else if (stops(a) && unit_is_down(active))
                        log_notice("container '%s' is not running", c->name);
                else
                        group_add(g, c);
                if (!stops(a) && unit_is_down(active))
                        stale_clear(&stale, op->layout, c);
        }
        unit_states_free(states, n);
        return 0;
}

/* A session may have opened since the containers were found. */
static int check_owners(const struct layout *l, const struct group *g, struct ec_err *err)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < g->n; i++)
                r = owner_check(l, g->items[i]->name, err);
        return r;
}

/* Those that run, and can switch to the system that is installed. */
static int select_running(struct ec_op *op, const struct container_list *list, struct group *g, struct outcome *o,
                          struct ec_err *err)
{
        struct unit_state *states;
        struct systemd *s;
        size_t n;
        int r = op_systemd(op, &s, err);

        if (r >= 0)
                r = systemd_list(s, "container@*.service", &states, &n, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list->n && r >= 0; i++) {
                struct ec_container *c = list->items[i];
                const char *why = !unit_is_up(unit_active(states, n, c->unit)) ? "it is not running"
                                  : !container_conf_get(c, "SYSTEM_PATH")      ? "its settings name no system"
                                  : pending_get(op->layout, c->name) == EC_CHANGE_RESTART
                                          ? "its changed settings need a restart"
                                          : NULL;

                if (!why) {
                        group_add(g, c);
                        continue;
                }
                group_add(&o->failed, c);
                r = report_add(&o->report, err, "container '%s' was not updated: %s", c->name, why);
        }
        unit_states_free(states, n);
        return r < 0 ? r : 0;
}

static int list_by_name(struct ec_op *op, const char *const *names, const char *done, struct container_list *list,
                        struct ec_err *err)
{
        int r = container_list_fill(list, names, find_container, op->layout, err);

        if (r >= 0 && layout_offline(op->layout))
                r = err_set(err, -EOPNOTSUPP, "containers below %s cannot be %s: it is not the root of this host",
                            op->layout->root, done);
        return r;
}

static int act(struct ec_op *op, const char *const *names, const struct action *a, struct ec_err *err)
{
        _cleanup_(container_list_done) struct container_list list = { 0 };
        _cleanup_(outcome_done) struct outcome o = { 0 };
        _cleanup_(group_done) struct group g = { 0 };
        int r = list_by_name(op, names, a->done, &list, err);

        if (r >= 0)
                r = outcome_init(&o, list.n, err);
        if (r >= 0)
                r = select_containers(op, &list, a, &g, &o, err);
        if (r < 0)
                return r;
        jobs_announce(op, a->header, &g);
        r = recover_locked(op, err);
        if (r >= 0)
                r = check_owners(op->layout, &g, err);
        if (r >= 0)
                r = jobs_run(op, a->job, &g, &o, err);
        return outcome_finish(op, &o, r, a->done, err);
}

int deploy_start_installed(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        (void)flags;
        return act(op, names, &(struct action){ JOB_START, "started", "Starting containers:" }, err);
}

int deploy_stop(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        if (flags & EC_STOP_KILL)
                return act(op, names, &(struct action){ JOB_KILL, "terminated", "Terminating containers:" }, err);
        return act(op, names, &(struct action){ JOB_STOP, "stopped", "Stopping containers:" }, err);
}

int deploy_restart(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        (void)flags;
        return act(op, names, &(struct action){ JOB_RESTART, "restarted", "Restarting containers:" }, err);
}

int deploy_update_installed(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        _cleanup_(container_list_done) struct container_list list = { 0 };
        _cleanup_(outcome_done) struct outcome o = { 0 };
        _cleanup_(group_done) struct group g = { 0 };
        int r = list_by_name(op, names, "updated", &list, err);

        (void)flags;
        if (r >= 0)
                r = group_init(&g, list.n) < 0 ? err_oom(err) : outcome_init(&o, list.n, err);
        if (r >= 0)
                r = select_running(op, &list, &g, &o, err);
        if (r < 0)
                return r;
        jobs_announce(op, "Updating containers:", &g);
        r = check_owners(op->layout, &g, err);
        if (r >= 0)
                r = update_run(op, &g, &o, err);
        return outcome_finish(op, &o, r, "updated", err);
}
