/* SPDX-License-Identifier: MIT */
#include "capture.h"

static void sets(void **s UNUSED)
{
        struct ec_err e = { 0 };

        assert_string_equal(err_msg(&e), "");
        assert_string_equal(err_msg(NULL), "");
        assert_int_equal(err_set(&e, -ENOENT, "no container named '%s'", "web"), -ENOENT);
        assert_int_equal(e.code, -ENOENT);
        assert_false(e.usage);
        assert_string_equal(err_msg(&e), "no container named 'web'");
        err_done(&e);
        assert_int_equal(e.code, 0);
        assert_null(e.msg);
        err_done(&e);
        err_done(NULL);
}

static void replaces_and_may_quote_itself(void **s UNUSED)
{
        struct ec_err e = { 0 };

        err_set(&e, -EIO, "inner");
        assert_int_equal(err_set(&e, -EPERM, "outer (%s)", err_msg(&e)), -EPERM);
        assert_string_equal(err_msg(&e), "outer (inner)");
        err_done(&e);
}

static void failure_stays_failure(void **s UNUSED)
{
        struct ec_err e = { 0 };

        assert_int_equal(err_set(&e, ENOENT, "x"), -ENOENT);
        assert_int_equal(err_set(&e, 0, "x"), -EIO);
        assert_int_equal(err_set(NULL, -EBUSY, "x"), -EBUSY);
        err_done(&e);
        assert_int_equal(err_prefix(&e, "plugin x"), -EIO);
        assert_err(&e, -EIO, "plugin x: it failed without saying why");
        assert_int_equal(err_prefix(NULL, "x"), -EIO);
}

static void usage(void **s UNUSED)
{
        struct ec_err e = { 0 };

        assert_int_equal(err_usage(&e, "unknown option '--%s'", "x"), -EINVAL);
        assert_true(e.usage);
        assert_int_equal(err_prefix(&e, "create"), -EINVAL);
        assert_true(e.usage);
        assert_string_equal(err_msg(&e), "create: unknown option '--x'");
        err_set(&e, -EIO, "y");
        assert_false(e.usage);
        err_done(&e);
}

static void no_memory(void **s UNUSED)
{
        struct ec_err e = { 0 };

        err_set(&e, -EIO, "x");
        assert_int_equal(err_oom(&e), -ENOMEM);
        assert_null(e.msg);
        assert_string_equal(err_msg(&e), "out of memory");
        assert_int_equal(err_prefix(&e, "build"), -ENOMEM);
        assert_string_equal(err_msg(&e), "build: out of memory");
        err_done(&e);
        assert_int_equal(err_oom(NULL), -ENOMEM);
}

static void moves(void **s UNUSED)
{
        struct ec_err a = { 0 }, b = { 0 };

        err_set(&a, -EIO, "old");
        err_usage(&b, "new");
        err_move(&a, &b);
        assert_int_equal(b.code, 0);
        assert_null(b.msg);
        assert_true(a.usage);
        err_move(&a, &a);
        assert_string_equal(err_msg(&a), "new");
        err_move(NULL, &a);
        assert_int_equal(a.code, 0);
}

static void keeps_errno(void **s UNUSED)
{
        struct ec_err e = { 0 };

        errno = EXDEV;
        err_set(&e, -EIO, "%s", "x");
        assert_int_equal(errno, EXDEV);
        err_done(&e);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sets),
                cmocka_unit_test(replaces_and_may_quote_itself),
                cmocka_unit_test(failure_stays_failure),
                cmocka_unit_test(usage),
                cmocka_unit_test(no_memory),
                cmocka_unit_test(moves),
                cmocka_unit_test(keeps_errno),
        };

        return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
