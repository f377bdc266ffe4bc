/* SPDX-License-Identifier: MIT */
#include "svc/systemd/jobs_end.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/param.h>

#include "svc/process/interrupt.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/strv.h"

/* After ^C: when to end what does not stop, when to kill it, and when to leave the rest to systemd. */
#define CANCEL_GRACE (2 * USEC_PER_SEC)
#define CANCEL_KILL  (5 * USEC_PER_SEC)
#define CANCEL_LIMIT (20 * USEC_PER_SEC)

/* ---- interruption ------------------------------------------------------- */

/* The first time it lets systemd-nspawn clean up. */
int jobs_kill_cancelled(struct engine *e)
{
        bool kill = e->asked_again;
        int r = 0;

        e->kill_at = kill ? UINT64_MAX : clock_usec() + CANCEL_KILL;
        e->asked_again = true;
        for (size_t k = 0; k < e->n && r >= 0; k++)
                if (e->items[k].phase == PHASE_CANCEL && !e->items[k].wants_call)
                        r = (kill ? item_kill : item_ask_again)(&e->items[k]);
        return r;
}

void jobs_cancel(struct engine *e)
{
        e->cancelled = true;
        e->next_check = e->next_tick = UINT64_MAX;
        e->kill_at = clock_usec() + CANCEL_GRACE;
        e->give_up_at = clock_usec() + CANCEL_LIMIT;
        for (size_t k = 0; k < e->n; k++) {
                struct item *i = &e->items[k];

                if (i->phase == PHASE_STOPPED) {
                        item_left(i, true);
                } else if (i->phase == PHASE_START && (i->job || i->call)) {
                        free(TAKE_PTR(i->job));
                        item_to_phase(i, PHASE_CANCEL, true);
                } else if (i->phase == (i->wants_call ? PHASE_START : PHASE_STOP) && e->kind != JOB_START) {
                        item_left(i, i->wants_call);
                } else if (i->phase == PHASE_STOP || i->phase == PHASE_START) {
                        item_to_phase(i, PHASE_DONE, false);
                }
        }
}

bool jobs_may_detach(const struct engine *e)
{
        return e->kind == JOB_START_DETACH && interrupt_signal() == SIGINT;
}

static bool is_last(const struct item *i)
{
        return i->phase == PHASE_START || (i->phase == PHASE_STOP && i->e->kind == JOB_STOP);
}

void jobs_detach(struct engine *e)
{
        for (size_t k = 0; k < e->n; k++) {
                struct item *i = &e->items[k];

                if (is_last(i) && !i->wants_call && !i->call) {
                        i->res->code = -EINPROGRESS;
                        item_to_phase(i, PHASE_DONE, false);
                }
        }
}

void jobs_leave_cancelled(struct engine *e)
{
        for (size_t k = 0; k < e->n; k++)
                if (e->items[k].phase == PHASE_CANCEL)
                        item_left(&e->items[k], false);
}

/* ---- limits ------------------------------------------------------------- */

void jobs_begin_limit(struct item *i)
{
        uint64_t usec = i->e->limits.usec;

        i->ended = false;
        i->until = usec ? clock_usec() + usec : UINT64_MAX;
}

uint64_t jobs_next_limit(const struct engine *e)
{
        uint64_t next = UINT64_MAX;

        for (size_t k = 0; k < e->n && e->limits.usec; k++)
                if (e->items[k].job && (e->items[k].phase == PHASE_STOP || e->items[k].phase == PHASE_START))
                        next = MIN(next, e->items[k].until);
        return next;
}

static void start_too_long(struct item *i)
{
        uint64_t ms = i->e->limits.usec / USEC_PER_MSEC;

        item_finish(i, -ETIME,
                    str_printf("it is not up after %" PRIu64 " %s, and continues to start", ms % 1000 ? ms : ms / 1000,
                               ms % 1000 ? "ms" : "s"));
}

/* systemd-nspawn gets the chance to clean up. */
static int stop_too_long(struct item *i)
{
        bool again = i->ended;

        log_info("%s %s", again ? "killing" : "terminating", i->res->unit);
        i->ended = true;
        i->until = again ? UINT64_MAX : clock_usec() + CANCEL_KILL;
        return (again ? item_kill : item_ask_again)(i);
}

int jobs_check_limits(struct engine *e)
{
        uint64_t now = clock_usec();
        int r = 0;

        for (size_t k = 0; k < e->n && r >= 0; k++) {
                struct item *i = &e->items[k];

                if (now < i->until || !i->job)
                        continue;
                if (i->phase == PHASE_START)
                        start_too_long(i);
                else if (i->phase == PHASE_STOP)
                        r = stop_too_long(i);
        }
        return r;
}
