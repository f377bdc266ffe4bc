/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/containers/pending.h"
#include "model/deploy/jobs.h"
#include "model/deploy/outcome.h"

struct test {
        struct fixture *f;
        struct ec_container containers[2];
        struct group group;
        struct outcome outcome;
};

static int setup(void **state)
{
        struct test *t = *state = calloc(1, sizeof(*t));

        t->f = fx_new();
        fake_reset();
        for (int i = 0; i < 2; i++)
                t->containers[i] = (struct ec_container){ .name = (char *)(i ? "b" : "a"),
                                                          .unit = (char *)(i ? "container@b.service"
                                                                             : "container@a.service"),
                                                          .unit_path = (char *)"/" };
        assert_int_equal(group_init(&t->group, 2), 0);
        group_add(&t->group, &t->containers[0]);
        group_add(&t->group, &t->containers[1]);
        assert_int_equal(outcome_init(&t->outcome, 2, &t->f->err), 0);
        return 0;
}

static int teardown(void **state)
{
        struct test *t = *state;

        systemd_free(t->f->op.systemd);
        fx_free(t->f);
        group_done(&t->group);
        outcome_done(&t->outcome);
        free(t);
        return 0;
}

static void assert_sizes(const struct test *t, size_t started, size_t stopped, size_t failed)
{
        assert_int_equal(t->outcome.started.n, started);
        assert_int_equal(t->outcome.stopped.n, stopped);
        assert_int_equal(t->outcome.failed.n, failed);
        assert_int_equal(t->outcome.updated.n, 0);
}

static void test_start(void **state)
{
        struct test *t = *state;
        struct fixture *f = t->f;

        assert_int_equal(pending_set(&f->layout, "a", EC_CHANGE_UPDATE, &f->err), 0);
        assert_int_equal(pending_set(&f->layout, "b", EC_CHANGE_UPDATE, &f->err), 0);
        fake.failing = "container@b.service";
        assert_int_equal(jobs_run(&f->op, JOB_START, &t->group, &t->outcome, &f->err), 0);
        assert_string_equal(fake.log, "start container@a.service container@b.service\n");
        assert_sizes(t, 1, 0, 1);
        assert_ptr_equal(t->outcome.failed.items[0], &t->containers[1]);
        assert_int_equal(t->outcome.report.n, 1);
        /* Only a successful start removes the note. */
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_NONE);
        assert_int_equal(pending_get(&f->layout, "b"), EC_CHANGE_UPDATE);
}

/* The start that it waits for may be that of the older system. */
static void test_started_before(void **state)
{
        struct test *t = *state;
        struct fixture *f = t->f;

        assert_int_equal(pending_set(&f->layout, "a", EC_CHANGE_RESTART, &f->err), 0);
        fake.active[0] = "container@a.service=activating";
        assert_int_equal(jobs_run(&f->op, JOB_START, &t->group, &t->outcome, &f->err), 0);
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_RESTART);
        t->outcome.started.n = 0;
        assert_int_equal(jobs_run(&f->op, JOB_RESTART, &t->group, &t->outcome, &f->err), 0);
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_NONE);
}

/* systemd's reason would be that there is no unit, or no file. */
static void test_destroyed_meanwhile(void **state)
{
        struct test *t = *state;
        struct fixture *f = t->f;

        fake.failing = "container@b.service";
        t->containers[1].unit_path = (char *)"/nowhere";
        assert_int_equal(jobs_run(&f->op, JOB_RESTART, &t->group, &t->outcome, &f->err), 0);
        assert_int_equal(report_result(&t->outcome.report, 2, "restarted", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "container 'b' did not restart: it was destroyed meanwhile");
}

static void test_stop(void **state)
{
        struct test *t = *state;
        struct fixture *f = t->f;

        assert_int_equal(pending_set(&f->layout, "a", EC_CHANGE_UPDATE, &f->err), 0);
        fake.failing = "container@b.service";
        assert_int_equal(jobs_run(&f->op, JOB_STOP, &t->group, &t->outcome, &f->err), 0);
        assert_string_equal(fake.log, "stop container@a.service container@b.service\n");
        assert_sizes(t, 0, 1, 0);
        assert_int_equal(t->outcome.report.n, 1);
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_UPDATE);
}

/* Another machine has the name of b: only a is started, or stopped first. */
static void test_foreign(void **state)
{
        static const enum unit_job kinds[] = { JOB_START, JOB_RESTART };
        struct test *t = *state;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                fake_reset();
                outcome_done(&t->outcome);
                assert_int_equal(outcome_init(&t->outcome, 2, &t->f->err), 0);
                fake.foreign = "b";
                fake.machine_unit = "other.service";
                assert_int_equal(jobs_run(&t->f->op, kinds[i], &t->group, &t->outcome, &t->f->err), 0);
                assert_string_equal(fake.log, i ? "restart container@a.service\n" : "start container@a.service\n");
                assert_sizes(t, 1, 0, 1);
                assert_non_null(strstr(t->outcome.report.failures[0], i ? "'b' did not restart: a machine named 'b' "
                                                                        : "'b' did not start: a machine named 'b' "));
                assert_non_null(strstr(t->outcome.report.failures[0], "it belongs to other.service"));
        }
        fake.machine_unit = "container@b.service";
        fake.log[0] = 0;
        assert_int_equal(jobs_run(&t->f->op, JOB_RESTART, &t->group, &t->outcome, &t->f->err), 0);
        assert_string_equal(fake.log, "restart container@a.service container@b.service\n");
}

static void test_none(void **state)
{
        struct test *t = *state;

        t->group.n = 0;
        assert_int_equal(jobs_run(&t->f->op, JOB_START, &t->group, &t->outcome, &t->f->err), 0);
        assert_string_equal(fake.log, "");
}

static void test_bus_lost(void **state)
{
        struct test *t = *state;

        fake.job_error = -ECONNRESET;
        assert_int_equal(jobs_run(&t->f->op, JOB_START, &t->group, &t->outcome, &t->f->err), -ECONNRESET);
        assert_sizes(t, 0, 0, 0);
}

static void test_announce(void **state)
{
        struct test *t = *state;
        char *out;

        fx_capture(t->f);
        jobs_announce(&t->f->op, "Starting containers:", &t->group);
        t->group.n = 0;
        jobs_announce(&t->f->op, "Restarting containers:", &t->group);
        out = fx_captured(t->f);
        assert_string_equal(out, "Starting containers:\na\nb\n");
        free(out);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_start),          T(test_destroyed_meanwhile),
                                            T(test_started_before), T(test_stop),
                                            T(test_foreign),        T(test_none),
                                            T(test_bus_lost),       T(test_announce) };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
