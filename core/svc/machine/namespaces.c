/* SPDX-License-Identifier: MIT */
#include "svc/machine/namespaces.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

int namespaces_other_user(uint32_t pid)
{
        struct stat theirs, ours;
        char path[32];

        snprintf(path, sizeof(path), "/proc/%" PRIu32 "/ns/user", pid);
        if (stat(path, &theirs) < 0 || stat("/proc/self/ns/user", &ours) < 0)
                return -errno;
        return theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev;
}
