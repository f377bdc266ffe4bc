/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "svc/conf/file.h"
#include "util/strv.h"

/* The assignments, "line:section.key=value" joined with '|'. */
static int collect(void *data, const char *section, const char *key, const char *value, unsigned line,
                   struct ec_err *err)
{
        char **all = data, *more;

        if (!strcmp(value, "refuse"))
                return err_set(err, -EPERM, "refused");
        more = str_printf("%s%s%u:%s.%s=%s", *all ? *all : "", *all ? "|" : "", line, section, key, value);
        free(*all);
        *all = more;
        return more ? 0 : -ENOMEM;
}

static void good_n(const char *text, size_t len, const char *expected)
{
        struct ec_err err = { 0 };
        char *got = NULL;
        int r = conf_file_parse("f.ini", text, len, collect, &got, &err);

        assert_string_equal(err_msg(&err), "");
        assert_int_equal(r, 0);
        assert_string_equal(got ? got : "", expected);
        free(got);
}

static void good(const char *text, const char *expected)
{
        good_n(text, strlen(text), expected);
}

static void bad_n(const char *text, size_t len, int code, const char *message)
{
        struct ec_err err = { 0 };
        char *got = NULL;

        assert_int_equal(conf_file_parse("f.ini", text, len, collect, &got, &err), code);
        assert_string_equal(err_msg(&err), message);
        assert_int_equal(err.code, code);
        err_done(&err);
        free(got);
}

static void bad(const char *text, const char *message)
{
        bad_n(text, strlen(text), -EINVAL, message);
}

static void test_values(void **state)
{
        (void)state;
        good("", "");
        good("\n\n", "");
        good("[a]\n", "");
        good("[a]\nk = v\n", "2:a.k=v");
        good("[a]\nk=v", "2:a.k=v"); /* no newline at the end */
        good("[a]\nk: v\n", "2:a.k=v");
        good("[a]\nk =\n", "2:a.k=");
        good("[a]\nk = a = b\n", "2:a.k=a = b");
        good("[a]\n\t  k\t =  two words  \t\n", "2:a.k=two words"); /* not a continuation of the line before */
        good("[a]\nk = 1\n  l = 2\n", "2:a.k=1|3:a.l=2");
        good("[a]\nk = \"quoted\"\n", "2:a.k=\"quoted\"");
        good("[a]\nk = 1\n[b-c_9]\nk = 2\n", "2:a.k=1|4:b-c_9.k=2");
        good("[a]\nk = \xc3\xa4\n", "2:a.k=\xc3\xa4");
        good("[a]\nk = 1\nk = 2\n", "2:a.k=1|3:a.k=2"); /* up to the caller */
}

static void test_comments(void **state)
{
        (void)state;
        good("; one\n# two\n[a] ; three\n  # four\nk = v ; five\nl = a;b\n", "5:a.k=v|6:a.l=a;b");
        good("[a]\nk = a # b\n", "2:a.k=a # b");
        good("[a] # c\nk = v\n", "2:a.k=v");
        char *text = malloc(5000);

        memset(text, 'x', 4999);
        memcpy(text, "[a]\n# ", 6);
        memcpy(text + 4990, "\nk=v\n", 6);
        good(text, "3:a.k=v");
        free(text);
}

static void test_encodings(void **state)
{
        (void)state;
        good("\xef\xbb\xbf[a]\nk = v\n", "2:a.k=v");
        good("\xef\xbb\xbf", "");
        good("[a]\r\nk = v\r\n\r\n", "2:a.k=v");
        bad("[a]\n\xef\xbb\xbfk = v\n[", "f.ini:3: a section without its closing ']'");
        bad("[a]\nk = \xff\n", "f.ini:2: not UTF-8");
        bad("[a]\n# \xc3\n", "f.ini:2: not UTF-8");
        bad("[a]\nk = a\rb\n", "f.ini:2: a control character");
        bad("[a]\nk = \033[1m\n", "f.ini:2: a control character");
        bad("[a]\nk = \xc2\x9b\n", "f.ini:2: a control character");
        bad_n("[a]\nk = a\0b\n", 12, -EINVAL, "f.ini:2: a NUL byte");
        bad_n("\0", 1, -EINVAL, "f.ini:1: a NUL byte");
}

