/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/containers/pending.h"
#include "model/deploy/install.h"
#include "model/deploy/outcome.h"
#include "model/deploy/update.h"
#include "svc/conf/conf.h"

static const struct ec_command command = { .name = "create", .scopes = EC_SCOPE_BUILD | EC_SCOPE_INSTALL };

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
        assert_int_equal(group_init(&t->group, 2), 0);
        for (size_t i = 0; i < 2; i++) {
                struct ec_container *c = &t->containers[i];

                *c = (struct ec_container){ .name = (char *)(i ? "b" : "a"), .conf_loaded = true };
                assert_int_equal(strv_push(&c->conf, "SYSTEM_PATH=/2"), 0);
                group_add(&t->group, c);
                assert_int_equal(pending_set(&t->f->layout, c->name, EC_CHANGE_UPDATE, &t->f->err), 0);
        }
        assert_int_equal(outcome_init(&t->outcome, 2, &t->f->err), 0);
        return 0;
}

static int teardown(void **state)
{
        struct test *t = *state;

        systemd_free(t->f->op.systemd);
        for (size_t i = 0; i < 2; i++)
                strv_free(t->containers[i].conf);
        group_done(&t->group);
        outcome_done(&t->outcome);
        fx_free(t->f);
        free(t);
        return 0;
}

#define BOTH "exec a: /2/bin/switch-to-configuration test\nexec parallel b: /2/bin/switch-to-configuration test\n"

/* What is written to stderr meanwhile. */
static char *run(struct test *t, int result)
{
        char *file = fx_path(t->f, "/stderr"), *text;
        int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), old = dup(2);

        dup2(fd, 2);
        assert_int_equal(update_run(&t->f->op, &t->group, &t->outcome, &t->f->err), result);
        dup2(old, 2);
        assert_int_equal(fs_read(file, 4096, &text, NULL), 0);
        close(fd), close(old);
        free(file);
        return text;
}

/* Otherwise one container could keep others from being restarted. */
static void test_time_limit(void **state)
{
        _cleanup_(cleanup_conf_free) struct conf *conf = NULL;
        struct test *t = *state;

        free(run(t, 0));
        assert_int_equal(fake.exec_timeout_ms, 0);
        assert_int_equal(conf_new(&conf, &t->f->err), 0);
        assert_int_equal(conf_declare(conf, "start", &start_settings, &t->f->err), 0);
        t->f->op.conf = conf;
        outcome_done(&t->outcome);
        assert_int_equal(outcome_init(&t->outcome, 2, &t->f->err), 0);
        free(run(t, 0));
        assert_int_equal(fake.exec_timeout_ms, 15 * 60 * 1000);
        t->f->op.conf = NULL;
}

/* All output goes to stderr, and each line names its container if there are several. */
static void test_output(void **state)
{
        struct test *t = *state;
        char *text;

        fake.exec_line = "restarting units";
        text = run(t, 0);
        assert_string_equal(text, "a: restarting units\nb: restarting units\n");
        assert_string_equal(fake.log, BOTH);
        free(text);
        outcome_done(&t->outcome);
        assert_int_equal(outcome_init(&t->outcome, 2, &t->f->err), 0);
        t->group.n = 1;
        text = run(t, 0);
        /* No line may look like a message of ours. */
        assert_string_equal(text, "a: restarting units\n");
        free(text);
}

static void test_updated(void **state)
{
        struct test *t = *state;

        free(run(t, 0));
        assert_int_equal(t->outcome.updated.n, 2);
        assert_int_equal(t->outcome.failed.n + t->outcome.started.n, 0);
        assert_int_equal(pending_get(&t->f->layout, "a"), EC_CHANGE_NONE);
}

static void test_fails(void **state)
{
        struct test *t = *state;

        fake.exec_status = 2;
        free(run(t, 0));
        assert_int_equal(t->outcome.failed.n, 2);
        assert_int_equal(t->outcome.updated.n, 0);
        assert_string_equal(
                t->outcome.report.failures[0],
                "the update of container 'a' failed: switch-to-configuration ended with status 2, perhaps after it "
                "had changed something");
        assert_int_equal(pending_get(&t->f->layout, "a"), EC_CHANGE_UPDATE);
}

/* The system was switched, but units failed. */
static void test_units_failed(void **state)
{
        static const struct ec_command shell = { .name = "shell", .scopes = EC_SCOPE_START | EC_SCOPE_SHELL };
        struct test *t = *state;

        fake.exec_status = 4;
        free(run(t, 0));
        assert_int_equal(t->outcome.failed.n, 0);
        assert_int_equal(t->outcome.updated.n, 2);
        assert_int_equal(t->outcome.units_failed.n, 2);
        assert_int_equal(t->outcome.report.n, 0);
        assert_int_equal(pending_get(&t->f->layout, "a"), EC_CHANGE_UPDATE);
        outcome_done(&t->outcome);
        assert_int_equal(outcome_init(&t->outcome, 2, &t->f->err), 0);
        t->f->op.command = &shell;
        free(run(t, 0));
        assert_int_equal(pending_get(&t->f->layout, "a"), EC_CHANGE_NONE);
}

static void test_interrupted(void **state)
{
        struct test *t = *state;

        fake.exec_result = -ECANCELED;
        free(run(t, -ECANCELED));
        assert_int_equal(t->outcome.failed.n, 0);
        assert_int_equal(pending_get(&t->f->layout, "b"), EC_CHANGE_UPDATE);
}

/* Another run installed later, but had switched before: the container runs what this run has switched to. */
static void test_replaced(void **state)
{
        struct test *t = *state;
        struct fixture *f = t->f;
        char *text;

        *f->layout.root = 0;
        f->layout.nixos = true;
        f->op.command = &command;
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/3\n", false);
        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/2\n", false);
        fx_use(f, "etc", NULL);
        fx_capture(f);
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        free(fx_captured(f));
        log_set_level(LOG_WARNING);
        text = run(t, 0);
        log_set_level(LOG_CRIT);
        assert_non_null(strstr(text, "container 'a': another run has installed another system meanwhile; update the "
                                     "container again"));
        assert_null(strstr(text, "container 'b': another"));
        free(text);
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_UPDATE);
        assert_int_equal(pending_get(&f->layout, "b"), EC_CHANGE_NONE);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_output),       T(test_time_limit),  T(test_updated), T(test_fails),
                                            T(test_units_failed), T(test_interrupted), T(test_replaced) };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
