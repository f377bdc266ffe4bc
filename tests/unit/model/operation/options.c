/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/operation/options.h"
#include "util/err.h"
#include "util/strv.h"

static const struct ec_option own[] = {
        { .name = "start", .help = "x", .short_name = 's' },
        { .name = "restart-changed", .help = "x", .short_name = 'r' },
        { .name = "run",
          .metavar = "CMD...",
          .help = "x",
          .arg = EC_ARG_REST,
          .flags = EC_OPT_FINAL,
          .short_name = 'R' },
        { .name = "host", .metavar = "HOST", .help = "x", .arg = EC_ARG_ONE, .short_name = 'h' },
        { .name = "tag", .metavar = "TAG", .help = "x", .arg = EC_ARG_ONE, .flags = EC_OPT_REPEAT, .short_name = 't' },
        { .name = "limit", .metavar = "TIME", .help = "x", .arg = EC_ARG_ONE, .type = "duration" },
        { .name = "zzz-internal", .help = "x", .flags = EC_OPT_HIDDEN },
};
static const struct ec_option core[] = {
        { .name = "attr", .metavar = "PATH", .help = "x", .arg = EC_ARG_ONE, .short_name = 'A' },
        { .name = "build-args", .metavar = "ARG...", .help = "x", .arg = EC_ARG_REST, .short_name = 'B' },
        { .name = "help", .help = "x", .short_name = 'h' },
        { .name = "verbose", .help = "x", .short_name = 'v' },
};
static const struct ec_option foreign = { .name = "ssh", .help = "x" };
static const struct ec_option foreign_value = { .name = "key", .metavar = "FILE", .help = "x", .arg = EC_ARG_ONE };

static struct ec_command cmd = { .name = "create" };

static void make_set(struct option_set *set)
{
        *set = (struct option_set){ 0 };
        for (size_t i = 0; i < ARRAY_SIZE(own); i++)
                assert_int_equal(option_set_add(set, &own[i], "mine", true), 0);
        for (size_t i = 0; i < ARRAY_SIZE(core); i++)
                assert_int_equal(option_set_add(set, &core[i], NULL, false), 0);
        assert_int_equal(option_set_add(set, &foreign, "ssh", false), 0);
        assert_int_equal(option_set_add(set, &foreign_value, "ssh", false), 0);
}

#define PARSE(...) parse((const char *[]){ __VA_ARGS__, NULL })
static struct parsed_options *parse(const char *const *argv)
{
        struct parsed_options *p = NULL;
        struct ec_err err = { 0 };
        struct option_set set;

        make_set(&set);
        if (options_parse(&set, &cmd, argv, &p, &err) < 0)
                fail_msg("%s", err_msg(&err));
        option_set_done(&set);
        return p;
}

#define FAIL(message, ...) parse_fails(message, (const char *[]){ __VA_ARGS__, NULL })
static void parse_fails(const char *message, const char *const *argv)
{
        struct parsed_options *p = NULL;
        struct ec_err err = { 0 };
        struct option_set set;

        make_set(&set);
        assert_int_equal(options_parse(&set, &cmd, argv, &p, &err), -EINVAL);
        assert_null(p);
        assert_true(err.usage);
        assert_string_equal(err_msg(&err), message);
        err_done(&err);
        option_set_done(&set);
}

static void assert_words(const char *const *v, const char *expected)
{
        _cleanup_free_ char *s = strv_join(v, "|");

        assert_string_equal(s, expected);
}

static void test_nothing(void **state)
{
        struct parsed_options *p = PARSE(NULL);

        (void)state;
        assert_int_equal(options_is_set(p, "start"), 0);
        assert_int_equal(options_is_set(p, "no-such-option"), 0);
        assert_null(options_value(p, "attr"));
        assert_null(options_values(p, "attr")[0]);
        assert_null(options_args(p)[0]);
        options_free(p);
        options_free(NULL);
        assert_int_equal(options_is_set(NULL, "start"), 0);
        assert_null(options_value(NULL, "start"));
        assert_null(options_args(NULL)[0]);
}

