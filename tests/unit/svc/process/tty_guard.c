/* SPDX-License-Identifier: MIT */
#include "in_child.h"

#include <fcntl.h>
#include <termios.h>
#include <utmp.h>

#include "svc/process/interrupt.h"
#include "svc/process/tty_guard.h"

static const int all[] = { SIGPIPE, SIGQUIT, SIGINT, SIGTTIN, SIGTTOU };
#define N (sizeof(all) / sizeof(*all))

static bool ignored(int sig)
{
        struct sigaction sa;

        must(sigaction(sig, NULL, &sa) == 0);
        return sa.sa_handler == SIG_IGN;
}

static void handler(int sig)
{
        (void)sig;
}

/* Checks what is ignored while a child runs, and that all is restored afterwards. */
static void check_kind(bool terminal, bool foreground, const char *expected)
{
        struct tty_guard g;

        for (size_t i = 0; i < N; i++)
                signal(all[i], i % 2 ? SIG_DFL : handler);
        tty_guard_begin(&g, terminal, foreground);
        for (size_t i = 0; i < N; i++)
                must(ignored(all[i]) == (expected[i] == 'i'));
        tty_guard_end(&g, false);
        for (size_t i = 0; i < N; i++) {
                struct sigaction sa;

                must(sigaction(all[i], NULL, &sa) == 0);
                must(sa.sa_handler == (i % 2 ? SIG_DFL : handler));
        }
}

static void in_test_dispositions(void)
{
        check_kind(false, false, "i--ii");
        check_kind(false, true, "i----");
        check_kind(true, false, "iii--");
        check_kind(true, true, "iii--");
}
CHILD_TEST(test_dispositions)

static void in_test_child_defaults(void)
{
        struct tty_guard g;
        sigset_t set;

        tty_guard_begin(&g, false, false);
        set = g.child_defaults;
        must(sigismember(&set, SIGPIPE) && sigismember(&set, SIGINT) && sigismember(&set, SIGCHLD));
        must(!sigismember(&set, SIGTTIN) && !sigismember(&set, SIGTTOU) && !sigismember(&set, SIGKILL) &&
             !sigismember(&set, SIGSTOP));
        tty_guard_end(&g, false);

        /* We ignore INT and QUIT; the child must not. */
        tty_guard_begin(&g, true, false);
        set = g.child_defaults;
        must(sigismember(&set, SIGINT) && sigismember(&set, SIGQUIT) && sigismember(&set, SIGTTIN));
        tty_guard_end(&g, false);
}
CHILD_TEST(test_child_defaults)

/* nohup, or a shell's background job: signals that our caller ignores are also ignored by the child. */
static void in_test_inherited(void)
{
        for (int terminal = 0; terminal < 2; terminal++) {
                struct tty_guard g;
                sigset_t set;

                signal(SIGHUP, SIG_IGN);
                signal(SIGINT, SIG_IGN);
                signal(SIGQUIT, SIG_IGN);
                tty_guard_begin(&g, terminal, false);
                set = g.child_defaults;
                must(!sigismember(&set, SIGHUP) && !sigismember(&set, SIGINT) && !sigismember(&set, SIGQUIT));
                tty_guard_end(&g, false);
                must(ignored(SIGINT) && ignored(SIGQUIT));
        }
}
CHILD_TEST(test_inherited)

static void in_test_sigchld(void)
{
        struct tty_guard g;
        int status;
        pid_t pid;

        signal(SIGCHLD, SIG_IGN);
        tty_guard_begin(&g, false, false);
        pid = fork();
        if (!pid)
                _exit(7);
        must(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7);
        tty_guard_end(&g, false);
}
CHILD_TEST(test_sigchld)

static void raw(int fd)
{
        struct termios t;

        must(tcgetattr(fd, &t) == 0);
        t.c_lflag &= ~(ICANON | ECHO);
        must(tcsetattr(fd, TCSANOW, &t) == 0);
}

static bool echoes(int fd)
{
        struct termios t;

        must(tcgetattr(fd, &t) == 0);
        return t.c_lflag & ECHO;
}

/* A killed editor leaves the terminal in raw mode, and perhaps assigned to a process group that is gone. */
static void in_test_terminal_is_restored(void)
{
        int master, slave, go[2];
        struct tty_guard g;
        pid_t pid;

        must(setsid() > 0);
        must(openpty(&master, &slave, NULL, NULL, NULL) == 0);
        must(login_tty(slave) == 0);
        must(interrupt_init() == 0);
        tty_guard_begin(&g, true, false);
        raw(0);
        tty_guard_end(&g, true);
        must(echoes(0));
        /* A child that ended by itself may have changed it on purpose. */
        tty_guard_begin(&g, true, false);
        raw(0);
        tty_guard_end(&g, false);
        must(!echoes(0));

        tty_guard_begin(&g, true, false);
        must(pipe(go) == 0);
        pid = fork();
        if (!pid) {
                char c;

                close(go[1]);
                setpgid(0, 0);
                signal(SIGTTOU, SIG_IGN);
                tcsetpgrp(0, getpid());
                _exit(read(go[0], &c, 1) != 0);
        }
        /* Both set it, because either may be first. */
        setpgid(pid, pid);
        signal(SIGTTOU, SIG_IGN);
        must(tcsetpgrp(0, pid) == 0);
        close(go[1]);
        must(waitpid(pid, NULL, 0) == pid);
        signal(SIGTTOU, SIG_DFL);
        tty_guard_end(&g, false);
        must(tcgetpgrp(0) == getpgrp());
}
CHILD_TEST(test_terminal_is_restored)

static void in_test_no_terminal(void)
{
        struct tty_guard g;

        must(setsid() > 0);
        tty_guard_begin(&g, true, false);
        must(g.tty < 0);
        tty_guard_end(&g, true);
}
CHILD_TEST(test_no_terminal)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dispositions),
                cmocka_unit_test(test_child_defaults),
                cmocka_unit_test(test_inherited),
                cmocka_unit_test(test_sigchld),
                cmocka_unit_test(test_terminal_is_restored),
                cmocka_unit_test(test_no_terminal),
        };
        return cmocka_run_group_tests_name("proc_guard", tests, NULL, NULL);
}
