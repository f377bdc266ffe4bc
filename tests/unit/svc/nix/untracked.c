/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>

#include "svc/nix/untracked.h"

#define MISSING(path) "getting status of '" path "': No such file or directory"

static bool is_untracked(const char *text, const char *shown)
{
        char *file = nix_untracked_file(text, shown);
        bool found = file;

        if (file)
                assert_string_equal(file, "/etc/passwd");
        free(file);
        return found;
}

static void test_untracked(void **state)
{
        (void)state;
        assert_true(is_untracked(MISSING("/nowhere/passwd"), MISSING("/etc/passwd")));
        assert_true(is_untracked("path '/nowhere/passwd' does not exist", "path '/etc/passwd' does not exist"));
        assert_false(is_untracked(MISSING("/nowhere/passwd"), MISSING("/nowhere/passwd")));
        assert_false(is_untracked(MISSING("/nowhere/passwd"), MISSING("/etc/nothing-there")));
        assert_false(is_untracked(MISSING("/etc/passwd"), MISSING("/etc/group")));
        assert_false(is_untracked("'/nowhere/passwd' is not a set", "'/etc/passwd' is not a set"));
        assert_false(is_untracked("attribute 'x' does not exist", "attribute 'x' does not exist"));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_untracked) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
