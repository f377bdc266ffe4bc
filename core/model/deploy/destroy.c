/* SPDX-License-Identifier: MIT */
/* Removes containers and everything that belongs to them, and names what could not be removed. */
#include "model/deploy/destroy.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "model/containers/containers.h"
#include "model/containers/group.h"
#include "model/containers/owner.h"
#include "model/containers/pending.h"
#include "model/deploy/deploy.h"
#include "model/deploy/foreign.h"
#include "model/deploy/host_reload.h"
#include "model/deploy/interrupted.h"
#include "model/deploy/recover.h"
#include "model/deploy/remove.h"
#include "model/deploy/report.h"
#include "model/deploy/stale.h"
#include "model/deploy/unit_state.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/lock.h"
#include "model/operation/op.h"
#include "svc/machine/machine.h"
#include "svc/process/interrupt.h"
#include "svc/process/proc.h"
#include "svc/systemd/jobs.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/name.h"
#include "util/strv.h"

#define NAMES_MAX 20 /* that an error lists */

/* What happens to one container. */
struct target {
        struct ec_container *c; /* of the list */
        bool stop;              /* it is, or was, stopped */
        bool up;                /* it was running before */
        bool keep;              /* it still runs, or belongs to a session */
};

/* One run of destroy. */
struct destroy {
        struct ec_op *op;
        uint32_t flags; /* EC_DESTROY_* */
        struct container_list list;
        size_t unknown;           /* names that are not installed */
        bool silent;              /* machined does not answer */
        struct target *targets;   /* one per container, in the same order */
        struct recovery recovery; /* of a run that was killed */
        struct removal removal;
        struct report report;
};

static void destroy_done(struct destroy *d)
{
        container_list_done(&d->list);
        free(d->targets);
        removal_done(&d->removal);
        recovery_done(&d->recovery);
        report_done(&d->report);
}

/* ---- selection ---- */

static int unknown_name(const struct layout *l, const char *name, struct ec_err *err)
{
        if (*name && !access(name, F_OK))
                return err_set(err, -ENOENT,
                               "no container named '%s' is installed; to destroy what that file defines, write './%s'",
                               name, name);
        return container_unknown(l, name, err);
}

/* What is not installed does not prevent the others from being destroyed: an earlier run may have got that far. */
static int find_one(void *data, const char *name, struct ec_container **ret, struct ec_err *err)
{
        struct destroy *d = data;
        const struct layout *l = d->op->layout;
        _cleanup_err_ struct ec_err e = { 0 };
        int r = container_name_possible(name) ? 0 : container_name_check(name, err);

        if (r >= 0)
                r = container_installed(l, name, ret, err);
        if (r != -ENOENT)
                return r < 0 ? r : 1;
        err_done(err);
        if (container_is_declarative(l, name))
                return err_set(err, -EPERM, "container '%s' is part of the host's own configuration: remove it there",
                               name);
        if (d->flags & EC_DESTROY_ABSENT || strv_contains(STRV_CONST(d->recovery.names), name))
                return 0;
        d->unknown++;
        r = unknown_name(l, name, &e);
        return r == -ENOENT ? report_add(&d->report, err, "%s", err_msg(&e)) : err_set(err, r, "%s", err_msg(&e));
}

/* The machine that has its name may use its files. */
static int check_foreign(struct destroy *d, struct target *t, struct ec_err *err)
{
        _cleanup_err_ struct ec_err e = { 0 };
        int r = 0;

        if (layout_offline(d->op->layout) || d->silent || !machine_registered(t->c->name))
                return 0;
        r = foreign_check(d->op, t->c, &e);
        /* If machined does not answer, one timeout is enough. */
        d->silent = r > 0;
        t->keep = r == -EBUSY;
        if (t->keep)
                return report_add(&d->report, err, "container '%s' was not destroyed: %s", t->c->name, err_msg(&e));
        if (r < 0)
                err_move(err, &e);
        return MIN(r, 0);
}

