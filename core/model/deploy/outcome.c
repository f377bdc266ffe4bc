/* SPDX-License-Identifier: MIT */
#include "model/deploy/outcome.h"

#include <signal.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/containers/degraded.h"
#include "model/deploy/unit_state.h"
#include "model/operation/hooks.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "svc/conf/conf.h"
#include "svc/machine/machine.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/strv.h"

static const struct ec_setting settings[] = {
        { "allow-degraded", "bool", "no",
          "Whether a command succeeds if units failed in a container that it starts or updates, as with "
          "--allow-degraded" },
        { "update-timeout", "duration", "15min",
          "How long the update of a running container may take, before it is ended (0: as long as it takes). Restarts "
          "of other containers come after all updates" },
};
const struct ec_array start_settings = EC_ARRAY(settings);

/* A session is where to find out why they failed. */
bool outcome_allows_degraded(const struct ec_op *op)
{
        return (op->command && op->command->scopes & EC_SCOPE_SHELL) || options_is_set(op->options, "allow-degraded") ||
               (op->conf && conf_bool(op->conf, "start", "allow-degraded"));
}

int outcome_init(struct outcome *o, size_t of, struct ec_err *err)
{
        *o = (struct outcome){ .of = of, .since = clock_realtime_usec() };
        if (group_init(&o->started, of) < 0 || group_init(&o->updated, of) < 0 || group_init(&o->stopped, of) < 0 ||
            group_init(&o->failed, of) < 0 || group_init(&o->running, of) < 0 || group_init(&o->units_failed, of) < 0)
                return err_oom(err);
        return 0;
}

void outcome_done(struct outcome *o)
{
        group_done(&o->started);
        group_done(&o->updated);
        group_done(&o->stopped);
        group_done(&o->failed);
        group_done(&o->running);
        group_done(&o->units_failed);
        report_done(&o->report);
}

int outcome_check_interrupt(struct outcome *o, struct ec_err *err)
{
        if (!o->detach || interrupt_signal() != SIGINT)
                return interrupt_check(err);
        interrupt_clear();
        o->no_hooks = true;
        return 0;
}

static int add_ended(struct ec_op *op, struct outcome *o, const struct ec_container *c, const char *after,
                     struct ec_err *err)
{
        struct systemd *s;
        const char *again = op_systemd(op, &s, NULL) >= 0 && unit_starts_again(s, c->unit)
                                    ? ", and systemd starts it again"
                                    : "";

        report_unit(op, c, NULL, o->since, false);
        /* This run did not start it. */
        if (group_find(&o->running, c) < o->running.n)
                return report_add(&o->report, err, "container '%s' was running, and has stopped meanwhile%s", c->name,
                                  again);
        return report_add(&o->report, err, "container '%s' ended right after its %s%s", c->name, after, again);
}

/* Its systemd did not answer, perhaps because it has been stopped meanwhile. */
static int tell_mute(struct ec_op *op, struct outcome *o, const struct ec_container *c, bool ended, const char *after,
                     struct ec_err *err)
{
        _cleanup_free_ char *active = NULL;
        struct systemd *s;

        /* After an interruption, we have not waited for it. */
        if (interrupt_check(NULL) < 0)
                return 0;
        if (op_systemd(op, &s, NULL) < 0 || systemd_get_string(s, c->unit, "Unit", "ActiveState", &active, NULL) < 0 ||
            (unit_is_up(active) && !ended)) {
                log_warn(
                        "container '%s' runs, but its systemd does not answer: whether units failed in it is not known",
                        c->name);
                return 0;
        }
        return add_ended(op, o, c, after, err);
}

/* Units in a container that runs. */
static int look_inside(struct ec_op *op, struct outcome *o, const struct ec_container *c,
                       const struct machine_failed *inside, const char *after, struct ec_err *err)
{
        _cleanup_free_ char *units = NULL, *text = NULL;

        if (inside->units) {
                units = report_failed_inside(c, inside->units,
                                             group_find(&o->running, c) < o->running.n ? 0 : o->since);
                if (!units)
                        return err_oom(err);
                text = str_printf("container '%s' runs, but units failed in it: %s", c->name, units);
        } else if (group_find(&o->units_failed, c) < o->units_failed.n) {
                text = str_printf("container '%s' was updated, but not all of its units could be started or reloaded",
                                  c->name);
        } else if (inside->answered) {
                degraded_set(op->layout, c->name, false);
        } else {
                return tell_mute(op, o, c, inside->ended, after, err);
        }
        if (!text)
                return 0;
        o->degraded = true;
        degraded_set(op->layout, c->name, true);
        if (!outcome_allows_degraded(op))
                return report_add(&o->report, err, "%s", text);
        log_warn("%s", text);
        return 0;
}

/* Asks all at once. An interruption is handled later. */
static struct machine_failed *ask_inside(struct systemd *s, const struct group *g, const struct unit_state *states,
                                         size_t n)
{
        struct machine_failed *v = calloc(g->n, sizeof(*v));
        size_t k = 0;

        for (size_t i = 0; v && i < g->n; i++)
                if (unit_is_up(unit_active(states, n, g->items[i]->unit)))
                        v[k++].name = g->items[i]->name;
        if (v)
                (void)machine_failed_units_many(s, v, k, NULL);
        return v;
}

/* Containers that have ended again have failed, and so have those in which units failed. */
static int look_at(struct ec_op *op, struct outcome *o, const struct group *g, const char *after, struct ec_err *err)
{
        _cleanup_free_ struct machine_failed *inside = NULL;
        struct unit_state *states = NULL;
        struct systemd *s;
        size_t n = 0, k = 0;
        int r = 0;

        if (!g->n || op_systemd(op, &s, NULL) < 0 || systemd_list(s, "container@*.service", &states, &n, NULL) < 0)
                return 0;
        inside = ask_inside(s, g, states, n);
        r = inside ? 0 : err_oom(err);
        for (size_t i = 0; inside && i < g->n; i++) {
                const struct ec_container *c = g->items[i];
                const char *active = unit_active(states, n, c->unit);

                if (!unit_is_up(active)) {
                        r = r < 0 ? r : add_ended(op, o, c, after, err);
                        continue;
                }
                r = r < 0 ? r : look_inside(op, o, c, &inside[k], after, err);
                strv_free(inside[k++].units);
        }
        unit_states_free(states, n);
        return r;
}

/* Calls the hooks of all containers at once, and reports those that do not run as they should. */
static int tell(struct ec_op *op, struct outcome *o, struct ec_err *err)
{
        int r = outcome_check_interrupt(o, err);

        if (r < 0 || o->no_hooks)
                return r;
        hooks_started(op, GROUP_CONST(&o->started));
        hooks_updated(op, GROUP_CONST(&o->updated));
        hooks_stopped(op, GROUP_CONST(&o->stopped));
        hooks_failed(op, GROUP_CONST(&o->failed));
        r = look_at(op, o, &o->started, "start", err);
        if (r >= 0)
                r = look_at(op, o, &o->updated, "update", err);
        if (r >= 0)
                r = look_at(op, o, &o->running, "start", err);
        return r < 0 ? r : outcome_check_interrupt(o, err);
}

int outcome_finish(struct ec_op *op, struct outcome *o, int r, const char *what, struct ec_err *err)
{
        int k = tell(op, o, r < 0 ? NULL : err);
        _cleanup_free_ char *all = str_printf("%s%s", what, o->degraded ? ", or have failed units" : "");

        if (r < 0)
                return r;
        if (k >= 0)
                k = all ? report_result(&o->report, o->of, all, err) : err_oom(err);
        return k < 0 ? k : r;
}
