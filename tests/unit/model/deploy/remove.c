/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/deploy/install.h"
#include "model/deploy/remove.h"
#include "model/deploy/report.h"

struct test {
        struct fixture *f;
        struct report report;
        struct removal removal;
        struct ec_container *c;
};

static void put(struct fixture *f, const char *path)
{
        char *p = fx_path(f, "%s", path);

        fx_write(p, "x");
        free(p);
}

/* a is installed and was started once. */
static int setup(void **state)
{
        struct test *t = *state = calloc(1, sizeof(*t));
        struct fixture *f = t->f = fx_new();
        char *link, *target;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", true);
        fx_use(f, "etc", NULL);
        fx_capture(f);
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        free(fx_captured(f));
        put(f, "/var/lib/nixos-containers/a/etc/machine-id");
        put(f, "/var/lib/nixos-containers/.#a.lck");
        put(f, "/nix/profiles/a/system");
        put(f, "/nix/gcroots/per-container/a/x");
        link = fx_path(f, "/var/log/journal/0123");
        target = fx_path(f, "/var/lib/nixos-containers/a/var/log/journal/0123");
        fx_link(target, link);
        free(link), free(target);
        t->removal = (struct removal){ .op = &f->op, .report = &t->report };
        removal_read_journal(&t->removal);
        assert_int_equal(container_installed(&f->layout, "a", &t->c, &f->err), 0);
        return 0;
}

static int teardown(void **state)
{
        struct test *t = *state;

        container_free(t->c);
        removal_done(&t->removal);
        report_done(&t->report);
        fx_free(t->f);
        free(t);
        return 0;
}

static void assert_no_data(struct test *t)
{
        static const char *const paths[] = { "/var/lib/nixos-containers/a", "/var/lib/nixos-containers/.#a.lck",
                                             "/nix/profiles/a", "/nix/gcroots/per-container/a",
                                             "/var/log/journal/0123" };

        for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
                if (fx_exists(t->f, paths[i]))
                        fail_msg("%s is still there", paths[i]);
}

static void test_all(void **state)
{
        struct test *t = *state;

        assert_int_equal(remove_container(&t->removal, t->c, &t->f->err), 0);
        assert_int_equal(t->report.n, 0);
        assert_no_data(t);
        assert_false(fx_exists(t->f, "/etc/nixos-containers/a.conf"));
        assert_false(fx_exists(t->f, "/etc/units/container@a.service"));
        assert_false(fx_exists(t->f, "/etc/units/machines.target.wants/container@a.service"));
}

static void test_data(void **state)
{
        struct test *t = *state;

        assert_int_equal(remove_container_data(&t->removal, t->c, &t->f->err), 0);
        assert_no_data(t);
        assert_true(fx_exists(t->f, "/etc/nixos-containers/a.conf"));
        assert_true(fx_exists(t->f, "/etc/units/container@a.service"));
}

/* It is still listed and can be destroyed again. */
static void test_fails(void **state)
{
        struct test *t = *state;
        char *lock = fx_path(t->f, "/var/lib/nixos-containers/.#a.lck");

        assert_int_equal(unlink(lock), 0);
        assert_int_equal(mkdir(lock, 0700), 0);
        assert_int_equal(remove_container(&t->removal, t->c, &t->f->err), 0);
        assert_int_equal(t->report.n, 1);
        assert_non_null(strstr(t->report.failures[0], lock));
        assert_true(fx_exists(t->f, "/etc/nixos-containers/a.conf"));
        assert_true(fx_exists(t->f, "/etc/units/container@a.service"));
        free(lock);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_all), T(test_data), T(test_fails) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
