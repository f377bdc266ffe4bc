/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include <jansson.h>

#include "svc/term/table.h"
#include "svc/term/term.h"
#include "util/clock.h"

static const struct ec_column columns[] = {
        { .key = "name", .title = "NAME", .type = EC_COL_STR },
        { .key = "count", .title = "COUNT", .type = EC_COL_INT },
        { .key = "up", .title = "UP", .type = EC_COL_BOOL },
        { .key = "size", .title = "SIZE", .type = EC_COL_SIZE },
        { .key = "tags", .title = "TAGS", .type = EC_COL_LIST },
        { .key = "hidden", .type = EC_COL_STR, .flags = EC_COL_JSON_ONLY },
        { .key = "since", .title = "SINCE", .type = EC_COL_TIME },
};
static int64_t since; /* seconds since 1970 */

static const struct ec_array column_array = EC_ARRAY(columns);

static struct ec_table *new_table(const struct ec_array *a, bool json)
{
        struct ec_err err = { 0 };
        struct ec_table *t = NULL;

        assert_int_equal(table_create(a, json, &t, &err), 0);
        return t;
}

static void row(struct ec_table *t, const char *name, int64_t count, int up, int64_t size, const char *tags)
{
        struct ec_err err = { 0 };

        assert_int_equal(table_add_row(t, &err), 0);
        assert_int_equal(table_set_str(t, "name", name, &err), 0);
        assert_int_equal(table_set_int(t, "count", count, &err), 0);
        assert_int_equal(table_set_int(t, "up", up, &err), 0);
        assert_int_equal(table_set_int(t, "size", size, &err), 0);
        assert_int_equal(table_set_str(t, "tags", tags, &err), 0);
        assert_int_equal(table_set_str(t, "hidden", "secret", &err), 0);
        assert_int_equal(table_set_int(t, "since", since, &err), 0);
}

static char *piped(struct ec_table *t)
{
        struct ec_err err = { 0 };
        struct capture c;

        capture_begin(&c, STDOUT_FILENO);
        assert_int_equal(table_print(t, &err), 0);
        term_flush();
        table_free(t);
        return capture_end(&c);
}

static char *shown(struct ec_table *t)
{
        struct ec_err err = { 0 };
        struct terminal term;
        char *s, *to;

        terminal_begin(&term, STDOUT_FILENO, 80);
        assert_int_equal(table_print(t, &err), 0);
        term_flush();
        table_free(t);
        s = to = terminal_end(&term);
        for (char *p = s; *p; p++)
                if (*p != '\r')
                        *to++ = *p;
        *to = 0;
        return s;
}

static void is(char *got, const char *want)
{
        assert_string_equal(got, want);
        free(got);
}

static struct ec_table *two_rows(bool json)
{
        struct ec_table *t = new_table(&column_array, json);

        row(t, "web", 7, 1, 1536, "a\nb");
        row(t, "database", 12345, 0, 12, "");
        return t;
}

static void test_pipe(void **state)
{
        (void)state;
        is(piped(two_rows(false)), "web\t7\tyes\t1536\ta,b\t0\ndatabase\t12345\tno\t12\t\t0\n");
        is(piped(new_table(&column_array, false)), "");
}

static void test_terminal(void **state)
{
        (void)state;
        since = (int64_t)(clock_realtime_usec() / USEC_PER_SEC) - 7520;
        setenv("TZ", "UTC", 1);
        is(shown(two_rows(false)), "NAME      COUNT  UP      SIZE  TAGS  SINCE\n"
                                   "web           7  yes  1.5 KiB  a, b  2h 5min ago\n"
                                   "database  12345  no      12 B        2h 5min ago\n");
        since = 0;
        is(shown(new_table(&column_array, false)), "");
}

/* A line that is longer than those of the terminal: empty columns are left out, and words go to the next line. */
static void test_fold(void **state)
{
        struct ec_table *t = new_table(&column_array, false);
        struct ec_err err = { 0 };

        (void)state;
        for (int i = 0; i < 2; i++) {
                assert_int_equal(table_add_row(t, &err), 0);
                assert_int_equal(table_set_str(t, "name", i ? "a name of several words that is long" : "short", &err),
                                 0);
                assert_int_equal(table_set_int(t, "count", 7, &err), 0);
                assert_int_equal(
                        table_set_str(t, "tags",
                                      i ? "one" : "first\nsecond\nthird\nfourth\nfifth\nsixth\nseventh\neighth", &err),
                        0);
        }
        is(shown(t), "NAME                                 COUNT  TAGS\n"
                     "short                                    7  first, second, third, fourth, fifth,\n"
                     "                                            sixth, seventh, eighth\n"
                     "a name of several words that is          7  one\n"
                     "long\n");
}