static void test_long(void **state)
{
        struct parsed_options *p = PARSE("web.nix", "--start", "--attr=a.b=c", "db", "--key", "-f", "--ssh", "--tag",
                                         "1", "--tag=2");

        (void)state;
        assert_int_equal(options_is_set(p, "start"), 1);
        assert_string_equal(options_value(p, "attr"), "a.b=c");
        assert_string_equal(options_value(p, "key"), "-f");
        assert_int_equal(options_is_set(p, "ssh"), 1);
        assert_int_equal(options_is_set(p, "tag"), 2);
        assert_string_equal(options_value(p, "tag"), "2");
        assert_words(options_values(p, "tag"), "1|2");
        assert_words(options_args(p), "web.nix|db");
        options_free(p);
}

static void test_duration(void **state)
{
        struct parsed_options *p = PARSE("--limit", "1min 500ms");

        (void)state;
        assert_int_equal(options_ms(p, "limit"), 60500);
        options_free(p);
        p = PARSE("x");
        assert_int_equal(options_ms(p, "limit"), 0);
        options_free(p);
}

static void test_short(void **state)
{
        struct parsed_options *p = PARSE("-sr", "-Ax y", "-", "-sA", "z", "-vt1");

        (void)state;
        assert_int_equal(options_is_set(p, "start"), 2);
        assert_int_equal(options_is_set(p, "restart-changed"), 1);
        assert_int_equal(options_is_set(p, "verbose"), 1);
        assert_string_equal(options_value(p, "attr"), "z"); /* the last one wins */
        assert_words(options_values(p, "attr"), "z");
        assert_string_equal(options_value(p, "tag"), "1");
        assert_words(options_args(p), "-");
        options_free(p);
}

/* A command's own -h is not the core's --help. */
static void test_own_short_first(void **state)
{
        struct parsed_options *p = PARSE("-h", "localhost", "--help");
        struct option_set set;

        (void)state;
        assert_string_equal(options_value(p, "host"), "localhost");
        assert_int_equal(options_is_set(p, "help"), 1);
        options_free(p);

        make_set(&set);
        assert_int_equal(option_set_short(&set, option_set_find(&set, "host", 4)), 'h');
        assert_int_equal(option_set_short(&set, option_set_find(&set, "help", 4)), 0);
        assert_int_equal(option_set_short(&set, option_set_find(&set, "attr", 4)), 'A');
        assert_int_equal(option_set_short(&set, option_set_find(&set, "ssh", 3)), 0);
        assert_null(option_set_find(&set, "hos", 3));
        option_set_done(&set);
}

static void test_empty_values(void **state)
{
        struct parsed_options *p = PARSE("--attr=", "--key", "", "");

        (void)state;
        assert_string_equal(options_value(p, "attr"), "");
        assert_string_equal(options_value(p, "key"), "");
        assert_words(options_args(p), "");
        assert_null(options_args(p)[1]);
        options_free(p);
}

static void test_end(void **state)
{
        struct parsed_options *p = PARSE("a", "--", "--start", "-x", "--", "b");

        (void)state;
        assert_int_equal(options_is_set(p, "start"), 0);
        assert_words(options_args(p), "a|--start|-x|--|b");
        options_free(p);
}

static void test_rest(void **state)
{
        struct parsed_options *p = PARSE("a", "--build-args", "--builders", "ssh://x - - 8", "--start", "--run", "c",
                                         "--run", "-s", "--");

        (void)state;
        assert_words(options_values(p, "build-args"), "--builders|ssh://x - - 8|--start");
        assert_words(options_values(p, "run"), "c|--run|-s|--");
        assert_int_equal(options_is_set(p, "start"), 0);
        assert_words(options_args(p), "a");
        options_free(p);

        p = PARSE("--build-args", "--runner", "run", "-R", "x"); /* only the exact name ends it */
        assert_words(options_values(p, "build-args"), "--runner|run");
        assert_words(options_values(p, "run"), "x");
        options_free(p);

        p = PARSE("--build-args"); /* an empty list, as scripts pass it */
        assert_int_equal(options_is_set(p, "build-args"), 1);
        assert_null(options_values(p, "build-args")[0]);
        options_free(p);

        p = PARSE("--build-args=-K", "--start", "--build-args", "-Q"); /* with = it takes one argument */
        assert_words(options_values(p, "build-args"), "-K|-Q");
        assert_int_equal(options_is_set(p, "start"), 1);
        options_free(p);

        p = PARSE("-sBx", "y", "--run=true");
        assert_words(options_values(p, "build-args"), "x|y");
        assert_words(options_values(p, "run"), "true");
        options_free(p);
}

