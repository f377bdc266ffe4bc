/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"
#include "noter.h"

#include "model/containers/degraded.h"
#include "model/deploy/outcome.h"
#include "svc/process/interrupt.h"

static struct ec_container containers[] = {
        { .name = (char *)"a", .unit = (char *)"container@a.service" },
        { .name = (char *)"b", .unit = (char *)"container@b.service" },
        { .name = (char *)"c", .unit = (char *)"container@c.service" },
        { .name = (char *)"d", .unit = (char *)"container@d.service" },
};
static struct outcome o;

static int setup(void **state)
{
        struct fixture *f = *state = fx_new();

        fake_reset();
        noter_reset();
        f->registry = (struct registry){ .plugins = &noter_ref, .n = 1 };
        assert_int_equal(interrupt_init(), 0);
        assert_int_equal(outcome_init(&o, 4, &f->err), 0);
        group_add(&o.started, &containers[0]);
        group_add(&o.started, &containers[1]);
        group_add(&o.updated, &containers[2]);
        group_add(&o.failed, &containers[3]);
        for (size_t i = 0; i < 3; i++)
                fake.active[i] = containers[i].unit;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        interrupt_clear();
        outcome_done(&o);
        systemd_free(f->op.systemd);
        noter_done();
        fx_free(f);
        return 0;
}

static void test_tell(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), 0);
        assert_string_equal(noted, "started(a b) updated(c) failed(d) ");
}

/* Hooks may wait, so they are not called after an interruption. */
static void test_interrupted(void **state)
{
        struct fixture *f = *state;

        raise(SIGINT);
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), -ECANCELED);
        assert_string_equal(noted, "");
}

static void test_detached(void **state)
{
        struct fixture *f = *state;

        o.detach = true;
        raise(SIGINT);
        assert_int_equal(outcome_check_interrupt(&o, &f->err), 0);
        assert_int_equal(interrupt_signal(), 0);
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), 0);
        assert_string_equal(noted, "");
        /* Other signals end the command. */
        raise(SIGTERM);
        assert_int_equal(outcome_check_interrupt(&o, &f->err), -ECANCELED);
}

static void test_ended(void **state)
{
        struct fixture *f = *state;

        fake.active[0] = "container@b.service";
        fake.active[1] = "container@c.service=activating";
        fake.active[2] = NULL;
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "2 of 4 containers could not be started");
        assert_string_equal(o.report.failures[0], "container 'a' ended right after its start");
        assert_string_equal(o.report.failures[1],
                            "container 'c' ended right after its update, and systemd starts it again");
}

/* One that this run did not start has not failed to start. */
static void test_stopped_meanwhile(void **state)
{
        struct fixture *f = *state;

        o.started.n = 0;
        group_add(&o.running, &containers[0]);
        fake.active[0] = "container@c.service";
        fake.active[1] = NULL;
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "container 'a' was running, and has stopped meanwhile");
        err_done(&f->err);
        report_done(&o.report);
        fake.active[1] = "container@a.service=activating";
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err),
                            "container 'a' was running, and has stopped meanwhile, and systemd starts it again");
        err_done(&f->err);
        report_done(&o.report);
        /* Another run does. */
        fake.by_hand = true;
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "container 'a' was running, and has stopped meanwhile");
}

/* The same sentence after a start, after an update, and for one that runs as before. */
static void test_failed_inside(void **state)
{
        static const struct ec_command shell = { .name = "shell", .scopes = EC_SCOPE_START | EC_SCOPE_SHELL };
        struct fixture *f = *state;

        fake.sick = "a";
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "container 'a' runs, but units failed in it: bad.service");
        assert_string_equal(noted, "started(a b) updated(c) failed(d) ");
        assert_true(degraded_get(&f->layout, "a"));
        assert_false(degraded_get(&f->layout, "b"));
        err_done(&f->err);
        report_done(&o.report);
        o.started.n = 0;
        group_add(&o.running, &containers[0]);
        fake.sick = "c";
        group_add(&o.units_failed, &containers[2]);
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "container 'c' runs, but units failed in it: bad.service");
        assert_false(degraded_get(&f->layout, "a"));
        err_done(&f->err);
        report_done(&o.report);
        fake.sick = NULL;
        group_add(&o.units_failed, &containers[0]);
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "2 of 4 containers could not be started, or have failed units");
        assert_string_equal(o.report.failures[0],
                            "container 'c' was updated, but not all of its units could be started or reloaded");
        err_done(&f->err);
        report_done(&o.report);
        f->op.command = &shell;
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), 0);
}

/* Nothing is known of one that runs; one that has ended has failed, also if systemd has not noticed it yet. */
static void test_mute(void **state)
{
        struct fixture *f = *state;

        fake.mute = true;
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), 0);
        fake.dead = true;
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), -EIO);
        assert_string_equal(o.report.failures[0], "container 'a' ended right after its start");
        fake.mute = fake.dead = false;
}

static void test_result(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), 0);
        assert_int_equal(report_add(&o.report, &f->err, "x"), 0);
        assert_int_equal(report_add(&o.report, &f->err, "y"), 0);
        assert_int_equal(outcome_finish(&f->op, &o, 0, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "2 of 4 containers could not be started");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_tell),          T(test_interrupted), T(test_detached), T(test_ended), T(test_stopped_meanwhile),
                T(test_failed_inside), T(test_mute),        T(test_result)
        };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
