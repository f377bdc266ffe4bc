/* SPDX-License-Identifier: MIT */
/* Runs commands in containers, several in parallel in one poll loop. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "svc/machine/connect.h"
#include "svc/machine/exec.h"
#include "svc/machine/machine.h"
#include "svc/machine/setns.h"
#include "svc/machine/unit.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/bus.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/err.h"
#include "util/escape.h"
#include "util/strv.h"

#define LINE_SIZE 4096
/* Each has a bus, pipes and a directory open. */
#define AT_ONCE 32
/* How much of the output of a command is passed on as lines; for an empty line, more is written than one byte. */
#define LINES_MAX ((size_t)256 << 10)
#define LINE_COST 64

struct run {
        struct machine_command *command;
        struct exec x;
        enum { RUN_NONE, RUN_FINDS, RUN_CONNECTS, RUN_LOOKS, RUN_RUNS, RUN_DRAINS } stage;
        struct connect connect;
        struct unit *unit; /* one of these runs it: as a unit of the container's systemd, */
        struct join *join; /* or in the container's namespaces */
        char line[LINE_SIZE];
        size_t len, shown;
        int result; /* of a command that drains */
        bool enough;
};

static int failed(struct exec *x, struct ec_err *err)
{
        uint32_t ms = x->timeout_ms;

        if (x->failure == -ETIMEDOUT)
                return err_set(err, -ETIMEDOUT, "'%s' did not end within %" PRIu32 " %s in container '%s'", x->label,
                               ms % 1000 ? ms : ms / 1000, ms % 1000 ? "ms" : "s", x->name);
        if (interrupt_check(err) < 0)
                return -ECANCELED;
        return err_set(err, -ECANCELED,
                       x->pty && pty_escaped(x->pty) ? "ended with ^]"
                       : x->sent == SIGHUP           ? "the terminal was closed"
                                                     : "interrupted");
}

/* ---- output ------------------------------------------------------------- */

static void put_line(struct run *r)
{
        size_t before = r->shown;

        r->shown += r->len + LINE_COST;
        r->line[r->len] = 0;
        r->len = 0;
        /* A container must not write escape sequences to our terminal. */
        escape_clean(r->line, sizeof(r->line));
        if (r->shown <= LINES_MAX)
                r->command->line(r->command->data, r->line);
        else if (before <= LINES_MAX)
                r->command->line(r->command->data, "(more output is not shown)");
}

static void put_output(void *data, const char *text, size_t len)
{
        struct run *r = data;

        for (size_t i = 0; i < len; i++) {
                if (text[i] == '\n' || r->len == sizeof(r->line) - 1)
                        put_line(r);
                if (text[i] != '\n')
                        r->line[r->len++] = text[i];
        }
}

/* After what was still in its pipes. */
static int put_rest(struct run *r, struct ec_err *err)
{
        struct exec *x = &r->x;
        int k;

        streams_finish(x->streams);
        if (r->len)
                put_line(r);
        k = x->streams->failure;
        return k < 0 ? err_set(err, k, "cannot write the output of '%s' in container '%s': %s", x->label, x->name,
                               strerror(-k))
                     : 0;
}

/* ---- one command -------------------------------------------------------- */

static void run_init(struct run *r, struct systemd *s, struct machine_command *c)
{
        *r = (struct run){ .command = c, .x = EXEC_INIT(s) };
        c->result = 0;
        c->status = 0;
}

static void run_drained(struct run *r)
{
        struct machine_command *c = r->command;
        int result = r->result;

        if (r->x.streams) {
                int k = put_rest(r, result < 0 ? NULL : c->err);

                result = result < 0 ? result : k;
        }
        if (r->x.failure) {
                err_done(c->err);
                result = failed(&r->x, c->err);
        }
        c->result = result < 0 ? result : 0;
        exec_done(&r->x);
        r->stage = RUN_NONE;
}

