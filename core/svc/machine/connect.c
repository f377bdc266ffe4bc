/* SPDX-License-Identifier: MIT */
#include "svc/machine/connect.h"

#include <string.h>

#include "svc/machine/inner_bus.h"
#include "svc/machine/state.h"
#include "svc/systemd/bus.h"
#include "util/err.h"

void connect_begin(struct connect *c, uint64_t timeout)
{
        *c = (struct connect){ .until = clock_usec() + timeout };
}

void connect_done(struct connect *c)
{
        c->bus = sd_bus_close_unref(c->bus);
}

static int step(struct connect *c, const struct exec *x, struct pollfd *fd, uint64_t *deadline)
{
        int r = c->bus ? 0 : inner_bus_open(&x->leader, x->fds, &c->bus);

        if (r < 0)
                return r;
        r = sd_bus_is_ready(c->bus);
        if (r == 0 && clock_usec() >= c->until)
                return -ETIMEDOUT;
        if (r == 0) {
                r = bus_fill(c->bus, fd, deadline);
                if (c->until < *deadline)
                        *deadline = c->until;
                if (r > 0)
                        *deadline = 0;
                r = r < 0 ? r : 0;
        }
        /* Whatever the container has answered. */
        return r < 0 ? -ECONNRESET : r;
}

int connect_step(struct connect *c, const struct exec *x, struct pollfd *fd, uint64_t *deadline)
{
        int r;

        if (clock_usec() < c->next) {
                if (c->next < *deadline)
                        *deadline = c->next;
                return 0;
        }
        r = step(c, x, fd, deadline);
        if (r >= 0)
                return r;
        connect_done(c);
        return leader_ended(&x->leader) ? -ESRCH : r;
}

void connect_again(struct connect *c, uint64_t pause, uint64_t *deadline)
{
        c->next = clock_usec() + pause;
        if (c->next < *deadline)
                *deadline = c->next;
}

int exec_connect(struct exec *x, struct connect *c, struct pollfd fds[static EXEC_FDS], uint64_t *deadline,
                 struct ec_err *err)
{
        _cleanup_free_ char *state = NULL;
        int r = exec_fill_waiting(x, fds);

        if (r < 0)
                return r;
        *deadline = exec_deadline(x, *deadline);
        r = connect_step(c, x, &fds[0], deadline);
        if (r >= 0)
                return r;
        if (r == -ENOMEM)
                return err_oom(err);
        state = exec_unit_state(x);
        if (exec_state_down(state))
                return err_set(err, -EHOSTDOWN, "container '%s' is %s", x->name,
                               strcmp(state, "deactivating") ? "not running" : "shutting down");
        if (!state || strcmp(state, "activating") || clock_usec() >= c->until)
                return 1;
        connect_again(c, CONNECT_AGAIN, deadline);
        return 0;
}
