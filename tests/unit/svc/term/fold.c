/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "svc/term/fold.h"

static void test_width(void **state)
{
        (void)state;
        assert_int_equal(fold_width("a\303\244\345\256\271", 6), 4);
        assert_int_equal(fold_width("a\377b", 3), 3);
        assert_int_equal(fold_longest_word(""), 0);
        assert_int_equal(fold_longest_word(" a  long-word, b "), 10);
}

static void test_line(void **state)
{
        const char *s = "one, two,  three-four", *rest;

        (void)state;
        assert_int_equal(fold_line(s, 80, &rest), strlen(s));
        assert_string_equal(rest, "");
        assert_int_equal(fold_line(s, 9, &rest), strlen("one, two,"));
        assert_string_equal(rest, "three-four");
        assert_int_equal(fold_line(s, 8, &rest), strlen("one,"));
        assert_string_equal(rest, "two,  three-four");
        /* A word is never broken. */
        assert_int_equal(fold_line(rest + 6, 1, &rest), strlen("three-four"));
        assert_string_equal(rest, "");
        assert_int_equal(fold_line("", 1, &rest), 0);
        assert_string_equal(rest, "");
}

static void test_fit(void **state)
{
        const unsigned minimum[] = { 4, 0, 5, 30 };
        unsigned widths[] = { 10, 0, 50, 30 };

        (void)state;
        fold_fit(widths, minimum, 4, 2, 80);
        assert_int_equal(widths[0], 10);
        assert_int_equal(widths[1], 0);
        assert_int_equal(widths[2], 36);
        assert_int_equal(widths[3], 30);
        /* As narrow as they can be. */
        fold_fit(widths, minimum, 4, 2, 10);
        assert_int_equal(widths[0], 4);
        assert_int_equal(widths[2], 5);
        assert_int_equal(widths[3], 30);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_width),
                cmocka_unit_test(test_line),
                cmocka_unit_test(test_fit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
