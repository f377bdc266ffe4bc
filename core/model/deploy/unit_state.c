/* SPDX-License-Identifier: MIT */
#include "model/deploy/unit_state.h"

#include <stdlib.h>
#include <string.h>

#include "svc/systemd/systemd.h"
#include "util/cleanup.h"
#include "util/strv.h"

static int compare_name(const void *unit, const void *state)
{
        return strcmp(unit, ((const struct unit_state *)state)->unit);
}

const struct unit_state *unit_state_find(const struct unit_state *states, size_t n, const char *unit)
{
        return n ? bsearch(unit, states, n, sizeof(*states), compare_name) : NULL;
}

const char *unit_active(const struct unit_state *states, size_t n, const char *unit)
{
        const struct unit_state *state = unit_state_find(states, n, unit);

        if (!state)
                return "inactive";
        return state->sub && !strcmp(state->active, "active") && !strcmp(state->sub, "exited") ? "exited"
                                                                                               : state->active;
}

bool unit_is_up(const char *active)
{
        return !strcmp(active, "active") || !strcmp(active, "reloading");
}

bool unit_is_down(const char *active)
{
        return !strcmp(active, "inactive") || !strcmp(active, "failed");
}

bool unit_starts_again(struct systemd *s, const char *unit)
{
        _cleanup_free_ char *active = NULL, *sub = NULL;
        uint64_t n;

        if (systemd_get_string(s, unit, "Unit", "ActiveState", &active, NULL) < 0 || strcmp(active, "activating") ||
            systemd_get_string(s, unit, "Unit", "SubState", &sub, NULL) < 0)
                return false;
        /* It waits for its next start, or this is that start. */
        return str_after(sub, "auto-restart") || (systemd_get_u64(s, unit, "Service", "NRestarts", &n, NULL) >= 0 && n);
}
