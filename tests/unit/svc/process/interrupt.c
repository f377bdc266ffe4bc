/* SPDX-License-Identifier: MIT */
#include "in_child.h"

#include <poll.h>
#include <utmp.h>

#include "svc/process/interrupt.h"

static bool readable(void)
{
        struct pollfd p = { .fd = interrupt_fd(), .events = POLLIN };

        return poll(&p, 1, 0) == 1;
}

static void in_test_before_init(void)
{
        struct ec_err err = { 0 };

        must(interrupt_fd() == -1);
        must(interrupt_signal() == 0);
        must(interrupt_check(&err) == 0);
        interrupt_clear();
        must(!err.code);
}
CHILD_TEST(test_before_init)

static void in_test_signals(void)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

        must(interrupt_init() == 0);
        must(interrupt_init() == 0);
        must(!readable() && interrupt_signal() == 0);
        for (int i = 0; i < 3; i++) {
                struct ec_err err = { 0 };

                must(kill(getpid(), signals[i]) == 0);
                must(readable());
                must(interrupt_check(&err) == -ECANCELED);
                must(!strcmp(err_msg(&err), signals[i] == SIGINT ? "interrupted" : "terminated"));
                err_done(&err);
                /* It stays, even after it was read. */
                must(!readable());
                must(interrupt_signal() == signals[i]);
                must(interrupt_check(NULL) == -ECANCELED);
                interrupt_clear();
                must(interrupt_check(NULL) == 0);
        }
}
CHILD_TEST(test_signals)

static void in_test_first_counts(void)
{
        must(interrupt_init() == 0);
        must(kill(getpid(), SIGTERM) == 0);
        must(interrupt_signal() == SIGTERM);
        must(kill(getpid(), SIGINT) == 0);
        must(interrupt_signal() == SIGTERM);
}
CHILD_TEST(test_first_counts)

static void in_test_hold(void)
{
        must(interrupt_init() == 0);
        must(!interrupt_held());
        interrupt_hold();
        interrupt_hold();
        must(kill(getpid(), SIGINT) == 0);
        must(interrupt_held() && interrupt_check(NULL) == 0);
        must(interrupt_fd() == -1);
        interrupt_release();
        must(interrupt_held() && interrupt_check(NULL) == 0);
        interrupt_release();
        must(!interrupt_held() && interrupt_check(NULL) == -ECANCELED);
        interrupt_release(); /* one call too many */
        must(!interrupt_held());
        interrupt_hold();
        must(interrupt_held());
        /* Of several signals during a hold, the first is kept. */
        interrupt_clear();
        must(kill(getpid(), SIGHUP) == 0);
        must(interrupt_check(NULL) == 0);
        must(kill(getpid(), SIGTERM) == 0);
        interrupt_release();
        must(interrupt_signal() == SIGHUP);
}
CHILD_TEST(test_hold)

/* As under nohup, and in background jobs of shells. */
static void in_test_ignored_stay_ignored(void)
{
        signal(SIGHUP, SIG_IGN);
        must(interrupt_init() == 0);
        must(kill(getpid(), SIGHUP) == 0);
        must(interrupt_check(NULL) == 0);
        must(kill(getpid(), SIGTERM) == 0);
        must(interrupt_signal() == SIGTERM);
}
CHILD_TEST(test_ignored_stay_ignored)

static void in_test_pipe(void)
{
        int fds[2];

        must(interrupt_init() == 0);
        must(pipe(fds) == 0);
        close(fds[0]);
        must(write(fds[1], "x", 1) == -1 && errno == EPIPE);
}
CHILD_TEST(test_pipe)

/* Sent by a process, not by the terminal. */
static void in_test_ignore_int(void)
{
        must(interrupt_init() == 0);
        interrupt_ignore_int(true);
        must(kill(getpid(), SIGINT) == 0);
        must(interrupt_signal() == SIGINT);
        interrupt_clear();
        /* A signal from before is handled under the old setting. */
        interrupt_ignore_int(false);
        must(kill(getpid(), SIGINT) == 0);
        interrupt_ignore_int(true);
        must(interrupt_signal() == SIGINT);
}
CHILD_TEST(test_ignore_int)

/* ^C that is typed on a terminal of the test. */
static void in_test_terminal(void)
{
        struct pollfd p;
        int master, slave;

        must(setsid() > 0);
        must(openpty(&master, &slave, NULL, NULL, NULL) == 0);
        must(login_tty(slave) == 0);
        must(interrupt_init() == 0);
        p = (struct pollfd){ .fd = interrupt_fd(), .events = POLLIN };
        must(write(master, "\003", 1) == 1);
        must(poll(&p, 1, 20000) == 1);
        must(interrupt_signal() == SIGINT);
        interrupt_clear();
        interrupt_ignore_int(true);
        must(write(master, "\003", 1) == 1);
        must(poll(&p, 1, 20000) == 1);
        must(interrupt_signal() == 0);
        must(kill(getpid(), SIGTERM) == 0);
        must(interrupt_signal() == SIGTERM);
}

static void test_terminal(void **state)
{
        (void)state;
        in_child(in_test_terminal);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_before_init),          cmocka_unit_test(test_signals),
                cmocka_unit_test(test_first_counts),         cmocka_unit_test(test_hold),
                cmocka_unit_test(test_ignored_stay_ignored), cmocka_unit_test(test_pipe),
                cmocka_unit_test(test_ignore_int),           cmocka_unit_test(test_terminal),
        };
        return cmocka_run_group_tests_name("intr", tests, NULL, NULL);
}