static void test_words(void **state)
{
        struct parsed_options *p;

        (void)state;
        cmd.flags = EC_CMD_WORDS;
        p = PARSE("-s", "web", "ls", "-l", "--start", "--", "x");
        assert_int_equal(options_is_set(p, "start"), 1);
        assert_words(options_args(p), "web|ls|-l|--start|--|x");
        options_free(p);
        p = PARSE("--", "-web", "-l");
        assert_words(options_args(p), "-web|-l");
        options_free(p);
        cmd.flags = 0;
}

static void test_errors(void **state)
{
        (void)state;
        FAIL("create: unknown option '--strat', did you mean '--start'?", "--strat");
        FAIL("create: unknown option '--strat', did you mean '--start'?", "--strat=x");
        cmd.flags = EC_CMD_DEFINITION;
        FAIL("create: unknown option '--flake'; give the definition alone, as in 'create FILE' or 'create .#NAME'",
             "--flake", ".#web");
        FAIL("create: unknown option '--flake'; give the definition alone, as in 'create FILE' or 'create .#NAME'",
             "--flake=.#web");
        cmd.flags = 0;
        FAIL("create: unknown option '--qqqqqqqqqqq'", "--qqqqqqqqqqq");
        FAIL("create: unknown option '-x'", "-x");
        FAIL("create: unknown option '-I'; options of Nix go after --build-args", "-Ifoo=/bar");
        FAIL("create: unknown option '--max-jobs'; options of Nix go after --build-args", "--max-jobs=4");
        FAIL("create: unknown option '-o'", "-o"); /* not allowed after --build-args either */
        FAIL("create: unknown option '-x'", "-sx");
        FAIL("create: unknown option '-\303\244'", "-\303\244");
        FAIL("create: option '--start' takes no value", "--start=1");
        FAIL("create: option '--start' takes no value", "--start=");
        FAIL("create: option '--attr' needs a value (PATH)", "x", "--attr");
        FAIL("create: option '-A' needs a value (PATH)", "-sA");
        FAIL("create: option '--run' needs a command (CMD...)", "--build-args", "x", "--run");
        FAIL("create: option '--limit' needs a duration, as 10s, 500ms or 2min, not 'soon'", "--limit=soon");
        /* Hidden options work but are never suggested. */
        FAIL("create: unknown option '--zzz-interna'", "--zzz-interna");
        options_free(PARSE("--zzz-internal"));
        /* Plugins' options are not matched by prefix, and have no empty name. */
        FAIL("create: unknown option '--=x'", "--=x");
}

static int knows_better(void *data, const char *word, struct ec_err *err)
{
        if (strcmp(word, data))
                return 0;
        return err_usage(err, "feature x is disabled");
}

static void test_unknown(void **state)
{
        struct option_set set = { .unknown = knows_better, .data = (char[]){ "--wan" } };
        struct parsed_options *p = NULL;
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(options_parse(&set, &cmd, (const char *[]){ "--wan=1", NULL }, &p, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "feature x is disabled");
        err_done(&err);
        assert_int_equal(options_parse(&set, &cmd, (const char *[]){ "--lan", NULL }, &p, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "create: unknown option '--lan'");
        err_done(&err);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_duration),
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_short),
                cmocka_unit_test(test_own_short_first),
                cmocka_unit_test(test_empty_values),
                cmocka_unit_test(test_end),
                cmocka_unit_test(test_rest),
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
