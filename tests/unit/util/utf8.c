/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "util/utf8.h"

static void valid(void **s UNUSED)
{
        static const struct {
                const char *s;
                uint32_t c;
        } good[] = {
                { "a", 'a' },
                { "\xc2\x80", 0x80 },
                { "\xdf\xbf", 0x7ff },
                { "\xe0\xa0\x80", 0x800 },
                { "\xed\x9f\xbf", 0xd7ff },
                { "\xee\x80\x80", 0xe000 },
                { "\xf0\x90\x80\x80", 0x10000 },
                { "\xf4\x8f\xbf\xbf", 0x10ffff },
        };

        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                uint32_t c = 0;

                assert_int_equal(utf8_decode(good[i].s, strlen(good[i].s), &c), strlen(good[i].s));
                assert_int_equal(c, good[i].c);
                assert_true(utf8_valid(good[i].s, strlen(good[i].s)));
        }
        assert_true(utf8_valid("", 0));
        assert_true(utf8_valid("a\0b", 3));
}

static void invalid(void **s UNUSED)
{
        static const char *const bad[] = {
                "\x80",
                "\xbf",
                "\xc0\x80",
                "\xc1\xbf",
                "\xc2",
                "\xc2z",
                "\xe0\x80\x80",
                "\xe0\xa0",
                "\xed\xa0\x80",
                "\xed\xbf\xbf",
                "\xf0\x80\x80\x80",
                "\xf0\x90\x80",
                "\xf4\x90\x80\x80",
                "\xf5\x80\x80\x80",
                "\xff",
        };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                uint32_t c;

                assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &c), 0);
                assert_false(utf8_valid(bad[i], strlen(bad[i])));
        }
}

static void kinds(void **s UNUSED)
{
        assert_true(utf8_control(0));
        assert_true(utf8_control(0x1b));
        assert_true(utf8_control(0x7f));
        assert_true(utf8_control(0x9b));
        /* These change the order of what follows on a terminal. */
        assert_true(utf8_control(0x202e));
        assert_true(utf8_control(0x2066));
        assert_true(utf8_control(0x200f));
        assert_false(utf8_control(0x2010));
        assert_false(utf8_control(' '));
        assert_false(utf8_control(0xa0));
        assert_int_equal(utf8_width('a'), 1);
        assert_int_equal(utf8_width(0xe4), 1);
        assert_int_equal(utf8_width(0x4e2d), 2);
        assert_int_equal(utf8_width(0x1f600), 2);
        assert_int_equal(utf8_width(0x301), 0);
        assert_int_equal(utf8_width('\n'), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(valid), cmocka_unit_test(invalid),
                                            cmocka_unit_test(kinds) };

        return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