static int find(struct destroy *d, const char *const *names, struct ec_err *err)
{
        int r;

        if (d->flags & EC_DESTROY_ALL)
                r = containers_installed(d->op->layout, &d->list, err);
        else
                r = container_list_fill(&d->list, names, find_one, d, err);
        if (r < 0)
                return r;
        d->targets = calloc(d->list.n + 1, sizeof(*d->targets));
        if (!d->targets)
                return err_oom(err);
        for (size_t i = 0; i < d->list.n && r >= 0; i++) {
                struct target *t = &d->targets[i];
                _cleanup_err_ struct ec_err e = { 0 };

                t->c = d->list.items[i];
                t->keep = owner_check(d->op->layout, t->c->name, &e) < 0;
                r = t->keep ? report_add(&d->report, err, "%s", err_msg(&e)) : 0;
                if (!t->keep && r >= 0)
                        r = check_foreign(d, t, err);
        }
        return r;
}

/* ---- stop ---- */

/* The kernel removes the veth pair with the container's network; one that stayed would block the next of that name. */
static void remove_veth(const struct ec_container *c)
{
        const char *const prefixes[] = { "ve-", "vb-" };

        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
                _cleanup_free_ char *dev = str_printf("%s%s", prefixes[i], c->name);
                const char *argv[] = { "ip", "link", "delete", "dev", dev, NULL };
                struct ec_proc p = { .size = sizeof(p),
                                     .argv = argv,
                                     .flags = EC_PROC_CAPTURE | EC_PROC_CAPTURE_ERR | EC_PROC_NULL_STDIN |
                                              EC_PROC_NO_CANCEL };
                _cleanup_proc_result_ struct ec_proc_result result = { .size = sizeof(result) };
                _cleanup_err_ struct ec_err e = { 0 };

                if (!dev || strlen(dev) >= IFNAMSIZ || !if_nametoindex(dev))
                        continue;
                if (proc_run(&p, &result, &e) < 0)
                        log_warn("cannot remove the network device %s: %s", dev, err_msg(&e));
        }
}

static int stop_units(struct destroy *d, struct systemd *s, struct ec_err *err)
{
        _cleanup_free_ const char **units = calloc(d->list.n + 1, sizeof(*units));
        struct unit_result *results = NULL;
        size_t n = 0;
        int r;

        if (!units)
                return err_oom(err);
        for (size_t i = 0; i < d->list.n; i++)
                if (d->targets[i].stop)
                        units[n++] = d->targets[i].c->unit;
        r = n ? systemd_jobs(s, JOB_KILL, units, NULL, NULL, &results, err) : 0;
        if (r < 0)
                return r;
        r = 0;
        for (size_t i = 0, k = 0; k < n && r >= 0; i++) {
                struct target *t = &d->targets[i];
                const struct unit_result *result = &results[k];

                if (!t->stop)
                        continue;
                k++;
                if (result->code >= 0)
                        continue;
                t->keep = true;
                r = report_add(&d->report, err, "container '%s' was not stopped: %s", t->c->name,
                               result->reason ? result->reason : strerror(-result->code));
        }
        unit_results_done(results, n);
        return r;
}

/* Selects those whose units are not inactive. Failed ones would stay in listings, and one between the stop and the
 * start of a restart would be started again. */
static int select_loaded(struct destroy *d, struct systemd *s, bool late, struct ec_err *err)
{
        struct unit_state *states = NULL;
        size_t n = 0;
        int r = systemd_list(s, "container@*.service", &states, &n, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < d->list.n; i++) {
                struct target *t = &d->targets[i];
                const struct unit_state *state = unit_state_find(states, n, t->c->unit);

                t->stop = state && !t->keep && (strcmp(state->active, "inactive") || state->queued) &&
                          !(late && fs_exists(t->c->unit_path));
                t->up = t->stop && unit_is_up(state->active);
        }
        unit_states_free(states, n);
        return 0;
}

/* Another run, between its installation and its start, may start a container right after it was stopped. */
static bool started_again(struct systemd *s, const struct ec_container *c)
{
        _cleanup_err_ struct ec_err e = { 0 };
        struct unit_state *states = NULL;
        size_t n = 0;
        bool again = systemd_list(s, c->unit, &states, &n, &e) >= 0 && !unit_is_down(unit_active(states, n, c->unit));

        unit_states_free(states, n);
        return again;
}

static int clear_machine(struct systemd *s, const struct ec_container *c)
{
        _cleanup_err_ struct ec_err e = { 0 };
        int r = machine_terminate(s, c->name, &e);

        if (r >= 0)
                (void)machine_clear_mount(c->name);
        else if (r != -ECANCELED)
                log_warn("container '%s': %s", c->name, err_msg(&e));
        return r;
}

