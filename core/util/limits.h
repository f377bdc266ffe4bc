/* SPDX-License-Identifier: MIT */
#pragma once
/* Limits of the host and of processes. */
#define LIMITS_HOST_FILES \
        "the host may not open more files; raise its limit, for example with 'sysctl fs.file-max=1000000'"
const char *limits_hint(int r);      /* what to do about a negative errno; NULL: it is not about a limit */
const char *limits_fork_text(int r); /* why a process could not be started */
