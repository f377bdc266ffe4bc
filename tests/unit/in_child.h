/* SPDX-License-Identifier: MIT */
#pragma once
/* For what exists once for each process: signals, a controlling terminal. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"

#define CHILD_SECONDS 60

/* For the child, instead of assert_*(), which would continue as the parent. */
#define must(what)                                                                           \
        do {                                                                                 \
                if (!(what)) {                                                               \
                        fprintf(stderr, "# %s:%d: failed: %s\n", __FILE__, __LINE__, #what); \
                        _exit(1);                                                            \
                }                                                                            \
        } while (0)

/* Runs fn in a child; passes if fn returns. */
static inline void in_child(void (*fn)(void))
{
        int status;
        pid_t pid;

        fflush(NULL);
        pid = fork();
        assert_true(pid >= 0);
        if (!pid) {
                alarm(CHILD_SECONDS);
                fn();
                fflush(NULL);
                _exit(0);
        }
        while (waitpid(pid, &status, 0) < 0)
                assert_int_equal(errno, EINTR);
        if (WIFSIGNALED(status))
                fail_msg("killed by signal %d", WTERMSIG(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

#define CHILD_TEST(name)               \
        static void name(void **state) \
        {                              \
                (void)state;           \
                in_child(in_##name);   \
        }
