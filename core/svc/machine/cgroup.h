/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>

/* Makes a cgroup for one command below the one that systemd-nspawn delegates to the container. *ret is its path, or
 * NULL if nothing is delegated: the command then runs in the caller's cgroup. -ENOMEM. */
int cgroup_make(uint32_t leader, char **ret);
/* Moves the calling process there. Best effort: if it fails, its memory and CPU time are not counted as the
 * container's. */
void cgroup_enter(const char *path);
void cgroup_kill(const char *path);
/* Kills the processes that are still in it, and removes it. */
void cgroup_remove(const char *path);
