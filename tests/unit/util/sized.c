/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "util/sized.h"

struct thing {
        uint32_t size, first, second;
};

static int copy(const void *from, struct thing *to, struct ec_err *err)
{
        memset(to, 0xff, sizeof(*to));
        return sized_copy(to, sizeof(*to), from, offsetof(struct thing, second), "thing", err);
}

static void test_older(void **state UNUSED)
{
        const uint32_t old[] = { 8, 7 };
        struct thing to;

        assert_int_equal(copy(old, &to, NULL), 0);
        assert_int_equal(to.size, 8);
        assert_int_equal(to.first, 7);
        assert_int_equal(to.second, 0);
}

static void test_newer(void **state UNUSED)
{
        uint32_t new[] = { 16, 7, 8, 0 };
        struct ec_err err = { 0 };
        struct thing to;

        assert_int_equal(copy(new, &to, NULL), 0);
        assert_int_equal(to.second, 8);
        new[3] = 1;
        assert_int_equal(copy(new, &to, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "struct thing has members that this version does not know");
        err_done(&err);
}

static void test_no_size(void **state UNUSED)
{
        const uint32_t none[] = { 0, 7, 8 };
        struct ec_err err = { 0 };
        struct thing to;

        assert_int_equal(copy(none, &to, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "struct thing has no valid size");
        err_done(&err);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_older),
                cmocka_unit_test(test_newer),
                cmocka_unit_test(test_no_size),
        };

        return cmocka_run_group_tests_name("sized", tests, NULL, NULL);
}
