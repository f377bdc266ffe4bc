/* SPDX-License-Identifier: MIT */
#include "util/limits.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

const char *limits_hint(int r)
{
        switch (r) {
        case -EMFILE:
                return "the program may not open more files; raise its limit, for example with 'ulimit -n 4096'";
        case -ENFILE:
                return LIMITS_HOST_FILES;
        default:
                return NULL;
        }
}

/* The kernel has the same error for each of these limits. */
const char *limits_fork_text(int r)
{
        if (r != -EAGAIN)
                return strerror(-r);
        return "the limit of processes is reached, which is one of 'ulimit -u', TasksMax= of a unit or slice, 'sysctl "
               "kernel.pid_max' and 'sysctl kernel.threads-max'";
}
