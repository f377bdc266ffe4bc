/* SPDX-License-Identifier: MIT */
#pragma once
/* Limits of the host and of processes. */
#define LIMITS_HOST_FILES \
        "the host may not open more files; raise its limit, for example with 'sysctl fs.file-max=1000000'"
#define LIMITS_INOTIFY                                                                                              \
        "the host has too few inotify instances for so many containers; raise the limit, for example with 'sysctl " \
        "fs.inotify.max_user_instances=4096'"
#define LIMITS_PTYS \
        "the host may not open more terminals; raise the limit, for example with 'sysctl kernel.pty.max=8192'"
const char *limits_hint(int r);      /* what to do about a negative errno; NULL: it is not about a limit */
const char *limits_fork_text(int r); /* why a process could not be started */
/* What to do about a limit that all processes of root share and that is reached, or nearly; NULL: there is none. Asks
 * the kernel, whose sysctls are in this directory. */
const char *limits_reached(const char *proc_sys);
