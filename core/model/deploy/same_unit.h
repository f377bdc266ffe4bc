/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>

/* Can a container that runs with one of these units keep running with the other? boot_only: one of them is started at
 * boot and the other is not, so what that changes is ignored. */
bool same_unit(const char *a, const char *b, bool boot_only);
/* Has a unit that this program made a section [Install]? Only those of containers that start at boot have one. */
bool unit_installs(const char *path);
/* Are these paths the same file? */
bool same_file(const char *a, const char *b);
