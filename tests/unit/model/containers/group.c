/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/containers/group.h"

static void test_group(void **state)
{
        struct ec_container a = { .name = (char *)"a" }, b = { .name = (char *)"b" };
        struct group g;

        (void)state;
        assert_int_equal(group_init(&g, 2), 0);
        assert_null(GROUP_CONST(&g)[0]);
        group_add(&g, &b);
        group_add(&g, &a);
        assert_int_equal(g.n, 2);
        assert_ptr_equal(GROUP_CONST(&g)[0], &b);
        assert_ptr_equal(GROUP_CONST(&g)[1], &a);
        assert_null(GROUP_CONST(&g)[2]);
        group_done(&g);
        assert_int_equal(g.n, 0);
        group_done(&g);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_group) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