/* The error names the first invalid line. */
static void test_broken(void **state)
{
        (void)state;
        bad("k = v\n", "f.ini:1: 'k' comes before the first [section]");
        bad("[a]\nno value\n", "f.ini:2: neither '[section]' nor 'key = value'");
        bad("[a]\nk = v\nno value\n[b\n", "f.ini:3: neither '[section]' nor 'key = value'");
        bad("[a]\n[b\nno value\n", "f.ini:2: a section without its closing ']'");
        bad("[a]\n= v\n", "f.ini:2: a value without a key");
        bad("[]\n", "f.ini:1: a section without a name");
        bad("[a b]\n", "f.ini:1: a section's name may contain only letters, digits, '-' and '_'");
        bad("[a] b\n", "f.ini:1: text after the section's ']'");
        bad("[a]]\n", "f.ini:1: text after the section's ']'");
        bad("[\n", "f.ini:1: a section without its closing ']'");
        good("[a23456789b123456789c123456789d123456789e12345678]\nk=v\n",
             "2:a23456789b123456789c123456789d123456789e12345678.k=v");
        bad("[a23456789b123456789c123456789d123456789e1234567890]\n",
            "f.ini:1: the section's name is longer than 49 characters");
        bad_n("[a]\nk = v\nl = refuse\nno value\n", 30, -EPERM, "refused");
}

/* libinih would read the tail of a line that is too long as another line. */
static void test_long_lines(void **state)
{
        (void)state;
        for (size_t n = 190; n < 210; n++) {
                char text[300] = "[a]\n", expected[300];

                memset(text + 4, 'x', n);
                memcpy(text + 4, "k=", 2);
                memcpy(text + 4 + n, "\n", 2);
                if (n <= 198) {
                        snprintf(expected, sizeof(expected), "2:a.k=%.*s", (int)(n - 2), text + 6);
                        good(text, expected);
                } else {
                        bad(text, "f.ini:2: the line is longer than 198 bytes");
                }
        }
        char *text = calloc(1, 100000);

        memset(text, ' ', 99000);
        memcpy(text, "[a]\nk = v", 9);
        good(text, "2:a.k=v"); /* blanks do not count */
        memset(text + 8, 'x', 99000);
        bad(text, "f.ini:2: the line is longer than 198 bytes");
        free(text);
}

static void test_bool(void **state)
{
        static const char *const yes[] = { "yes", "on", "true", "1", "YES", "True" }, *const no[] = { "no", "off",
                                                                                                      "false", "0",
                                                                                                      "Off" };
        static const char *const neither[] = { "", "2", "y", "yes ", "10", "nothing" };
        bool b;

        (void)state;
        for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
                b = false;
                assert_true(conf_parse_bool(yes[i], &b) && b);
        }
        for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++) {
                b = true;
                assert_true(conf_parse_bool(no[i], &b) && !b);
        }
        for (size_t i = 0; i < sizeof(neither) / sizeof(*neither); i++)
                assert_false(conf_parse_bool(neither[i], &b));
}

static void test_duration(void **state)
{
        static const struct {
                const char *text;
                uint64_t ms;
        } good_ones[] = {
                { "0", 0 },
                { "10", 10000 },
                { "10s", 10000 },
                { "10 s", 10000 },
                { "500ms", 500 },
                { "2min", 120000 },
                { "1h", 3600000 },
                { "1d", 86400000 },
                { "1min 30s", 90000 },
                { "1min30s", 90000 },
                { " 1s ", 1000 },
                { "0ms", 0 },
                { "18446744073709551615ms", UINT64_MAX },
        };
        static const char *const bad_ones[] = {
                "",
                " ",
                "s",
                "-1",
                "1.5s",
                "1 2",
                "1s 2",
                "1m",
                "1S",
                "1sec",
                "18446744073709551616ms",
                "18446744073709551615s",
                "18446744073709551615ms 1ms",
                "1s,",
                "0x10",
        };
        uint64_t ms;

        (void)state;
        for (size_t i = 0; i < sizeof(good_ones) / sizeof(*good_ones); i++) {
                ms = 77;
                if (!conf_parse_ms(good_ones[i].text, &ms) || ms != good_ones[i].ms)
                        fail_msg("'%s' is %llu", good_ones[i].text, (unsigned long long)ms);
        }
        for (size_t i = 0; i < sizeof(bad_ones) / sizeof(*bad_ones); i++)
                if (conf_parse_ms(bad_ones[i], &ms))
                        fail_msg("'%s' is accepted as a duration", bad_ones[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),   cmocka_unit_test(test_comments),   cmocka_unit_test(test_encodings),
                cmocka_unit_test(test_broken),   cmocka_unit_test(test_long_lines), cmocka_unit_test(test_bool),
                cmocka_unit_test(test_duration),
        };
        return cmocka_run_group_tests_name("conf_file", tests, NULL, NULL);
}