static void run_done(struct run *r, int result)
{
        uint64_t never = UINT64_MAX;

        connect_done(&r->connect);
        if (r->x.pty)
                pty_drain(r->x.pty);
        if (r->x.streams)
                streams_end(r->x.streams);
        r->result = result;
        r->stage = RUN_DRAINS;
        if (!r->x.streams || streams_drained(r->x.streams, &never) > 0)
                run_drained(r);
}

static int begin_setns(struct run *r)
{
        log_debug("entering the namespaces of container '%s'", r->x.name);
        return exec_setns_begin(&r->x, &r->join, r->command->err);
}

static void run_begin(struct run *r)
{
        struct machine_command *c = r->command;
        int k = 0;

        if (c->line) {
                r->x.streams = streams_new(put_output, r);
                k = r->x.streams ? 0 : err_oom(c->err);
        }
        if (k >= 0)
                k = exec_begin(&r->x, c->exec, c->err);
        r->stage = RUN_FINDS;
        if (k < 0)
                run_done(r, k);
}

static void run_start(struct run *r)
{
        struct machine_command *c = r->command;
        int k = exec_prepare(&r->x, c->exec, &c->status, c->err);

        if (k == 0 && r->connect.bus && exec_fits_bus(&r->x))
                k = exec_unit_begin(&r->x, TAKE_PTR(r->connect.bus), &r->unit, c->err);
        else if (k == 0)
                k = begin_setns(r);
        connect_done(&r->connect);
        if (k)
                run_done(r, k);
}

static void run_end(struct run *r)
{
        struct machine_command *c = r->command;
        int k = r->unit ? exec_unit_end(TAKE_PTR(r->unit), &c->status, c->err) : 1;

        if (k == 0) {
                k = begin_setns(r);
                if (k == 0)
                        return;
        } else if (k > 0 && r->join) {
                k = exec_setns_end(TAKE_PTR(r->join), &c->status, c->err);
        }
        run_done(r, k);
}

/* Continues with the next stage. -errno. */
static int run_next(struct run *r)
{
        struct machine_command *c = r->command;

        r->stage++;
        if (r->stage == RUN_CONNECTS)
                connect_begin(&r->connect, CONNECT_WAIT);
        else if (r->stage == RUN_LOOKS)
                return exec_look(&r->x, c->exec, c->err);
        else
                run_start(r);
        return 0;
}

/* Others do not wait for the terminal. */
static void warn_of_pipes(const struct exec *x)
{
        _cleanup_free_ char *text = str_printf("warning: container '%s' makes its pipes wait: the end of the output of "
                                               "'%s' is missing\n",
                                               x->name, x->label);

        if (text)
                (void)term_queue(text);
}

/* An interruption ends this. */
static bool drain_fill(struct run *r, struct pollfd fds[static EXEC_FDS], uint64_t *deadline)
{
        struct streams *s = r->x.streams;
        int k = streams_drained(s, deadline);

        if (k == -ETIMEDOUT && !r->enough)
                warn_of_pipes(&r->x);
        if (k || r->enough) {
                run_drained(r);
                *deadline = 0;
                return false;
        }
        fds[0] = (struct pollfd){ .fd = -1 };
        fds[1] = (struct pollfd){ .fd = interrupt_fd(), .events = POLLIN };
        streams_fill(s, fds + 2);
        return true;
}

/* false: something has ended, so there is nothing to poll. */
static bool run_fill(struct run *r, struct pollfd fds[static EXEC_FDS], uint64_t *deadline)
{
        struct ec_err *err = r->command->err;
        struct exec *x = &r->x;
        int k;

        if (r->stage == RUN_DRAINS)
                return drain_fill(r, fds, deadline);
        if (r->stage == RUN_RUNS) {
                if (r->unit ? exec_unit_fill(r->unit, fds, deadline) : exec_setns_fill(r->join, fds, deadline))
                        return true;
                run_end(r);
                *deadline = 0;
                return false;
        }
        k = r->stage == RUN_FINDS      ? exec_find(x, fds, deadline, err)
            : r->stage == RUN_CONNECTS ? exec_connect(x, &r->connect, fds, deadline, err)
                                       : exec_looked(x, fds, deadline, err);
        if (k == 0)
                return true;
        if (k > 0)
                k = run_next(r);
        if (k < 0)
                run_done(r, k);
        *deadline = 0;
        return false;
}

