/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "capture.h"
#include "util/limits.h"

static void test_hint(void **state UNUSED)
{
        assert_non_null(strstr(limits_hint(-EMFILE), "ulimit -n"));
        assert_non_null(strstr(limits_hint(-ENFILE), "fs.file-max"));
        assert_null(limits_hint(-EIO));
        assert_null(limits_hint(0));
}

static void test_fork_text(void **state UNUSED)
{
        assert_non_null(strstr(limits_fork_text(-EAGAIN), "kernel.pid_max"));
        assert_string_equal(limits_fork_text(-ENOENT), strerror(ENOENT));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_hint), cmocka_unit_test(test_fork_text) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
