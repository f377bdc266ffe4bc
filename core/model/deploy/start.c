/* SPDX-License-Identifier: MIT */
/* The phases in which containers run: start, update, restart. */
#include "model/deploy/start.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/containers/pending.h"
#include "model/deploy/deploy.h"
#include "model/deploy/deployment.h"
#include "model/deploy/install.h"
#include "model/deploy/recover.h"
#include "model/deploy/report.h"
#include "model/deploy/unit_state.h"
#include "model/deploy/update.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/lock.h"
#include "model/operation/op.h"
#include "svc/machine/machine.h"
#include "svc/machine/retry.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/jobs.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/name.h"
#include "util/strv.h"

/* Containers that get the same treatment; pointers into the operation's list. */
struct group {
        struct ec_container **items;
        size_t n;
};

static void group_done(struct group *g)
{
        free(g->items);
}

static int group_init(struct group *g, size_t max)
{
        g->items = calloc(max + 1, sizeof(*g->items));
        g->n = 0;
        return g->items ? 0 : -ENOMEM;
}

static void group_add(struct group *g, struct ec_container *c)
{
        g->items[g->n++] = c;
}

static void announce(const struct ec_op *op, const char *header, const struct group *g)
{
        if (!g->n)
                return;
        op_result(op, "%s\n", header);
        for (size_t i = 0; i < g->n; i++)
                op_result(op, "%s\n", g->items[i]->name);
}

/* ---- jobs ---- */

struct progress {
        const char *verb;
        size_t done, of;
};

static void on_done(void *data, const struct unit_result *r)
{
        struct progress *p = data;

        (void)r;
        term_progress("%s: %zu of %zu", p->verb, ++p->done, p->of);
}

static void on_started(struct ec_op *op, struct ec_container *c, const struct pending_mark *before)
{
        pending_clear_marked(op->layout, c->name, before);
        /* Hooks may wait, which an interrupted run must not. */
        if (interrupt_signal())
                return;
        hooks_started(op, (const struct ec_container *const[]){ c, NULL });
        report_failed_inside(op, c);
}

/* Queues all jobs at once; what fails is reported, the rest goes on. 1: some were left to themselves. */
static int run_jobs(struct ec_op *op, enum unit_job job, const struct group *g, struct report *report,
                    struct ec_err *err)
{
        const char *verb = job == JOB_RESTART ? "restart" : "start";
        struct progress p = { job == JOB_RESTART ? "restarting" : "starting", 0, g->n };
        struct job_hooks hooks = { .done = on_done, .retry = machine_name_was_taken, .data = &p };
        struct unit_result *results = NULL;
        _cleanup_free_ const char **units = NULL;
        _cleanup_free_ struct pending_mark *marks = NULL;
        uint64_t since = report_now();
        struct systemd *s;
        bool left = false;
        int r;

        if (!g->n)
                return 0;
        units = calloc(g->n + 1, sizeof(*units));
        marks = calloc(g->n, sizeof(*marks));
        if (!units || !marks)
                return err_oom(err);
        for (size_t i = 0; i < g->n; i++) {
                units[i] = g->items[i]->unit;
                marks[i] = pending_mark(op->layout, g->items[i]->name);
        }
        r = op_systemd(op, &s, err);
        if (r < 0)
                return r;
        term_progress("%s: 0 of %zu", p.verb, p.of);
        r = systemd_jobs(s, job, units, &hooks, &results, err);
        term_progress_clear();
        if (r < 0)
                return r;
        r = 0;
        for (size_t i = 0; i < g->n && r >= 0; i++) {
                if (results[i].code >= 0) {
                        on_started(op, g->items[i], &marks[i]);
                        continue;
                }
                if (results[i].code == -EINPROGRESS) {
                        log_notice("not waiting for container '%s', it goes on starting", g->items[i]->name);
                        pending_clear_marked(op->layout, g->items[i]->name, &marks[i]);
                        left = true;
                        continue;
                }
                report_unit(op, g->items[i], since, results[i].code == -ETIMEDOUT);
                r = report_add(report, err, "container '%s' did not %s: %s", g->items[i]->name, verb,
                               results[i].reason ? results[i].reason : strerror(-results[i].code));
        }
        unit_results_done(results, g->n);
        if (r >= 0 && job == JOB_START_DETACH && interrupt_signal() == SIGINT)
                interrupt_clear(); /* it has ended a wait, as it was to */
        else if (r >= 0)
                r = interrupt_check(err);
        return r < 0 ? r : left;
}