/* late: only containers whose unit is removed already. */
static int stop_all(struct destroy *d, bool late, struct ec_err *err)
{
        _cleanup_(group_done) struct group stopped = { 0 };
        _cleanup_(stale_done) struct stale stale = { 0 };
        bool silent = d->silent;
        struct systemd *s;
        int r = group_init(&stopped, d->list.n) < 0 ? err_oom(err) : op_systemd(d->op, &s, err);

        if (r >= 0)
                r = select_loaded(d, s, late, err);
        if (r >= 0)
                r = stop_units(d, s, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < d->list.n; i++) {
                const struct target *t = &d->targets[i];

                if (t->keep)
                        continue;
                if (t->up)
                        group_add(&stopped, t->c);
                /* What it has set up is not stale; remove_late() stops it. */
                if (t->stop && started_again(s, t->c))
                        continue;
                /* If machined does not answer, one timeout is enough. */
                if (t->stop && !silent)
                        silent = clear_machine(s, t->c) == -ETIMEDOUT;
                if (t->stop || !late) {
                        remove_veth(t->c);
                        stale_clear(&stale, d->op->layout, t->c);
                }
        }
        hooks_stopped(d->op, GROUP_CONST(&stopped));
        return 0;
}

/* ---- remove ---- */

/* Stop again what another run has started meanwhile. Without a unit file that cannot happen again, and before the
 * reload systemd still has the commands that stop it. */
static int remove_late(struct destroy *d, struct ec_err *err)
{
        int r = stop_all(d, true, err);
        bool read = false;

        for (size_t i = 0; i < d->list.n && r >= 0; i++) {
                if (!d->targets[i].stop || d->targets[i].keep)
                        continue;
                if (!read) {
                        removal_read_journal(&d->removal);
                        read = true;
                }
                r = remove_container_data(&d->removal, d->list.items[i], err);
        }
        return r;
}

/* Notes the containers, in case this run is killed. Best effort: a full disk must not prevent a destroy. */
static void note_removals(struct destroy *d)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_err_ struct ec_err e = { 0 };
        int r = d->recovery.left ? strv_extend(&names, STRV_CONST(d->recovery.left)) : 0;

        for (size_t i = 0; i < d->list.n && r >= 0; i++)
                if (!d->targets[i].keep)
                        r = strv_push(&names, d->list.items[i]->name);
        if (r < 0 || pending_reload_set(d->op->layout, STRV_CONST(names), &e) < 0)
                log_warn("cannot note what is destroyed: %s", r < 0 ? strerror(-r) : err_msg(&e));
}

static int remove_all(struct destroy *d, struct ec_err *err)
{
        int r = 0, k;

        note_removals(d);
        removal_read_journal(&d->removal);
        for (size_t i = 0; i < d->list.n && r >= 0; i++) {
                /* ^C takes effect between containers, so that none is half removed. */
                if (d->targets[i].keep)
                        continue;
                r = interrupt_check(err);
                if (r < 0)
                        break;
                interrupt_hold();
                r = remove_container(&d->removal, d->list.items[i], err);
                interrupt_release();
        }
        interrupt_hold();
        {
                _cleanup_err_ struct ec_err e = { 0 };

                k = layout_offline(d->op->layout) ? 0 : remove_late(d, &e);
                if (k < 0 && r >= 0) {
                        err_move(err, &e);
                        r = k;
                }
                err_done(&e);
                k = host_reload(d->op, d->recovery.left, &e);
                if (k < 0 && r >= 0) {
                        err_move(err, &e);
                        r = k;
                }
        }
        interrupt_release();
        return r;
}

static int check_dir(const struct ec_container *c, const char *path, struct ec_err *err)
{
        _cleanup_free_ char *dir = strdup(path);

        if (!dir)
                return err_oom(err);
        *strrchr(dir, '/') = 0;
        if (access(dir, W_OK) < 0 && errno != ENOENT)
                return err_set(err, -errno, "container '%s': cannot remove %s: %s", c->name, path, strerror(errno));
        return 0;
}

/* A directory that is not writable is an error before anything is removed. */
static int check_writable(const struct destroy *d, struct ec_err *err)
{
        int r = 0;

        for (size_t i = 0; i < d->list.n && r >= 0; i++) {
                const struct ec_container *c = d->list.items[i];

                r = check_dir(c, c->unit_path, err);
                if (r >= 0)
                        r = check_dir(c, c->conf_path, err);
                if (r >= 0)
                        r = check_dir(c, c->state_path, err);
        }
        return r;
}

