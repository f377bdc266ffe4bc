/* SPDX-License-Identifier: MIT */
#pragma once
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture.h"

/* fork(); the child has namespaces of its own, as the init of a container. */
static UNUSED pid_t fork_container(void)
{
        fflush(NULL);
        return (pid_t)syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
}

/* Such a process of root with this machine's files, which has executed a program or not. Ends with us. */
static UNUSED pid_t container_process(bool executes)
{
        int ready[2];
        pid_t pid;
        char c;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork_container();
        if (!pid) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (executes)
                        execlp("sleep", "sleep", "1000", NULL);
                if (write(ready[1], "x", 1) != 1)
                        _exit(1);
                for (;;)
                        pause();
        }
        close(ready[1]);
        /* The end of file comes when it has executed the program. */
        assert_int_equal(read(ready[0], &c, 1), !executes);
        close(ready[0]);
        return pid;
}

static UNUSED pid_t other_mounts(void)
{
        return container_process(false);
}
