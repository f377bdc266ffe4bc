/* SPDX-License-Identifier: MIT */
#include "model/deploy/unit_state.h"

#include <stdlib.h>
#include <string.h>

#include "svc/systemd/systemd.h"

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