static void test_json(void **state)
{
        char *text = piped(two_rows(true));
        json_t *all = json_loads(text, 0, NULL), *first = json_array_get(all, 0), *second = json_array_get(all, 1);

        (void)state;
        assert_int_equal(json_array_size(all), 2);
        assert_string_equal(json_string_value(json_object_get(first, "name")), "web");
        assert_int_equal(json_integer_value(json_object_get(first, "count")), 7);
        assert_true(json_is_true(json_object_get(first, "up")));
        assert_int_equal(json_integer_value(json_object_get(first, "size")), 1536);
        assert_int_equal(json_array_size(json_object_get(first, "tags")), 2);
        assert_string_equal(json_string_value(json_object_get(first, "hidden")), "secret");
        assert_true(json_is_integer(json_object_get(first, "since")));
        assert_true(json_is_array(json_object_get(second, "tags")) &&
                    !json_array_size(json_object_get(second, "tags")));
        /* Members are in the order of the columns, for human readers. */
        assert_true(strstr(text, "\"name\"") < strstr(text, "\"count\"") &&
                    strstr(text, "\"tags\"") < strstr(text, "\"since\""));
        json_decref(all);
        free(text);
        is(piped(new_table(&column_array, true)), "[]\n");
        /* It is JSON on a terminal too. */
        is(shown(new_table(&column_array, true)), "[]\n");
}

static void test_unset(void **state)
{
        struct ec_err err = { 0 };
        struct ec_table *t;
        char *text;

        (void)state;
        for (int json = 0; json < 2; json++) {
                t = new_table(&column_array, json);
                assert_int_equal(table_add_row(t, &err), 0);
                assert_int_equal(table_set_str(t, "name", "x", &err), 0);
                assert_int_equal(table_set_str(t, "tags", "gone", &err), 0);
                assert_int_equal(table_set_str(t, "tags", NULL, &err), 0);
                text = piped(t);
                if (!json) {
                        is(text, "x\t\t\t\t\t\n");
                        continue;
                }
                json_t *all = json_loads(text, 0, NULL), *first = json_array_get(all, 0);

                assert_int_equal(json_object_size(first), 7);
                assert_true(json_is_null(json_object_get(first, "count")) &&
                            json_is_null(json_object_get(first, "tags")));
                json_decref(all);
                free(text);
        }
        /* No trailing blanks. */
        t = new_table(&column_array, false);
        assert_int_equal(table_add_row(t, &err), 0);
        assert_int_equal(table_set_str(t, "name", "x", &err), 0);
        is(shown(t), "NAME  COUNT  UP  SIZE  TAGS  SINCE\nx\n");
}

static const struct ec_column text_column[] = { { .key = "t", .title = "T", .type = EC_COL_STR },
                                                { .key = "l", .title = "L", .type = EC_COL_LIST } };
static const struct ec_array text_array = EC_ARRAY(text_column);

static struct ec_table *texts(const char *t, const char *l, bool json)
{
        struct ec_err err = { 0 };
        struct ec_table *table = new_table(&text_array, json);

        assert_int_equal(table_add_row(table, &err), 0);
        assert_int_equal(table_set_str(table, "t", t, &err), 0);
        assert_int_equal(table_set_str(table, "l", l, &err), 0);
        return table;
}

/* Whatever a name contains: one cell in a pipe, no terminal escapes, valid JSON. */
static void test_hostile(void **state)
{
        const char *bad = "a\tb\nc\r\033[31m\x7f\xc2\x9b\xff\xc3\xa4";

        (void)state;
        is(piped(texts(bad, "", false)), "a\\tb\\nc\\r\\x1b[31m\\x7f\\u009b\\xff\xc3\xa4\t\n");
        is(shown(texts(bad, "", false)),
           "T                                 L\na\\tb\\nc\\r\\x1b[31m\\x7f\\u009b\\xff\xc3\xa4\n");
        is(piped(texts("", "\n\na\n\nb\n", false)), "\t,a,b\n");
        is(piped(texts("", "a\nb\nc", false)), "\ta,b,c\n");

        char *text = piped(texts(bad, "x\n\n\xff", true));
        json_t *all = json_loads(text, 0, NULL), *first = json_array_get(all, 0);

        assert_non_null(all);
        assert_string_equal(json_string_value(json_object_get(first, "t")),
                            "a\tb\nc\r\033[31m\x7f\xc2\x9b\xef\xbf\xbd\xc3\xa4");
        assert_int_equal(json_array_size(json_object_get(first, "l")), 2);
        assert_string_equal(json_string_value(json_array_get(json_object_get(first, "l"), 1)), "\xef\xbf\xbd");
        json_decref(all);
        free(text);
}