/* ---- who needs what ---- */

struct plan {
        struct group start, update, restart;
};

static void plan_done(struct plan *p)
{
        group_done(&p->start);
        group_done(&p->update);
        group_done(&p->restart);
}

static bool is_up(const char *active)
{
        return !strcmp(active, "active") || !strcmp(active, "reloading");
}

/* What a running container lacks: from this run, or from one that did not get to it. */
static enum change_state outstanding(const struct ec_op *op, const struct change *ch)
{
        enum change_state noted = pending_get(op->layout, ch->c->name);

        if (ch->state == CHANGE_RESTART || noted == CHANGE_RESTART)
                return CHANGE_RESTART;
        return ch->state == CHANGE_UPDATE || noted == CHANGE_UPDATE ? CHANGE_UPDATE : CHANGE_NONE;
}

static void plan_one(struct ec_op *op, const struct change *ch, const char *active, uint32_t flags, struct plan *p)
{
        struct ec_container *c = ch->c;
        enum change_state need = outstanding(op, ch);
        bool booting = !strcmp(active, "activating"), change = flags & (EC_START_UPDATE | EC_START_RESTART);

        if (need != CHANGE_NONE && change && (is_up(active) || booting)) {
                /* Nobody can switch a system that is still booting. */
                if (need == CHANGE_RESTART || flags & EC_START_RESTART || booting ||
                    !container_conf_get(c, "SYSTEM_PATH"))
                        group_add(&p->restart, c);
                else
                        group_add(&p->update, c);
        } else if (flags & EC_START_STOPPED && !is_up(active)) {
                /* One that boots already, or again after a failure, is waited for. */
                group_add(&p->start, c);
        } else if (!is_up(active) && !booting) {
                log_notice("container '%s' is stopped, so it was not updated", c->name);
        }
}

static int make_plan(struct ec_op *op, struct deployment *d, uint32_t flags, struct plan *p, struct ec_err *err)
{
        struct unit_state *states = NULL;
        struct systemd *s;
        size_t n = 0;
        int r;

        if (group_init(&p->start, d->list.n) < 0 || group_init(&p->update, d->list.n) < 0 ||
            group_init(&p->restart, d->list.n) < 0)
                return err_oom(err);
        r = op_systemd(op, &s, err);
        if (r >= 0)
                r = systemd_list(s, "container@*.service", &states, &n, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < d->list.n; i++)
                plan_one(op, &d->changes[i], unit_active(states, n, d->list.items[i]->unit), flags, p);
        unit_states_free(states, n);
        return 0;
}

int deploy_start(struct ec_op *op, uint32_t flags, struct ec_err *err)
{
        _cleanup_(plan_done) struct plan p = { 0 };
        _cleanup_(report_done) struct report report = { 0 };
        struct deployment *d;
        bool left = false;
        size_t all;
        int r = deploy_install(op, err);

        if (r < 0 || !flags)
                return r;
        if (layout_offline(op->layout))
                return err_set(err, -EOPNOTSUPP,
                               "containers below %s cannot be started: it is not the root of this host",
                               op->layout->root);
        r = deploy_load(op, &d, err);
        if (r >= 0)
                r = make_plan(op, d, flags, &p, err);
        if (r < 0)
                return r;
        all = p.start.n + p.update.n + p.restart.n;
        announce(op, "Starting containers:", &p.start);
        r = run_jobs(op, flags & EC_START_DETACH ? JOB_START_DETACH : JOB_START, &p.start, &report, err);
        if (r < 0)
                return r;
        left = r;
        announce(op, "Updating containers:", &p.update);
        r = update_run(op, p.update.items, p.update.n, &report, err);
        if (r < 0)
                return r;
        announce(op, "Restarting containers:", &p.restart);
        r = run_jobs(op, JOB_RESTART, &p.restart, &report, err);
        if (r >= 0)
                r = report_result(&report, all, "started or updated", err);
        return r < 0 ? r : left;
}

