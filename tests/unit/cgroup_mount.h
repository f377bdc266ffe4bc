/* SPDX-License-Identifier: MIT */
#pragma once
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "capture.h"
#include "util/strv.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* Mounts the hierarchy for this process only, regardless of the machine's mounts. */
static UNUSED bool mount_cgroups(void)
{
        return !geteuid() && !unshare(CLONE_NEWNS) && !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
               !mount("none", CGROUP_ROOT, "cgroup2", 0, NULL);
}

static UNUSED void move_to_cgroup(pid_t pid, const char *dir)
{
        char *file = str_printf("%s/cgroup.procs", dir);
        FILE *f = fopen(file, "we");

        assert_non_null(f);
        fprintf(f, "%d", (int)pid);
        assert_int_equal(fclose(f), 0);
        free(file);
}

/* Its processes may still be ending. */
static UNUSED void remove_cgroup(const char *dir)
{
        for (int i = 0; i < 1000 && rmdir(dir) < 0 && errno == EBUSY; i++)
                usleep(1000);
}
