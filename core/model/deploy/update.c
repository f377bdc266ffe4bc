/* SPDX-License-Identifier: MIT */
#include "model/deploy/update.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "model/containers/containers.h"
#include "model/containers/group.h"
#include "model/containers/pending.h"
#include "model/deploy/outcome.h"
#include "model/operation/op.h"
#include "svc/conf/conf.h"
#include "svc/machine/machine.h"
#include "svc/process/interrupt.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/strv.h"

/* What switch-to-configuration returns if it has switched, but could not start or reload all units. */
#define UNITS_FAILED 4

struct update {
        struct ec_container *container;
        const char *prefix; /* of its lines of output */
        char *program;
        const char *argv[3];
        struct ec_exec exec;
        struct pending_mark before;
        struct ec_err err;
};

struct updates {
        struct update *items;
        struct machine_command *commands;
        size_t n;
};

static void updates_done(struct updates *u)
{
        for (size_t i = 0; u->items && i < u->n; i++) {
                free(u->items[i].program);
                err_done(&u->items[i].err);
        }
        free(u->items);
        free(u->commands);
}

/* Lines of several containers are mixed, and none may look like ours: each line names its container. */
static void show_line(void *data, const char *line)
{
        const struct update *u = data;
        _cleanup_free_ char *text = str_printf("%s: %s\n", u->prefix, line);

        if (text)
                (void)term_queue(text);
}

static int prepare(const struct ec_op *op, struct ec_container *c, struct update *u, struct machine_command *command,
                   struct ec_err *err)
{
        uint64_t limit = op->conf ? conf_ms(op->conf, "start", "update-timeout") : 0;

        u->container = c;
        u->program = str_printf("%s/bin/switch-to-configuration", container_conf_get(c, "SYSTEM_PATH"));
        if (!u->program)
                return err_oom(err);
        u->argv[0] = u->program;
        u->argv[1] = "test";
        /* No descriptor of the host goes into the container. */
        u->exec = (struct ec_exec){ .size = sizeof(u->exec),
                                    .machine = c->name,
                                    .argv = u->argv,
                                    .cwd = "/",
                                    .fds = { -1, -1, -1 },
                                    .timeout_ms = limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX };
        u->before = pending_mark(op->layout, c->name);
        *command = (struct machine_command){ .exec = &u->exec, .line = show_line, .data = u, .err = &u->err };
        log_info("container '%s': running %s test", c->name, u->program);
        return 0;
}

/* Is another system installed than the container was switched to? */
static bool was_replaced(const struct ec_op *op, const struct ec_container *c)
{
        struct ec_container *now;
        const char *system;
        bool other;

        if (container_installed(op->layout, c->name, &now, NULL) < 0)
                return false;
        system = container_conf_get(now, "SYSTEM_PATH");
        other = system && strcmp(system, container_conf_get(c, "SYSTEM_PATH"));
        container_free(now);
        return other;
}

/* Another run that installed later may have switched earlier. */
static void note_replaced(const struct ec_op *op, const struct ec_container *c)
{
        _cleanup_err_ struct ec_err e = { 0 };

        if (!was_replaced(op, c))
                return;
        log_warn("container '%s': another run has installed another system meanwhile; update the container again",
                 c->name);
        if (pending_set(op->layout, c->name, EC_CHANGE_UPDATE, &e) < 0)
                log_warn("container '%s': %s", c->name, err_msg(&e));
}

static int add_result(struct ec_op *op, const struct update *u, const struct machine_command *command,
                      struct outcome *o, struct ec_err *err)
{
        const char *name = u->container->name;

        if (command->result >= 0 && (!command->status || command->status == UNITS_FAILED)) {
                /* The next run starts the units again, by another update. */
                if (!command->status || outcome_allows_degraded(op))
                        pending_clear_marked(op->layout, name, &u->before);
                note_replaced(op, u->container);
                if (command->status)
                        group_add(&o->units_failed, u->container);
                group_add(&o->updated, u->container);
                return 0;
        }
        group_add(&o->failed, u->container);
        if (command->result < 0)
                return report_add(&o->report, err, "container '%s' was not updated: %s", name, err_msg(&u->err));
        return report_add(&o->report, err,
                          "the update of container '%s' failed: switch-to-configuration ended with status %d, perhaps "
                          "after it had changed something",
                          name, (int)command->status);
}

/* Counts all results, even if some were interrupted. */
static int add_results(struct ec_op *op, struct updates *u, struct outcome *o, struct ec_err *err)
{
        struct ec_err *interrupted = NULL;
        int r = 0;

        for (size_t i = 0; i < u->n && r >= 0; i++) {
                if (u->commands[i].result == -ECANCELED) {
                        log_notice("the update of container '%s' was interrupted", u->items[i].container->name);
                        interrupted = &u->items[i].err;
                } else {
                        r = add_result(op, &u->items[i], &u->commands[i], o, err);
                }
        }
        if (r < 0 || !interrupted)
                return r;
        err_move(err, interrupted);
        return -ECANCELED;
}

int update_run(struct ec_op *op, const struct group *g, struct outcome *o, struct ec_err *err)
{
        _cleanup_(updates_done) struct updates u = { .n = g->n };
        struct systemd *s;
        int r = interrupt_check(err);

        if (r < 0 || !g->n)
                return r;
        u.items = calloc(g->n, sizeof(*u.items));
        u.commands = calloc(g->n, sizeof(*u.commands));
        if (!u.items || !u.commands)
                return err_oom(err);
        for (size_t i = 0; i < g->n && r >= 0; i++) {
                u.items[i].prefix = g->items[i]->name;
                r = prepare(op, g->items[i], &u.items[i], &u.commands[i], err);
        }
        if (r >= 0)
                r = op_systemd(op, &s, err);
        if (r >= 0)
                r = machine_exec_many(s, u.commands, g->n, err);
        return r < 0 ? r : add_results(op, &u, o, err);
}