static void run_handle(struct run *r, const struct pollfd fds[static EXEC_FDS])
{
        if (r->stage == RUN_DRAINS) {
                r->enough = fds[1].revents;
                streams_handle(r->x.streams, fds + 2);
        } else if (r->unit)
                exec_unit_handle(r->unit, fds);
        else if (r->join)
                exec_setns_handle(r->join, fds);
        else
                exec_handle(&r->x, fds);
}

/* ---- all commands ------------------------------------------------------- */

/* Starts as many commands as there is room for. Returns how many are running. */
static size_t begin_next(struct run *runs, size_t n_runs, struct systemd *s, struct machine_command *commands, size_t n,
                         size_t *next)
{
        size_t running = 0;

        for (size_t i = 0; i < n_runs; i++) {
                while (!runs[i].stage && *next < n) {
                        run_init(&runs[i], s, &commands[(*next)++]);
                        run_begin(&runs[i]);
                }
                running += runs[i].stage != RUN_NONE;
        }
        return running;
}

static int poll_runs(struct run *runs, size_t n_runs, struct pollfd *fds)
{
        uint64_t deadline = UINT64_MAX;

        for (size_t i = 0; i < n_runs; i++) {
                if (runs[i].stage && run_fill(&runs[i], fds + i * EXEC_FDS, &deadline))
                        continue;
                for (size_t k = 0; k < EXEC_FDS; k++)
                        fds[i * EXEC_FDS + k] = (struct pollfd){ .fd = -1 };
        }
        term_queue_fill(&fds[n_runs * EXEC_FDS]);
        if (poll(fds, n_runs * EXEC_FDS + 1, clock_timeout_ms(deadline)) < 0 && errno != EINTR)
                return -errno;
        term_queue_handle(&fds[n_runs * EXEC_FDS]);
        for (size_t i = 0; i < n_runs; i++)
                if (runs[i].stage)
                        run_handle(&runs[i], fds + i * EXEC_FDS);
        return 0;
}

/* Ends it without waiting. */
static void abandon(struct run *r)
{
        while (r->stage) {
                r->x.stage = EXEC_LEFT;
                if (r->stage == RUN_DRAINS)
                        run_drained(r);
                else
                        run_end(r);
                err_done(r->command->err);
        }
}

int machine_exec_many(struct systemd *s, struct machine_command *commands, size_t n, struct ec_err *err)
{
        size_t n_runs = n < AT_ONCE ? n : AT_ONCE, next = 0;
        _cleanup_free_ struct run *runs = calloc(n_runs + 1, sizeof(*runs));
        _cleanup_free_ struct pollfd *fds = calloc(n_runs * EXEC_FDS + 1, sizeof(*fds));
        int r = 0;

        if (!runs || !fds)
                return err_oom(err);
        while (r >= 0 && begin_next(runs, n_runs, s, commands, n, &next))
                r = poll_runs(runs, n_runs, fds);
        for (size_t i = 0; i < n_runs; i++)
                abandon(&runs[i]);
        term_queue_drain();
        return r < 0 ? err_set(err, r, "cannot wait for commands in containers: %s", strerror(-r)) : 0;
}

int machine_exec(struct systemd *s, const struct ec_exec *x, int32_t *ret_status, struct ec_err *err)
{
        struct machine_command c = { .exec = x, .err = err };
        int r = machine_exec_many(s, &c, 1, err);

        if (r < 0 || c.result < 0)
                return r < 0 ? r : c.result;
        *ret_status = c.status;
        return 0;
}
