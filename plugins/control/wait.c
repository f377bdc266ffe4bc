/* SPDX-License-Identifier: MIT */
/* Waits until containers run, or what is in them is up. */
#include "control.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PORT_MAX 65535
/* The host's systemd reports its units. For what happens in a container, ask again after this time. */
#define OUTER_MS 5000
#define INNER_MS 300
/* How long a container may take to answer once. */
#define ASK_MS 10000

enum goal { GOAL_RUNNING, GOAL_STOPPED, GOAL_UNIT, GOAL_PORT };

struct wait {
        const struct ec_host *host;
        struct ec_op *op;
        struct ec_err *err;
        enum goal goal;
        const char *unit; /* GOAL_UNIT */
        unsigned port;    /* GOAL_PORT */
        const struct ec_container *c;
        uint64_t deadline;
        char active[32]; /* of its unit */
        int found;
};

static int parse_goal(struct wait *w, const char *text)
{
        const struct ec_host *h = w->host;
        const char *rest;
        char *end;

        if (!text || !strcmp(text, "running")) {
                w->goal = GOAL_RUNNING;
        } else if (!strcmp(text, "stopped")) {
                w->goal = GOAL_STOPPED;
        } else if ((rest = str_after(text, "unit=")) && *rest && *rest != '-') {
                w->goal = GOAL_UNIT;
                w->unit = rest;
        } else if ((rest = str_after(text, "port=")) && *rest >= '0' && *rest <= '9') {
                unsigned long port = strtoul(rest, &end, 10);

                if (*end || !port || port > PORT_MAX)
                        return h->err->usage(w->err, "--for %s: not a port", text);
                w->goal = GOAL_PORT;
                w->port = (unsigned)port;
        } else {
                return h->err->usage(w->err, "--for needs running, stopped, unit=UNIT or port=PORT, not '%s'", text);
        }
        return 0;
}

/* ---- is it so? ---------------------------------------------------------- */

static int note_state(void *data, const char *unit, const char *active, const char *sub)
{
        struct wait *w = data;

        (void)sub;
        if (!strcmp(w->host->containers->unit(w->c), unit))
                snprintf(w->active, sizeof(w->active), "%s", active);
        return 0;
}

/* "  0: 0100007F:0016 00000000:0000 0A": 0A is a port that is listened on. The list may be of any length. */
static int listens(int proc, const char *path, unsigned port)
{
        int fd = fs_open_regular(proc, path, O_RDONLY | O_CLOEXEC, 0), found = 0;
        FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;
        char line[512];

        if (!f) {
                if (fd >= 0)
                        close(fd);
                return 0;
        }
        while (!found && fgets(line, sizeof(line), f)) {
                unsigned local, state;

                found = sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &state) == 2 && local == port &&
                        state == 0x0a;
        }
        fclose(f);
        return found;
}

/* The kernel's list of its network, which is that of the host if it has none of its own. */
static int look_at_port(void *data, const struct ec_cgroup *c)
{
        struct wait *w = data;

        if (c->proc >= 0 && !strcmp(w->host->containers->unit(w->c), c->unit))
                w->found = listens(c->proc, "net/tcp", w->port) || listens(c->proc, "net/tcp6", w->port);
        return 0;
}

static uint64_t ms_left(const struct wait *w)
{
        uint64_t now = clock_usec();

        return w->deadline > now ? (w->deadline - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC : 0;
}

/* Asks in the container, with the rights of the container. */
static int look_at_unit(struct wait *w)
{
        const struct ec_host *h = w->host;
        uint64_t left = ms_left(w);
        const struct ec_exec x = { .size = sizeof(x),
                                   /* 0 would mean no limit */
                                   .timeout_ms = (uint32_t)(left < ASK_MS ? left + 1 : ASK_MS),
                                   .machine = h->containers->name(w->c),
                                   .argv = (const char *const[]){ "systemctl", "--quiet", "is-active", w->unit, NULL },
                                   .fds = { -1, -1, -1 } };
        int32_t status = 1;
        int r = h->machine->exec(w->op, &x, &status, w->err);

        /* It still boots, has stopped meanwhile, or makes us wait. */
        if (r == -EHOSTDOWN || r == -ECONNRESET || r == -ETIMEDOUT) {
                h->err->clear(w->err);
                return 0;
        }
        w->found = r >= 0 && !status;
        return r;
}

/* 1: it is so. */
static int look(struct wait *w)
{
        const struct ec_host *h = w->host;
        int r, up;

        strcpy(w->active, "inactive");
        w->found = 0;
        r = h->systemd->states(w->op, "container@*.service", note_state, w, w->err);
        if (r < 0)
                return r;
        up = !strcmp(w->active, "active") || !strcmp(w->active, "reloading");
        if (w->goal == GOAL_RUNNING)
                return up;
        if (w->goal == GOAL_STOPPED)
                return !strcmp(w->active, "inactive") || !strcmp(w->active, "failed");
        if (w->goal == GOAL_PORT)
                r = h->machine->cgroups(w->op, look_at_port, w, w->err);
        else if (up || !strcmp(w->active, "activating"))
                r = look_at_unit(w);
        return r == -ENOMEM ? no_memory(h, w->err) : r < 0 ? r : w->found;
}

/* ---- the wait ----------------------------------------------------------- */

static int too_late(const struct wait *w)
{
        const struct ec_host *h = w->host;
        const char *name = h->containers->name(w->c);

        if (w->goal == GOAL_UNIT)
                return h->err->set(w->err, -ETIMEDOUT, "timed out: unit '%s' in container '%s' is not active", w->unit,
                                   name);
        if (w->goal == GOAL_PORT)
                return h->err->set(w->err, -ETIMEDOUT, "timed out: nothing in container '%s' listens on port %u", name,
                                   w->port);
        return h->err->set(w->err, -ETIMEDOUT, "timed out: container '%s' is not %s: its unit is %s", name,
                           w->goal == GOAL_RUNNING ? "running" : "stopped", w->active);
}

static int wait_for(struct wait *w)
{
        const struct ec_host *h = w->host;
        uint64_t most = w->goal == GOAL_RUNNING || w->goal == GOAL_STOPPED ? OUTER_MS : INNER_MS;
        int r = look(w);

        while (r == 0) {
                uint64_t left = ms_left(w);

                if (!left)
                        return too_late(w);
                r = h->systemd->wait(w->op, (uint32_t)(left < most ? left : most), w->err);
                if (r >= 0)
                        r = look(w);
        }
        return r < 0 ? r : 0;
}

int control_wait(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        struct wait w = { .host = h, .op = op, .err = err };
        const char *const *args = h->opt->args(op);
        const struct ec_container *const *c;
        uint64_t ms = h->opt->get_ms(op, "timeout");
        int r = parse_goal(&w, h->opt->value(op, "for"));

        w.deadline = ms ? clock_usec() + ms * USEC_PER_MSEC : UINT64_MAX;
        if (r >= 0 && h->opt->is_set(op, "for") > 1)
                r = h->err->usage(err, "wait takes only one --for");
        if (r >= 0 && !*args)
                r = h->err->usage(err, "wait needs the name of a container");
        if (r >= 0)
                r = h->containers->select(op, args, EC_SELECT_HOST, &c, err);
        for (; r >= 0 && *c; c++) {
                w.c = *c;
                r = wait_for(&w);
        }
        return r < 0 ? r : 0;
}
