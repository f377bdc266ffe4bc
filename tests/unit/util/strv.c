/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "util/strv.h"

static void empty(void **s UNUSED)
{
        _cleanup_free_ char *joined = strv_join(NULL, ",");
        _cleanup_strv_ char **copy = strv_copy(NULL);
        char **v = NULL;

        assert_int_equal(strv_len(NULL), 0);
        assert_string_equal(joined, "");
        assert_non_null(copy);
        assert_null(copy[0]);
        assert_false(strv_contains(NULL, "a"));
        strv_sort(NULL);
        strv_free(NULL);
        assert_int_equal(strv_extend(&v, NULL), 0);
        assert_null(v);
}

static void pushes(void **s UNUSED)
{
        _cleanup_strv_ char **v = NULL;
        const char *more[] = { "d", "e", NULL };
        _cleanup_free_ char *joined = NULL;

        assert_int_equal(strv_push(&v, "c"), 0);
        assert_int_equal(strv_push_take(&v, strdup("a")), 0);
        assert_int_equal(strv_pushf(&v, "b%d", 1), 0);
        assert_int_equal(strv_push_take(&v, NULL), -ENOMEM);
        assert_int_equal(strv_extend(&v, more), 0);
        assert_int_equal(strv_extend(&v, STRV_CONST(v)), 0);
        assert_int_equal(strv_len(STRV_CONST(v)), 10);
        strv_sort(v);
        joined = strv_join(STRV_CONST(v), ", ");
        assert_string_equal(joined, "a, a, b1, b1, c, c, d, d, e, e");
        assert_true(strv_contains(STRV_CONST(v), "b1"));
        assert_false(strv_contains(STRV_CONST(v), "b"));
}

static void copies(void **s UNUSED)
{
        const char *v[] = { "x", "", NULL };
        _cleanup_strv_ char **w = strv_copy(v);

        assert_string_equal(w[0], "x");
        assert_ptr_not_equal(w[0], v[0]);
        assert_string_equal(w[1], "");
        assert_null(w[2]);
}

static void splits(void **s UNUSED)
{
        _cleanup_strv_ char **v = strv_split("::/bin:/usr/bin::", ":"), **w = strv_split(" a\tb ", " \t"),
                            **none = strv_split("::", ":");

        assert_int_equal(strv_len(STRV_CONST(v)), 2);
        assert_string_equal(v[0], "/bin");
        assert_string_equal(v[1], "/usr/bin");
        assert_int_equal(strv_len(STRV_CONST(w)), 2);
        assert_string_equal(w[1], "b");
        assert_non_null(none);
        assert_null(none[0]);
}

/* In a time that grows with the text, not with its square. */
static void splits_long_texts(void **s UNUSED)
{
        size_t n = 1000000;
        _cleanup_free_ char *text = calloc(n + 1, 2);
        _cleanup_strv_ char **v = NULL;

        assert_non_null(text);
        for (size_t i = 0; i < n; i++)
                memcpy(text + 2 * i, "a\n", 2);
        v = strv_split(text, "\n");
        assert_int_equal(strv_len(STRV_CONST(v)), n);
        assert_string_equal(v[n - 1], "a");
}

static void sorts_by_bytes(void **s UNUSED)
{
        _cleanup_strv_ char **v = strv_split("b \xc3\xa4 B a-1 a", " ");
        _cleanup_free_ char *joined = NULL;

        strv_sort(v);
        joined = strv_join(STRV_CONST(v), " ");
        assert_string_equal(joined, "B a a-1 b \xc3\xa4");
}

static void strings(void **s UNUSED)
{
        _cleanup_free_ char *p = str_printf("%s-%d", "a", 7);

        assert_string_equal(p, "a-7");
        assert_string_equal(str_after("container@x", "container@"), "x");
        assert_null(str_after("cont", "container@"));
        assert_string_equal(str_after("x", ""), "x");
        assert_true(str_ends("a.ini", ".ini"));
        assert_true(str_ends(".ini", ".ini"));
        assert_false(str_ends("ini", ".ini"));
}

static void nearest(void **s UNUSED)
{
        const char *cmds[] = { "create", "build", "list", "restart", "destroy", "shell", "ps", NULL };
        char longest[80];

        assert_string_equal(str_nearest("craete", cmds), "create");
        assert_string_equal(str_nearest("creat", cmds), "create");
        assert_string_equal(str_nearest("stat", (const char *const[]){ "start", "status", NULL }), "status");
        assert_string_equal(str_nearest("restrat", cmds), "restart");
        assert_string_equal(str_nearest("lsit", cmds), "list");
        assert_string_equal(str_nearest("sp", cmds), "ps");
        assert_string_equal(str_nearest("list", cmds), "list");
        assert_null(str_nearest("xyzzy", cmds));
        assert_null(str_nearest("q", cmds));
        assert_null(str_nearest("", cmds));
        assert_null(str_nearest("list", NULL));
        memset(longest, 'a', 79);
        longest[79] = 0;
        assert_null(str_nearest(longest, cmds));
        const char *big[] = { longest, "", "bb", NULL };
        assert_string_equal(str_nearest("bbb", big), "bb");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(empty),
                cmocka_unit_test(pushes),
                cmocka_unit_test(copies),
                cmocka_unit_test(splits),
                cmocka_unit_test(splits_long_texts),
                cmocka_unit_test(sorts_by_bytes),
                cmocka_unit_test(strings),
                cmocka_unit_test(nearest),
        };

        return cmocka_run_group_tests_name("strv", tests, NULL, NULL);
}
