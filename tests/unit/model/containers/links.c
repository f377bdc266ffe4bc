/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/containers/links.h"

static int setup(void **state)
{
        *state = fx_new();
        return 0;
}

static int teardown(void **state)
{
        fx_free(*state);
        return 0;
}

static void test_set_and_undo(void **state)
{
        struct fixture *f = *state;
        char *a = fx_path(f, "/a"), *b = fx_path(f, "/b"), *c = fx_path(f, "/c");
        struct links l = { 0 };

        fx_link("old", a);
        fx_link("gone", c);
        assert_int_equal(links_set(&l, a, "new", &f->err), 0);
        assert_int_equal(links_set(&l, b, "new", &f->err), 0);
        assert_int_equal(links_set(&l, c, NULL, &f->err), 0);
        assert_int_equal(links_set(&l, a, "newer", &f->err), 0);
        fx_assert_link(f, "/a", "newer");
        fx_assert_link(f, "/b", "new");
        fx_assert_link(f, "/c", NULL);
        links_undo(&l);
        assert_int_equal(l.n, 0);
        fx_assert_link(f, "/a", "old");
        fx_assert_link(f, "/b", NULL);
        fx_assert_link(f, "/c", "gone");
        free(a), free(b), free(c);
}

static void test_no_change(void **state)
{
        struct fixture *f = *state;
        char *a = fx_path(f, "/a"), *b = fx_path(f, "/no/b");
        struct links l = { 0 };

        fx_link("same", a);
        assert_int_equal(links_set(&l, a, "same", &f->err), 0);
        assert_int_equal(links_set(&l, b, NULL, &f->err), 0);
        assert_int_equal(l.n, 0);
        free(a), free(b);
}

static void test_in_the_way(void **state)
{
        struct fixture *f = *state;
        char *a = fx_path(f, "/a"), *b = fx_path(f, "/no/b");
        struct links l = { 0 };

        fx_write(a, "text");
        assert_int_equal(links_set(&l, a, "x", &f->err), -EEXIST);
        assert_non_null(strstr(err_msg(&f->err), a));
        err_done(&f->err);
        assert_int_equal(links_set(&l, b, "x", &f->err), -ENOENT);
        assert_non_null(strstr(err_msg(&f->err), b));
        assert_int_equal(l.n, 0);
        free(a), free(b);
}

static void want(struct fixture *f, bool wanted)
{
        char *p = fx_path(f, "/etc/units/machines.target.wants/container@a.service");

        if (wanted)
                fx_link("../container@a.service", p);
        else
                assert_int_equal(unlink(p), 0);
        free(p);
}

static void test_machines_target(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/units/machines.target");

        fx_write(p, "");
        assert_int_equal(links_machines_target(&f->layout, &f->err), 0);
        want(f, true);
        assert_int_equal(links_machines_target(&f->layout, &f->err), 1);
        fx_assert_link(f, "/etc/units/multi-user.target.wants/machines.target", "../machines.target");
        assert_int_equal(links_machines_target(&f->layout, &f->err), 0);
        want(f, false);
        assert_int_equal(links_machines_target(&f->layout, &f->err), 1);
        assert_false(fx_exists(f, "/etc/units/multi-user.target.wants"));
        assert_false(fx_exists(f, "/etc/units/machines.target.wants"));
        assert_int_equal(links_machines_target(&f->layout, &f->err), 0);
        assert_false(links_boot_stale(&f->layout));
        /* A run was killed before it removed the directories. */
        want(f, true);
        assert_false(links_boot_stale(&f->layout));
        want(f, false);
        assert_true(links_boot_stale(&f->layout));
        assert_int_equal(links_machines_target(&f->layout, &f->err), 0);
        assert_false(fx_exists(f, "/etc/units/machines.target.wants"));
        free(p);
}

/* An unreadable directory does not count as empty: the boot link is kept. */
static void test_machines_target_unknown(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/units/machines.target"), *wants = fx_path(f, "/etc/units/machines.target.wants"),
             *away = fx_path(f, "/away");

        fx_write(p, "");
        want(f, true);
        assert_int_equal(links_machines_target(&f->layout, &f->err), 1);
        assert_int_equal(rename(wants, away), 0);
        fx_link(wants, wants); /* points to itself */
        assert_int_equal(links_machines_target(&f->layout, &f->err), -ELOOP);
        assert_non_null(strstr(err_msg(&f->err), wants));
        fx_assert_link(f, "/etc/units/multi-user.target.wants/machines.target", "../machines.target");
        free(p), free(wants), free(away);
}

/* The host already wants machines.target. */
static void test_machines_target_wanted(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/systemd/system/multi-user.target.wants/machines.target");

        fx_link("/x", p);
        want(f, true);
        assert_int_equal(links_machines_target(&f->layout, &f->err), 0);
        assert_false(fx_exists(f, "/etc/units/multi-user.target.wants"));
        free(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_set_and_undo),
                T(test_no_change),
                T(test_in_the_way),
                T(test_machines_target),
                T(test_machines_target_wanted),
                T(test_machines_target_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
