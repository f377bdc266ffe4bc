/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stdint.h>
struct systemd;

/* For struct job_hooks: did the container of this unit fail to start because its machine's name was still registered?
 * The registration ends a little after the unit, or stays if its owner was killed. Removes a stale registration and a
 * stale mount, so that another start can succeed. */
bool machine_name_was_taken(struct systemd *s, const char *unit, uint64_t since_usec);
/* For struct job_hooks: asks a container's init again to stop. One that was not systemd yet has ignored the first
 * signal; for systemd, another makes no difference. */
void machine_stop_again(struct systemd *s, const char *unit);
