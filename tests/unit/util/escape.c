/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "util/escape.h"

static void check(const char *text, const char *rest, bool colour)
{
        bool is_colour = !colour;

        assert_string_equal(escape_skip(text, &is_colour), rest);
        assert_int_equal(is_colour, colour);
        assert_string_equal(escape_skip(text, NULL), rest);
}

static void test_control(void **state UNUSED)
{
        check("\033[31;1mred", "red", true);
        check("\033[mred", "red", true);
        check("\033[2Jx", "x", false);
        check("\033[?25lx", "x", false);
        check("\033[>4mx", "x", false);
        check("\033[1", "", false);
        check("\033[1\nx", "\nx", false);
}

static void test_string(void **state UNUSED)
{
        check("\033]0;title\ax", "x", false);
        check("\033]8;;url\033\\x", "x", false);
        check("\033Pq\033\\x", "x", false);
        check("\033]0;no end\nx", "\nx", false);
        check("\033]0;cut\033[1mx", "\033[1mx", false);
        check("\033]", "", false);
}

static void test_short(void **state UNUSED)
{
        check("\033(Bx", "x", false);
        check("\033cx", "x", false);
        check("\033", "", false);
        check("\033\nx", "\nx", false);
        check("\033\303\251", "\303\251", false);
}

static void cleaned(const char *text, size_t max, const char *expected)
{
        char *s = strdup(text);

        escape_clean(s, max);
        assert_string_equal(s, expected);
        free(s);
}

static void test_clean(void **state UNUSED)
{
        cleaned("plain \303\244", 100, "plain \303\244");
        cleaned("\033]0;title\a\033[2J\033[31mred\033[0m  ", 100, "red");
        cleaned("a\tb\rc\bd\177", 100, "a bcd");
        cleaned("\377x\302\233y", 100, "?xy");
        cleaned("12345", 3, "123");
}

static void check_text(const char *in, bool colour, const char *out)
{
        char *s = escape_text(in, colour);
        assert_non_null(s);
        assert_string_equal(s, out);
        free(s);
}

static void test_text(void **state UNUSED)
{
        check_text("", false, "");
        check_text("plain\n\ttext", false, "plain\n\ttext");
        check_text("\033[31;1merror:\033[0m x", false, "error: x");
        check_text("\033[31;1merror:\033[0m x", true, "\033[31;1merror:\033[0m x");
        check_text("a\033[2Jb\033[10;3Hc", true, "abc"); /* cursor movement is removed */
        check_text("\033]0;title\ab", true, "b");
        check_text("\033]8;;http://x\033\\link", true, "link");
        check_text("\033]no end\nnext", false, "\nnext");
        check_text("a\rb\bc\177d", false, "abcd");
        check_text("\302\233"
                   "31mx\303\251",
                   false, "31mx\303\251"); /* C1 control characters, but not é */
        check_text("\033", false, "");
        check_text("\033[", false, "");
        check_text("\033[1;", true, "");
        check_text("\033(Bx", true, "x");
        check_text("\302", false, "?");
        check_text("a\377b\233c", true, "a?b?c");
}

/* In a time that grows with the text, not with its square. */
static void test_long(void **state)
{
        size_t n = 10000000;
        char *s = malloc(n + 2);

        (void)state;
        assert_non_null(s);
        memset(s, 1, n);
        strcpy(s + n, "x");
        escape_clean(s, 1000);
        assert_string_equal(s, "x");
        free(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_control), cmocka_unit_test(test_string), cmocka_unit_test(test_short),
                cmocka_unit_test(test_clean),   cmocka_unit_test(test_text),   cmocka_unit_test(test_long),
        };

        return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
