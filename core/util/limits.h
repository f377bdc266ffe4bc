/* SPDX-License-Identifier: MIT */
#pragma once
/* Limits of the host and of processes. */
const char *limits_hint(int r);      /* what to do about a negative errno; NULL: it is not about a limit */
const char *limits_fork_text(int r); /* why a process could not be started */
/* What to do about a limit that all processes of root share and that is reached, or nearly; NULL: there is none. Asks
 * the kernel, whose sysctls are in this directory. */
const char *limits_reached(const char *proc_sys);
