/* SPDX-License-Identifier: MIT */
#include "model/deploy/interrupted.h"

#include <string.h>

#include "model/containers/containers.h"
#include "model/containers/group.h"
#include "model/deploy/unit_state.h"
#include "model/operation/op.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "util/fs.h"

static const char *describe(const char *active)
{
        if (unit_is_up(active))
                return "runs";
        if (unit_is_down(active))
                return "does not run";
        return !strcmp(active, "deactivating") ? "is still stopping" : "is still starting";
}

void interrupted_tell(struct ec_op *op, const struct group *g, bool destroy)
{
        struct unit_state *states = NULL;
        struct systemd *s;
        size_t n = 0;
        bool known;

        if (!g->n)
                return;
        interrupt_hold();
        known = op_systemd(op, &s, NULL) >= 0 && systemd_list(s, "container@*.service", &states, &n, NULL) >= 0;
        interrupt_release();
        for (size_t i = 0; i < g->n; i++) {
                const struct ec_container *c = g->items[i];

                if (destroy && !fs_exists(c->unit_path))
                        log_notice("container '%s' is destroyed", c->name);
                else if (known)
                        log_notice("container '%s' %s%s", c->name, destroy ? "is not destroyed, and " : "",
                                   describe(unit_active(states, n, c->unit)));
        }
        unit_states_free(states, n);
}
