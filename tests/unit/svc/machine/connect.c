/* SPDX-License-Identifier: MIT */
/* Tests connections to containers without a bus; inner_bus.c and run.c have those with one. */
#include "svc/machine/connect.h"

#include "capture.h"
#include "svc/machine/state.h"
#include "util/clock.h"

static const char *unit_state; /* on the host */
static struct ec_err err;

char *exec_unit_state(struct exec *x)
{
        (void)x;
        return unit_state ? strdup(unit_state) : NULL;
}

bool exec_state_down(const char *state)
{
        return state && strcmp(state, "active") && strcmp(state, "activating");
}

void exec_fill(struct exec *x, struct pollfd fds[static EXEC_FDS])
{
        (void)x;
        for (size_t i = 0; i < EXEC_FDS; i++)
                fds[i] = (struct pollfd){ .fd = -1 };
}

void exec_handle(struct exec *x, const struct pollfd fds[static EXEC_FDS])
{
        (void)x, (void)fds;
}

uint64_t exec_deadline(const struct exec *x, uint64_t other)
{
        return x->deadline < other ? x->deadline : other;
}

int exec_stopped(struct exec *x, struct ec_err *error)
{
        return err_set(error, -ECONNRESET, "container '%s' stopped", x->name);
}

static void connects(const char *host_state, int expected, const char *text)
{
        /* Its socket cannot be found. */
        struct exec x = { .name = "demo", .leader = LEADER_NONE, .deadline = UINT64_MAX };
        uint64_t deadline = UINT64_MAX, now = clock_usec();
        struct pollfd fds[EXEC_FDS];
        struct connect c;

        unit_state = host_state;
        connect_begin(&c, CONNECT_WAIT);
        assert_int_equal(exec_connect(&x, &c, fds, &deadline, &err), expected);
        assert_null(c.bus);
        assert_string_equal(err_msg(&err), text);
        err_done(&err);
        if (expected == 0)
                assert_true(deadline >= now && deadline < now + 10 * USEC_PER_SEC);
        connect_done(&c);
}

static void test_no_bus(void **state UNUSED)
{
        connects("active", 1, "");
        connects(NULL, 1, "");
        connects("activating", 0, "");
        connects("failed", -EHOSTDOWN, "container 'demo' is not running");
        connects("deactivating", -EHOSTDOWN, "container 'demo' is shutting down");
}

/* A signal or the time limit ends the wait. */
static void test_ended(void **state UNUSED)
{
        struct exec x = { .name = "demo", .leader = LEADER_NONE, .stage = EXEC_ASKED, .failure = -ECANCELED };
        uint64_t deadline = UINT64_MAX;
        struct pollfd fds[EXEC_FDS];
        struct connect c;

        unit_state = "activating";
        connect_begin(&c, CONNECT_WAIT);
        assert_int_equal(exec_connect(&x, &c, fds, &deadline, &err), -ECANCELED);
        connect_done(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_bus), cmocka_unit_test(test_ended) };

        return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