/* ---- restart by name ---- */

/* Containers that are not ours can be restarted just as well: of the host's configuration, or made by nixos-container. */
static int find_container(const struct layout *l, const char *name, struct ec_container **ret, struct ec_err *err)
{
        _cleanup_free_ char *conf = str_printf("%s/%s.conf", l->legacy ? l->conf_legacy : l->conf, name);
        int r = container_installed(l, name, ret, err);

        if (r != -ENOENT)
                return r;
        err_done(err);
        if (!conf)
                return err_oom(err);
        if (!container_is_declarative(l, name) && access(conf, F_OK))
                return container_unknown(l, name, err);
        r = container_new(l, name, l->units, l->legacy, ret);
        return r < 0 ? err_oom(err) : 0;
}

static int find_all(const struct layout *l, const char *const *names, struct container_list *list, struct ec_err *err)
{
        _cleanup_strv_ char **sorted = strv_copy(names);
        int r;

        if (!sorted && *names)
                return err_oom(err);
        strv_sort(sorted);
        list->items = calloc(strv_len(names) + 1, sizeof(*list->items));
        if (!list->items)
                return err_oom(err);
        for (char **n = sorted; n && *n; n++) {
                if (n > sorted && !strcmp(n[-1], *n))
                        continue;
                r = container_name_possible(*n) ? 0 : container_name_check(*n, err);
                if (r >= 0)
                        r = find_container(l, *n, &list->items[list->n], err);
                if (r < 0)
                        return r;
                list->n++;
        }
        return 0;
}

/* systemd has to know the units as they are installed. */
static int recover_locked(struct ec_op *op, struct ec_err *err)
{
        _cleanup_(recovery_done) struct recovery recovery = { 0 };
        int lock = -1, r;

        if (!pending_reload(op->layout))
                return 0;
        r = lock_take(op->layout, &lock, err);
        if (r >= 0)
                r = recover_run(op, &recovery, err);
        lock_release(&lock);
        return r;
}

int deploy_restart(struct ec_op *op, const char *const *names, struct ec_err *err)
{
        _cleanup_(container_list_done) struct container_list list = { 0 };
        _cleanup_(report_done) struct report report = { 0 };
        struct group g;
        int r = find_all(op->layout, names, &list, err);

        if (r < 0)
                return r;
        if (layout_offline(op->layout))
                return err_set(err, -EOPNOTSUPP,
                               "containers below %s cannot be restarted: it is not the root of this host",
                               op->layout->root);
        g = (struct group){ list.items, list.n };
        announce(op, "Restarting containers:", &g);
        r = recover_locked(op, err);
        if (r >= 0)
                r = run_jobs(op, JOB_RESTART, &g, &report, err);
        return r < 0 ? r : report_result(&report, g.n, "restarted", err);
}

/* FIXME-model */
int deploy_start_installed(struct ec_op *op, const char *const *names, struct ec_err *err)
{
        (void)op, (void)names;
        return err_set(err, -ENOSYS, "not yet");
}

/* FIXME-model */
int deploy_stop(struct ec_op *op, const char *const *names, struct ec_err *err)
{
        (void)op, (void)names;
        return err_set(err, -ENOSYS, "not yet");
}