/* An earlier run that cannot be completed must not prevent a destroy. */
static int recover_before(struct destroy *d, struct ec_err *err)
{
        _cleanup_err_ struct ec_err e = { 0 };
        int r = recover_run(d->op, &d->recovery, &e);

        if (r >= 0)
                return 0;
        if (r == -ECANCELED || r == -ENOMEM) {
                err_move(err, &e);
                return r;
        }
        log_warn("an interrupted run is still not completed: %s", err_msg(&e));
        strv_free(d->recovery.left);
        d->recovery.left = strv_copy(STRV_CONST(d->recovery.names));
        return d->recovery.left || !d->recovery.names ? 0 : err_oom(err);
}

static int destroy_locked(struct destroy *d, struct ec_err *err)
{
        int r = check_writable(d, err);

        if (r < 0)
                return r;
        for (size_t i = 0; i < d->list.n; i++)
                if (!d->targets[i].keep)
                        hooks_pre_destroy(d->op, d->list.items[i]);
        if (!layout_offline(d->op->layout))
                r = stop_all(d, false, err);
        return r < 0 ? r : remove_all(d, err);
}

static void tell_interrupted(const struct destroy *d)
{
        _cleanup_(group_done) struct group g = { 0 };

        if (!d->targets || group_init(&g, d->list.n) < 0)
                return;
        for (size_t i = 0; i < d->list.n; i++)
                if (!d->targets[i].keep)
                        group_add(&g, d->list.items[i]);
        interrupted_tell(d->op, &g, true);
}

static void announce(const struct destroy *d)
{
        bool header = true;

        for (size_t i = 0; i < d->list.n; i++) {
                if (d->targets[i].keep)
                        continue;
                op_result(d->op, header ? "Destroying containers:\n%s\n" : "%s\n", d->list.items[i]->name);
                header = false;
        }
}

/* Otherwise an error about one name reads as if nothing was done. */
static int add_destroyed(const struct destroy *d, int r, struct ec_err *err)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *list = NULL;
        size_t n;

        for (size_t i = 0; i < d->list.n; i++)
                if (!d->targets[i].keep && !fs_exists(d->list.items[i]->unit_path) &&
                    strv_push(&names, d->list.items[i]->name) < 0)
                        return err_oom(err);
        n = strv_len(STRV_CONST(names));
        if (!n)
                return r;
        if (n > NAMES_MAX)
                return err_set(err, r, "%s; %zu others were destroyed", err_msg(err), n);
        list = strv_join(STRV_CONST(names), ", ");
        return list ? err_set(err, r, "%s; destroyed: %s", err_msg(err), list) : err_oom(err);
}

static int destroy(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        _cleanup_(destroy_done) struct destroy d = { .op = op, .flags = flags, .removal = { .op = op } };
        bool defined = !names && !(flags & EC_DESTROY_ALL);
        _cleanup_strv_ char **of_definition = NULL;
        int r;

        d.removal.report = &d.report;
        if (defined) {
                /* Before the lock, because an evaluation takes long. */
                r = deploy_names(op, &of_definition, err);
                if (r < 0)
                        return r;
                names = STRV_CONST(of_definition);
                d.flags |= EC_DESTROY_ABSENT;
        }
        r = op_lock(op, err);
        if (r < 0)
                return r;
        r = recover_before(&d, err);
        if (r >= 0)
                r = find(&d, names, err);
        if (r >= 0 && d.list.n) {
                if (defined && !(flags & EC_DESTROY_QUIET))
                        announce(&d);
                r = destroy_locked(&d, err);
        } else if (r >= 0 && defined && !(flags & EC_DESTROY_QUIET)) {
                _cleanup_free_ char *text = strv_join(names, ", ");

                log_notice("nothing to destroy; not installed: %s", text ? text : "any");
        }
        op_unlock(op);
        if (r == -ECANCELED)
                tell_interrupted(&d);
        d.report.code = d.unknown == d.report.n ? -ENOENT : 0;
        if (r < 0)
                return r;
        r = report_result(&d.report, d.list.n + d.unknown, "destroyed completely", err);
        return r < 0 ? add_destroyed(&d, r, err) : r;
}

int deploy_destroy(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        int r;

        if (!(flags & EC_DESTROY_NO_CANCEL))
                return destroy(op, names, flags, err);
        interrupt_hold();
        r = destroy(op, names, flags, err);
        interrupt_release();
        return r;
}
