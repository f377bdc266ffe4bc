/* SPDX-License-Identifier: MIT */
#include "svc/systemd/jobs_item.h"

#include <errno.h>
#include <signal.h>

#include "svc/systemd/bus.h"

static void release(struct item *i)
{
        if (!i->referred)
                return;
        i->referred = false;
        i->e->refs--;
        (void)bus_tell_manager(i->e->bus, "UnrefUnit", "s", i->res->unit);
}

void item_to_phase(struct item *i, enum job_phase phase, bool wants_call)
{
        i->phase = phase;
        i->wants_call = wants_call;
        if (phase == PHASE_DONE) {
                release(i);
                i->e->left--;
        }
}

void item_finish(struct item *i, int code, char *reason)
{
        if (code < 0 && !reason)
                i->e->failure = -ENOMEM;
        i->res->code = code;
        i->res->reason = reason;
        item_to_phase(i, PHASE_TELL, false);
}

void item_left(struct item *i, bool stopped)
{
        if (i->e->hooks.left)
                i->e->hooks.left(i->e->hooks.data, i->res->unit, stopped);
        item_to_phase(i, PHASE_DONE, false);
}

int item_ask_again(const struct item *i)
{
        return bus_tell_manager(i->e->bus, "KillUnit", "ssi", i->res->unit, "main", SIGTERM);
}

int item_kill(const struct item *i)
{
        return bus_tell_manager(i->e->bus, "KillUnit", "ssi", i->res->unit, "all", SIGKILL);
}
