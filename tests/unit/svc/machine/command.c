/* SPDX-License-Identifier: MIT */
/* Tests how a running command is ended: by the user, by its time limit, by the end of its terminal. */
#include "in_child.h"

#include <fcntl.h>

#include "svc/machine/command.h"
#include "svc/process/interrupt.h"
#include "util/clock.h"

static struct exec command(void)
{
        return (struct exec){
                .name = "demo",
                .label = "sleep",
                .deadline = UINT64_MAX,
        };
}

/* One turn of the loop in which nothing is readable. */
static void tick(struct exec *x)
{
        struct pollfd fds[EXEC_FDS];

        exec_fill(x, fds);
        (void)poll(fds + 1, EXEC_FDS - 1, 0);
        exec_handle(x, fds);
}

static void test_quiet(void **s UNUSED)
{
        struct exec x = command();

        tick(&x);
        assert_int_equal(x.stage, EXEC_RUNS);
        assert_int_equal(x.signal, 0);
        assert_true(exec_deadline(&x, UINT64_MAX) == UINT64_MAX);
        assert_true(exec_deadline(&x, 7) == 7);
}

static void test_time_limit(void **s UNUSED)
{
        struct exec x = command();
        uint64_t now = clock_usec();

        x.deadline = now;
        tick(&x);
        assert_int_equal(x.failure, -ETIMEDOUT);
        assert_int_equal(x.stage, EXEC_TERMED);
        assert_int_equal(x.signal, SIGTERM);
        assert_true(exec_deadline(&x, UINT64_MAX) >= now + USEC_PER_SEC);
        /* Neither SIGTERM nor SIGKILL was enough. */
        x.signal = 0;
        x.next_stage = now;
        tick(&x);
        assert_int_equal(x.stage, EXEC_KILLED);
        assert_int_equal(x.signal, SIGKILL);
        x.next_stage = now;
        tick(&x);
        assert_int_equal(x.stage, EXEC_LEFT);
        assert_int_equal(x.sent, SIGTERM); /* the first signal is kept */
}

static void in_test_interrupt(void)
{
        struct exec x = command();

        must(interrupt_init() == 0 && kill(getpid(), SIGTERM) == 0);
        tick(&x);
        must(x.stage == EXEC_ASKED && x.signal == SIGTERM && x.failure == -ECANCELED);
        /* Further signals escalate. */
        must(kill(getpid(), SIGINT) == 0);
        tick(&x);
        must(x.stage == EXEC_TERMED && x.signal == SIGTERM);
        must(kill(getpid(), SIGINT) == 0);
        tick(&x);
        must(x.stage == EXEC_KILLED && x.signal == SIGKILL);
        must(kill(getpid(), SIGINT) == 0);
        tick(&x);
        must(x.stage == EXEC_KILLED); /* there is nothing stronger */
}
CHILD_TEST(test_interrupt)

static void in_test_read_before(void)
{
        struct exec x = command();

        /* A call meanwhile has read the signal, so the descriptor is no longer readable. */
        must(interrupt_init() == 0 && kill(getpid(), SIGINT) == 0 && interrupt_signal() == SIGINT);
        tick(&x);
        must(x.stage == EXEC_ASKED && x.signal == SIGINT);
}
CHILD_TEST(test_read_before)

static void in_test_held(void)
{
        struct exec x = command();

        must(interrupt_init() == 0 && kill(getpid(), SIGINT) == 0);
        interrupt_hold();
        tick(&x);
        must(x.stage == EXEC_RUNS);
        interrupt_release();
        tick(&x);
        must(x.stage == EXEC_ASKED);
}
CHILD_TEST(test_held)

static void test_terminal_gone(void **s UNUSED)
{
        struct pty *pty = calloc(1, sizeof(*pty));
        struct exec x = command();
        int fds[2], master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        struct pollfd p[EXEC_FDS];

        assert_true(master >= 0 && unlockpt(master) == 0 && pipe2(fds, O_CLOEXEC) == 0);
        signal(SIGPIPE, SIG_IGN);
        assert_int_equal(pty_begin(pty, master, open("/dev/null", O_RDONLY | O_CLOEXEC), fds[1]), 0);
        x.pty = pty;
        close(fds[0]); /* the reader of its output has ended */
        assert_int_equal(write(pty->peer, "x", 1), 1);
        for (int i = 0; i < 100 && x.stage == EXEC_RUNS; i++) {
                exec_fill(&x, p);
                (void)poll(p + 1, EXEC_FDS - 1, 100);
                exec_handle(&x, p);
        }
        assert_int_equal(x.stage, EXEC_ASKED);
        assert_int_equal(x.signal, SIGHUP);
        pty_end(pty);
        free(pty);
        close(fds[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_quiet),     cmocka_unit_test(test_time_limit),
                cmocka_unit_test(test_interrupt), cmocka_unit_test(test_read_before),
                cmocka_unit_test(test_held),      cmocka_unit_test(test_terminal_gone),
        };

        return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
