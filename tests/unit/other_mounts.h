/* SPDX-License-Identifier: MIT */
#pragma once
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "capture.h"

/* A process of root with this machine's files, and a mount namespace of its own as in a container. Ends with us. */
static UNUSED pid_t other_mounts(void)
{
        int ready[2];
        pid_t pid;
        char c;

        fflush(NULL);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        if (!pid) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (unshare(CLONE_NEWNS) < 0 || write(ready[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        close(ready[1]);
        assert_int_equal(read(ready[0], &c, 1), 1);
        close(ready[0]);
        return pid;
}
