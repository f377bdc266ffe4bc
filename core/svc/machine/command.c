/* SPDX-License-Identifier: MIT */
#include "svc/machine/command.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "svc/process/interrupt.h"
#include "util/cleanup.h"
#include "util/clock.h"

/* From the user's signal to SIGTERM, from that to SIGKILL, and from that to giving up. */
#define ASKED_GRACE  (5 * USEC_PER_SEC)
#define TERMED_GRACE (3 * USEC_PER_SEC)
#define KILLED_GRACE (10 * USEC_PER_SEC)
/* After ^], to SIGKILL: an interactive shell ignores SIGTERM, and one that has read ^] waits for one more character. */
#define ESCAPED_GRACE (USEC_PER_SEC / 2)

static void to_stage(struct exec *x, enum exec_stage stage, int sig)
{
        x->stage = stage;
        x->signal = sig;
        if (!x->sent)
                x->sent = sig;
        x->next_stage = clock_usec() + (stage == EXEC_ASKED    ? ASKED_GRACE
                                        : stage == EXEC_TERMED ? TERMED_GRACE
                                                               : KILLED_GRACE);
}

static void next_stage(struct exec *x)
{
        if (x->stage < EXEC_TERMED)
                to_stage(x, EXEC_TERMED, SIGTERM);
        else if (x->stage < EXEC_KILLED)
                to_stage(x, EXEC_KILLED, SIGKILL);
        else
                x->stage = EXEC_LEFT;
}

static void on_interrupt(struct exec *x)
{
        int sig = interrupt_signal();

        if (!sig || interrupt_held())
                return;
        /* Further signals escalate. */
        if (x->stage != EXEC_RUNS) {
                if (x->stage < EXEC_KILLED)
                        next_stage(x);
                return;
        }
        x->failure = -ECANCELED;
        to_stage(x, EXEC_ASKED, sig);
}

void exec_fill(struct exec *x, struct pollfd fds[static EXEC_FDS])
{
        fds[1] = (struct pollfd){ .fd = interrupt_fd(), .events = POLLIN };
        /* A call may have read the signal meanwhile, so that it no longer wakes poll(). */
        if (x->stage == EXEC_RUNS && interrupt_check(NULL) < 0)
                on_interrupt(x);
        for (size_t i = 2; i < EXEC_FDS; i++)
                fds[i] = (struct pollfd){ .fd = -1 };
        if (x->pty)
                pty_fill(x->pty, fds + 2);
        else if (x->streams)
                streams_fill(x->streams, fds + 2);
}

void exec_handle(struct exec *x, const struct pollfd fds[static EXEC_FDS])
{
        uint64_t now;

        if (fds[1].revents)
                on_interrupt(x);
        if (x->streams)
                streams_handle(x->streams, fds + 2);
        if (x->pty && pty_handle(x->pty, fds + 2) == SIGHUP && x->stage == EXEC_RUNS) {
                x->failure = -ECANCELED;
                to_stage(x, pty_escaped(x->pty) ? EXEC_TERMED : EXEC_ASKED, SIGHUP);
                if (pty_escaped(x->pty))
                        x->next_stage = clock_usec() + ESCAPED_GRACE;
        }
        now = clock_usec();
        if (x->stage == EXEC_RUNS && now >= x->deadline) {
                x->failure = -ETIMEDOUT;
                to_stage(x, EXEC_TERMED, SIGTERM);
        } else if (x->stage != EXEC_RUNS && x->stage != EXEC_LEFT && now >= x->next_stage) {
                next_stage(x);
        }
}

uint64_t exec_deadline(const struct exec *x, uint64_t other)
{
        uint64_t t = x->stage == EXEC_RUNS ? x->deadline : x->next_stage;

        return t < other ? t : other;
}
