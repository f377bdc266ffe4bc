/* SPDX-License-Identifier: MIT */
#include "svc/machine/seccomp.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include "forbid.h"

static void start(struct leader *l)
{
        int ready[2];
        char c;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        l->pid = fork();
        if (!l->pid) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                forbid(SYS_getppid, 7);
                forbid(SYS_getsid, 8);
                must(write(ready[1], "x", 1) == 1);
                for (;;)
                        pause();
        }
        l->fd = syscall(SYS_pidfd_open, l->pid, 0);
        assert_int_equal(read(ready[0], &c, 1), 1);
        close(ready[0]);
        close(ready[1]);
}

static void in_test_copy(void)
{
        struct leader l = LEADER_NONE;
        struct seccomp_filters f;
        siginfo_t si = { 0 };
        sigset_t chld;

        if (geteuid())
                return;
        sigemptyset(&chld);
        sigaddset(&chld, SIGCHLD);
        must(sigprocmask(SIG_BLOCK, &chld, NULL) == 0);
        start(&l);
        must(seccomp_copy(&l, &f) == 0);
        /* It runs again. */
        must(waitid(P_PID, l.pid, &si, WEXITED | WSTOPPED | WNOHANG | WNOWAIT) == 0 && !si.si_pid);
        must(kill(l.pid, SIGTERM) == 0 && waitid(P_PID, l.pid, &si, WEXITED) == 0 && si.si_code == CLD_KILLED);
        if (!f.n)
                return; /* not possible with this kernel, or inside a filter */
        must(f.n == 2);
        must(seccomp_install(&f) == 0);
        must(syscall(SYS_getppid) == -1 && errno == 7);
        must(syscall(SYS_getsid, 0) == -1 && errno == 8);
        must(getpid() > 0);
}
CHILD_TEST(test_copy)

static void in_test_ended(void)
{
        struct leader l = LEADER_NONE;
        struct seccomp_filters f;

        if (geteuid())
                return;
        start(&l);
        kill(l.pid, SIGKILL);
        must(waitpid(l.pid, NULL, 0) == (pid_t)l.pid);
        must(seccomp_copy(&l, &f) == -ESRCH);
}
CHILD_TEST(test_ended)

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_copy), cmocka_unit_test(test_ended) };

        return cmocka_run_group_tests_name("seccomp", tests, NULL, NULL);
}
