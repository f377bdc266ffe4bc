/* SPDX-License-Identifier: MIT */
/* Starts, updates or restarts the containers of a definition. */
#include "model/deploy/start.h"

#include <string.h>

#include "model/containers/containers.h"
#include "model/containers/degraded.h"
#include "model/containers/group.h"
#include "model/containers/owner.h"
#include "model/containers/pending.h"
#include "model/deploy/deploy.h"
#include "model/deploy/deployment.h"
#include "model/deploy/install.h"
#include "model/deploy/jobs.h"
#include "model/deploy/outcome.h"
#include "model/deploy/stale.h"
#include "model/deploy/unit_state.h"
#include "model/deploy/update.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"

struct plan {
        struct group start, update, restart;
        struct group degraded; /* runs as installed, but units had failed in it */
};

static void plan_done(struct plan *p)
{
        group_done(&p->start);
        group_done(&p->update);
        group_done(&p->restart);
        group_done(&p->degraded);
}

/* What a running container needs, for a change of this run or of an earlier one. */
static uint32_t outstanding(const struct ec_op *op, const struct change *ch)
{
        uint32_t noted = pending_get(op->layout, ch->c->name), change = ch->boot_only ? EC_CHANGE_NONE : ch->c->change;

        if (change == EC_CHANGE_RESTART || noted == EC_CHANGE_RESTART)
                return EC_CHANGE_RESTART;
        return change == EC_CHANGE_UPDATE || noted == EC_CHANGE_UPDATE ? EC_CHANGE_UPDATE : EC_CHANGE_NONE;
}

static void plan_one(struct ec_op *op, const struct change *ch, const char *active, uint32_t flags, struct plan *p)
{
        struct ec_container *c = ch->c;
        uint32_t need = outstanding(op, ch);
        bool booting = !strcmp(active, "activating"), change = flags & (EC_START_UPDATE | EC_START_RESTART);

        if (need != EC_CHANGE_NONE && change && (unit_is_up(active) || booting)) {
                /* A system that is still booting cannot switch. */
                if (need == EC_CHANGE_RESTART || flags & EC_START_RESTART || booting ||
                    !container_conf_get(c, "SYSTEM_PATH"))
                        group_add(&p->restart, c);
                else
                        group_add(&p->update, c);
        } else if (flags & EC_START_STOPPED && !unit_is_up(active)) {
                /* Also waits for one that is already booting, or that is restarted after a failure. */
                group_add(&p->start, c);
        } else if (!unit_is_up(active) && !booting) {
                log_notice("container '%s' is stopped, so it was not updated", c->name);
        } else if (unit_is_up(active) && degraded_get(op->layout, c->name)) {
                group_add(&p->degraded, c);
        }
}

static int make_plan(struct ec_op *op, struct deployment *d, uint32_t flags, struct plan *p, struct ec_err *err)
{
        _cleanup_(stale_done) struct stale stale = { 0 };
        struct unit_state *states = NULL;
        struct systemd *s;
        size_t n = 0;
        int r;

        if (group_init(&p->start, d->list.n) < 0 || group_init(&p->update, d->list.n) < 0 ||
            group_init(&p->restart, d->list.n) < 0 || group_init(&p->degraded, d->list.n) < 0)
                return err_oom(err);
        for (size_t i = 0; flags & EC_START_STOPPED && i < d->list.n; i++)
                stale_read(&stale, op->layout, d->list.items[i]);
        r = op_systemd(op, &s, err);
        if (r >= 0)
                r = systemd_list(s, "container@*.service", &states, &n, err);
        if (r < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < d->list.n; i++) {
                const struct ec_container *c = d->list.items[i];
                const char *active = unit_active(states, n, c->unit);

                /* A session may have opened since the installation, which had the lock. */
                r = owner_check(op->layout, c->name, err);
                if (r < 0)
                        break;
                plan_one(op, &d->changes[i], active, flags, p);
                if (flags & EC_START_STOPPED && unit_is_down(active))
                        stale_clear(&stale, op->layout, c);
        }
        unit_states_free(states, n);
        return r < 0 ? r : 0;
}

static int run_plan(struct ec_op *op, const struct plan *p, uint32_t flags, struct outcome *o, struct ec_err *err)
{
        bool left;
        int r;

        jobs_announce(op, "Starting containers:", &p->start);
        r = jobs_run(op, flags & EC_START_DETACH ? JOB_START_DETACH : JOB_START, &p->start, o, err);
        if (r < 0)
                return r;
        left = r;
        jobs_announce(op, "Updating containers:", &p->update);
        r = update_run(op, &p->update, o, err);
        if (r < 0)
                return r;
        jobs_announce(op, "Restarting containers:", &p->restart);
        r = jobs_run(op, JOB_RESTART, &p->restart, o, err);
        return r < 0 ? r : left;
}

int deploy_start(struct ec_op *op, uint32_t flags, struct ec_err *err)
{
        _cleanup_(plan_done) struct plan p = { 0 };
        _cleanup_(outcome_done) struct outcome o = { 0 };
        struct deployment *d;
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
        if (r >= 0)
                r = outcome_init(&o, p.start.n + p.update.n + p.restart.n + p.degraded.n, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < p.degraded.n; i++)
                group_add(&o.running, p.degraded.items[i]);
        o.detach = flags & EC_START_DETACH;
        r = run_plan(op, &p, flags, &o, err);
        return outcome_finish(op, &o, r, "started or updated", err);
}
