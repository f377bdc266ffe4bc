/* SPDX-License-Identifier: MIT */
#pragma once
/* Replaces what this process has mapped from files, such as its libraries, by copies in memory. Root in a container can
 * open the files of a process through /proc/PID/map_files, also for writing. */
int mappings_copy(void);
