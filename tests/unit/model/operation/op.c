/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

static int freed;

static void count_free(void *p)
{
        (void)p;
        freed++;
}

static void test_done(void **state)
{
        struct fixture *f = *state;
        struct ec_op op = OP_INIT;
        _cleanup_free_ char *path = NULL;
        const char *dir = NULL, *again = NULL;

        op.layout = &f->layout;
        assert_int_equal(op_own(&op, &op, count_free, &f->err), 0);
        assert_int_equal(op_tmp_dir(&op, &dir, &f->err), 0);
        assert_int_equal(op_tmp_dir(&op, &again, &f->err), 0);
        assert_ptr_equal(dir, again);
        if (!geteuid())
                assert_ptr_equal(strstr(dir, f->layout.tmp), dir);
        path = strdup(dir);
        op_done(&op);
        assert_int_equal(freed, 1);
        assert_int_equal(access(path, F_OK), -1);
        op_done(&op); /* already done */
        assert_int_equal(freed, 1);
}

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

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_done, setup, teardown) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
