/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/operation/op.h"
#include "util/cleanup.h"
#include "util/err.h"

static int freed;

static void count_free(void *p)
{
        (void)p;
        freed++;
}

static void test_done(void **state)
{
        struct ec_op op = OP_INIT;
        _cleanup_free_ char *path = NULL;
        const char *dir = NULL, *again = NULL;
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(op_own(&op, &op, count_free, &err), 0);
        assert_int_equal(op_tmp_dir(&op, &dir, &err), 0);
        assert_int_equal(op_tmp_dir(&op, &again, &err), 0);
        assert_ptr_equal(dir, again);
        path = strdup(dir);
        op_done(&op);
        assert_int_equal(freed, 1);
        assert_int_equal(access(path, F_OK), -1);
        op_done(&op); /* nothing left to do */
        assert_int_equal(freed, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_done) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