/* The width is counted in columns of the terminal, not in bytes. */
static void test_width(void **state)
{
        struct ec_err err = { 0 };
        struct ec_table *t = new_table(&text_array, false);

        (void)state;
        assert_int_equal(table_add_row(t, &err), 0);
        assert_int_equal(table_set_str(t, "t", "\xe5\xae\xb9\xe5\x99\xa8", &err), 0); /* two characters, four columns */
        assert_int_equal(table_set_str(t, "l", "x", &err), 0);
        assert_int_equal(table_add_row(t, &err), 0);
        assert_int_equal(table_set_str(t, "t", "\xc3\xa4", &err), 0);
        assert_int_equal(table_set_str(t, "l", "y", &err), 0);
        is(shown(t), "T     L\n\xe5\xae\xb9\xe5\x99\xa8  x\n\xc3\xa4     y\n");
}

static void test_sizes(void **state)
{
        static const struct {
                int64_t n;
                const char *text;
        } sizes[] = {
                { 0, "0 B" },
                { 1023, "1023 B" },
                { 1024, "1.0 KiB" },
                { 1024 * 1024 - 1, "1.0 MiB" },
                { 1024 * 1024, "1.0 MiB" },
                { INT64_C(5) << 30, "5.0 GiB" },
                { INT64_MAX, "8.0 EiB" },
                { -1, "-1 B" },
        };
        static const struct ec_column column[] = { { .key = "s", .title = "S", .type = EC_COL_SIZE } };
        static const struct ec_array array = EC_ARRAY(column);

        (void)state;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
                struct ec_err err = { 0 };
                struct ec_table *t = new_table(&array, false);
                char *got;

                assert_int_equal(table_add_row(t, &err), 0);
                assert_int_equal(table_set_int(t, "s", sizes[i].n, &err), 0);
                got = shown(t);
                if (!strstr(got, sizes[i].text))
                        fail_msg("%lld is shown as %s", (long long)sizes[i].n, got);
                free(got);
        }
}

static void test_misuse(void **state)
{
        static const struct ec_column no_key[] = { { .title = "X" } },
                                      odd[] = { { .key = "x", .type = EC_COL_TIME + 1 } };
        struct ec_err err = { 0 };
        struct ec_array a = EC_ARRAY(no_key);
        struct ec_table *t = NULL;

        (void)state;
        assert_int_equal(table_create(&a, false, &t, &err), -EINVAL);
        assert_err(&err, -EINVAL, "column 1");
        a = (struct ec_array){ odd, 1, sizeof(odd[0]) };
        assert_int_equal(table_create(&a, false, &t, &err), -EINVAL);
        assert_err(&err, -EINVAL, "unknown type");
        a.count = 0;
        assert_int_equal(table_create(&a, false, &t, &err), -EINVAL);
        err_done(&err);
        a = (struct ec_array){ odd, 1, 3 };
        assert_int_equal(table_create(&a, false, &t, &err), -EINVAL);
        err_done(&err);
        assert_null(t);

        t = new_table(&column_array, false);
        assert_int_equal(table_set_str(t, "name", "x", &err), -EINVAL);
        assert_err(&err, -EINVAL, "no row yet");
        assert_int_equal(table_add_row(t, &err), 0);
        assert_int_equal(table_set_str(t, "nome", "x", &err), -EINVAL);
        assert_err(&err, -EINVAL, "no column 'nome'");
        assert_int_equal(table_set_str(t, "count", "x", &err), -EINVAL);
        assert_err(&err, -EINVAL, "does not take text");
        assert_int_equal(table_set_int(t, "tags", 1, &err), -EINVAL);
        assert_err(&err, -EINVAL, "does not take numbers");
        table_free(t);
        table_free(NULL);
}

static void test_many_rows(void **state)
{
        struct ec_table *t = new_table(&column_array, false);
        size_t lines = 0;
        char *got;

        (void)state;
        for (int i = 0; i < 1000; i++)
                row(t, "n", i, 1, 1, "x");
        got = piped(t);
        for (char *p = got; (p = strchr(p, '\n')); p++)
                lines++;
        assert_int_equal(lines, 1000);
        assert_non_null(strstr(got, "\nn\t999\t"));
        free(got);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pipe),      cmocka_unit_test(test_terminal), cmocka_unit_test(test_fold),
                cmocka_unit_test(test_json),      cmocka_unit_test(test_unset),    cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_width),     cmocka_unit_test(test_sizes),    cmocka_unit_test(test_misuse),
                cmocka_unit_test(test_many_rows),
        };
        return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
