/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>

#include "svc/machine/leader.h"

/* Makes a cgroup for one command below the one that systemd-nspawn delegates to the container, so that the container's
 * limits and its list of allowed devices apply. *ret is its path, or NULL if the leader is in the caller's own cgroup.
 * -EOPNOTSUPP: nothing is delegated. */
int cgroup_make(const struct leader *l, char **ret);
/* Moves the calling process there. */
int cgroup_enter(const char *path);
void cgroup_kill(const char *path);
/* Kills the processes that are still in it, and removes it. false: they have not ended yet. */
bool cgroup_remove(const char *path);
