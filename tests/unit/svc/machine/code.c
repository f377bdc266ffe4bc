/* SPDX-License-Identifier: MIT */
#include "svc/machine/code.h"

#include <signal.h>

#include "capture.h"
#include "util/cleanup.h"
#include "util/err.h"

static void test_of_container(void **state UNUSED)
{
        static const int refused[] = { -ECANCELED, -ENOMEM,    -EMFILE,    -ENFILE, -EAGAIN,
                                       -EINTR,     -ETIMEDOUT, -EHOSTDOWN, -ESRCH,  -ECONNRESET };

        for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
                assert_int_equal(code_of_container(refused[i]), -EIO);
        assert_int_equal(code_of_container(-ENOENT), -ENOENT);
        assert_int_equal(code_of_container(-EACCES), -EACCES);
        assert_int_equal(code_of_container(INT32_MIN), -EIO);
        assert_int_equal(code_of_container(0), 0);
}

static void test_limit(void **state UNUSED)
{
        struct ec_err err = { 0 };

        assert_int_equal(code_limit(&err, err_set(&err, -ENFILE, "no")), -EIO);
        assert_err(&err, -EIO, "no");
        assert_int_equal(code_limit(&err, err_set(&err, -EACCES, "no")), -EACCES);
        assert_err(&err, -EACCES, "no");
        assert_int_equal(code_limit(NULL, -ECANCELED), -EIO);
}

static void test_exit_status(void **state UNUSED)
{
        static const struct {
                int32_t code, status;
                int expected;
        } cases[] = {
                { 0, 0, -ENOENT },
                { CLD_EXITED, 0, 0 },
                { CLD_EXITED, 255, 255 },
                { CLD_EXITED, 256, -EBADMSG },
                { CLD_EXITED, -ECANCELED, -EBADMSG },
                { CLD_KILLED, SIGTERM, 128 + SIGTERM },
                { CLD_DUMPED, 64, 192 },
                { CLD_KILLED, 65, -EBADMSG },
                { CLD_KILLED, 0, -EBADMSG },
                { CLD_KILLED, -128, -EBADMSG },
                { CLD_DUMPED, INT32_MAX, -EBADMSG },
                { CLD_STOPPED, SIGSTOP, -EBADMSG },
                { 7, 0, -EBADMSG },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(code_exit_status(cases[i].code, cases[i].status), cases[i].expected);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_of_container),
                cmocka_unit_test(test_limit),
                cmocka_unit_test(test_exit_status),
        };

        return cmocka_run_group_tests_name("code", tests, NULL, NULL);
}
