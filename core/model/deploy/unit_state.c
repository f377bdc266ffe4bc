/* SPDX-License-Identifier: MIT */
#include "model/deploy/unit_state.h"

#include <string.h>

#include "svc/systemd/systemd.h"

const struct unit_state *unit_state_find(const struct unit_state *states, size_t n, const char *unit)
{
        for (size_t low = 0, high = n; low < high;) {
                size_t mid = low + (high - low) / 2;
                int k = strcmp(unit, states[mid].unit);

                if (!k)
                        return &states[mid];
                if (k < 0)
                        high = mid;
                else
                        low = mid + 1;
        }
        return NULL;
}

const char *unit_active(const struct unit_state *states, size_t n, const char *unit)
{
        const struct unit_state *state = unit_state_find(states, n, unit);

        return state ? state->active : "inactive";
}

bool unit_is_up(const char *active)
{
        return !strcmp(active, "active") || !strcmp(active, "reloading");
}
