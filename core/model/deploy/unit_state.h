/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
struct systemd;
struct unit_state;
/* The state of a unit among those of systemd_list(), which are sorted, and its ActiveState. NULL: it is not loaded, so
 * it is inactive. "exited" if it is active without a main process, as RemainAfterExit= allows. */
const struct unit_state *unit_state_find(const struct unit_state *states, size_t n, const char *unit);
const char *unit_active(const struct unit_state *states, size_t n, const char *unit);
/* Of ActiveState; neither: it is about to change. */
bool unit_is_up(const char *active);
bool unit_is_down(const char *active);
/* After a failure, as Restart= says, and not because of a command. */
bool unit_starts_again(struct systemd *s, const char *unit);
