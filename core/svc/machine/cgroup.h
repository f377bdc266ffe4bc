/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>

/* Makes a cgroup for one command below the one that systemd-nspawn delegates to the container. *ret is its path, or
 * NULL if the container has none: then the command runs in the caller's. -ENOMEM. */
int cgroup_make(uint32_t leader, char **ret);
/* Moves the calling process there. Best effort: without it, its memory and time are not counted as the container's. */
void cgroup_enter(const char *path);
void cgroup_kill(const char *path);
/* Kills what is left in it, and removes it. */
void cgroup_remove(const char *path);
