/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>
struct deployment;
struct ec_op;
/* Warns of settings of new and changed units that systemd, which was reloaded since then (realtime), does not know or
 * understand: it ignores those, and says so in the journal only. Best effort. */
void ignored_settings_warn(struct ec_op *op, const struct deployment *d, uint64_t since_usec);
