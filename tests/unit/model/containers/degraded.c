/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/containers/degraded.h"

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

static void test_notes(void **state)
{
        struct fixture *f = *state;

        assert_false(degraded_get(&f->layout, "a"));
        degraded_set(&f->layout, "a", false);
        degraded_set(&f->layout, "a", true);
        degraded_set(&f->layout, "a", true);
        assert_true(degraded_get(&f->layout, "a"));
        assert_false(degraded_get(&f->layout, "b"));
        degraded_set(&f->layout, "a", false);
        assert_false(degraded_get(&f->layout, "a"));
}

/* Without a place for notes, there are none. */
static void test_no_place(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/run/ec/degraded");

        fx_write(p, "");
        degraded_set(&f->layout, "a", true);
        assert_false(degraded_get(&f->layout, "a"));
        degraded_set(&f->layout, "a", false);
        free(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_notes), T(test_no_place) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
