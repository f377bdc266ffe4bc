/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "util/name.h"

static void good(void **s UNUSED)
{
        static const char *const names[] = {
                "a",     "A",     "0",
                "web",   "web-1", "a--b",
                "Web01", "123",   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", /* 63 */
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                struct ec_err e = { 0 };

                assert_int_equal(container_name_check(names[i], &e), 0);
                assert_int_equal(e.code, 0);
        }
}

static void bad(void **s UNUSED)
{
        static const struct {
                const char *name, *why;
        } names[] = {
                { "", "must not be empty" },
                { "-", "must not begin or end with '-'" },
                { "-a", "'-a': it must not begin or end with '-'" },
                { "a-", "must not begin or end with '-'" },
                { "a_b", "invalid container name 'a_b': '_' cannot be a part of a host name" },
                { "a.b", "not '.'" },
                { "..", "not '.'" },
                { "../etc", "not '.'" },
                { "a/b", "not '/'" },
                { "a b", "only letters, digits and '-' are allowed" },
                { "a\nb", "'a?b'" },
                { "\033[31m", "'?[31m'" },
                { "b\xc3\xa4r", "'b\xc3\xa4r': only letters" },
                { "a@b", "not '@'" },
                { "a\\x2db", "not '\\'" },
                { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  "it is 64 characters long, 63 are allowed" },
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                struct ec_err e = { 0 };

                assert_int_equal(container_name_check(names[i].name, &e), -EINVAL);
                assert_err(&e, -EINVAL, names[i].why);
        }
}

static void huge(void **s UNUSED)
{
        struct ec_err e = { 0 };
        char *name = malloc(100001);

        memset(name, 'a', 100000);
        name[100000] = 0;
        assert_int_equal(container_name_check(name, &e), -EINVAL);
        assert_true(strlen(err_msg(&e)) < 200);
        assert_err(&e, -EINVAL, "...'");
        /* Cut at a character boundary. */
        for (size_t i = 0; i + 2 < 100000; i += 2)
                memcpy(name + 1 + i, "\xc3\xa4", 2);
        assert_int_equal(container_name_check(name, &e), -EINVAL);
        assert_err(&e, -EINVAL, "\xc3\xa4...'");
        free(name);
}

static void possible(void **s UNUSED)
{
        char *name = malloc(300);

        assert_true(container_name_possible("a"));
        assert_true(container_name_possible("a_b"));
        assert_true(container_name_possible("-a-"));
        assert_true(container_name_possible("a.b"));
        assert_true(container_name_possible("a\\x2fb"));
        assert_false(container_name_possible(""));
        assert_false(container_name_possible(".."));
        assert_false(container_name_possible("../etc"));
        assert_false(container_name_possible("a/b"));
        assert_false(container_name_possible("a b"));
        assert_false(container_name_possible("a\n"));
        memset(name, 'a', 300);
        name[255 - strlen("container@.service")] = 0;
        assert_true(container_name_possible(name));
        name[strlen(name)] = 'a';
        name[256 - strlen("container@.service")] = 0;
        assert_false(container_name_possible(name));
        free(name);
}

static void plugins(void **s UNUSED)
{
        assert_true(plugin_name_valid("a"));
        assert_true(plugin_name_valid("gc"));
        assert_true(plugin_name_valid("a_1"));
        assert_true(plugin_name_valid("a2345678901234567890123456789012"));
        assert_false(plugin_name_valid("a23456789012345678901234567890123"));
        assert_false(plugin_name_valid(""));
        assert_false(plugin_name_valid("1a"));
        assert_false(plugin_name_valid("_a"));
        assert_false(plugin_name_valid("A"));
        assert_false(plugin_name_valid("a-b"));
        assert_false(plugin_name_valid("a/b"));
        assert_false(plugin_name_valid("a."));
}

static void units(void **s UNUSED)
{
        static const char *const others[] = {
                "container@.service",    "container@x",
                "container@x.socket",    "xcontainer@x.service",
                "container.service",     "",
                "container@x.service.d", "container@.service.service",
        };
        char *n = container_name_of_unit("container@web-1.service");

        assert_string_equal(n, "web-1");
        free(n);
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
                assert_null(container_name_of_unit(others[i]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good),     cmocka_unit_test(bad),     cmocka_unit_test(huge),
                cmocka_unit_test(possible), cmocka_unit_test(plugins), cmocka_unit_test(units),
        };

        return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
