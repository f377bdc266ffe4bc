/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "svc/process/children.h"

/* A process with two children; it ends with the number of those that SIGKILL ended. */
static pid_t with_children(void)
{
        int fds[2];
        char two[2];
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        if (!pid) {
                int killed = 0, status;

                for (int i = 0; i < 2; i++)
                        if (!fork()) {
                                (void)!write(fds[1], "x", 1);
                                pause();
                        }
                while (wait(&status) > 0)
                        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
                _exit(killed);
        }
        for (ssize_t n = 0; n < 2; n++)
                assert_int_equal(read(fds[0], two, 1), 1);
        close(fds[0]);
        close(fds[1]);
        return pid;
}

static void test_children(void **state)
{
        pid_t one = with_children(), other = with_children();
        int status;

        (void)state;
        /* Their parent, and children that ignore it, get nothing. */
        proc_signal_children(one, SIGWINCH);
        assert_int_equal(waitpid(one, &status, WNOHANG), 0);
        proc_signal_children(one, SIGKILL);
        assert_int_equal(waitpid(one, &status, 0), one);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 2);
        assert_int_equal(waitpid(other, &status, WNOHANG), 0);
        proc_signal_children(other, SIGKILL);
        assert_int_equal(waitpid(other, &status, 0), other);
}

static void test_none(void **state)
{
        (void)state;
        proc_signal_children(0, SIGKILL);
        proc_signal_children(-1, SIGKILL);
        proc_signal_children(0x7fffffff, SIGKILL);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_children), cmocka_unit_test(test_none) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
