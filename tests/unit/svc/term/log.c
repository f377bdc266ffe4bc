/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "svc/term/log.h"
#include "svc/term/term.h"

static int setup(void **state)
{
        (void)state;
        log_set_level(LOG_NOTICE);
        setenv("TERM", "xterm", 1);
        unsetenv("NO_COLOR");
        return 0;
}

static void all_levels(void)
{
        log_msg(LOG_ERR, "e %d", 1);
        log_warn("w");
        log_notice("n");
        log_info("i");
        log_debug("d");
}

static void is(char *got, const char *want)
{
        assert_string_equal(got, want);
        free(got);
}

static void test_levels(void **state)
{
        static const struct {
                int level;
                const char *text;
        } levels[] = {
                { LOG_ERR, "error: e 1\n" },
                { LOG_NOTICE, "error: e 1\nwarning: w\nn\n" },
                { LOG_INFO, "error: e 1\nwarning: w\nn\ni\n" },
                { LOG_DEBUG, "error: e 1\nwarning: w\nn\ni\nd\n" },
        };

        (void)state;
        assert_int_equal(log_level(), LOG_NOTICE);
        for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
                struct capture c;

                log_set_level(levels[i].level);
                assert_int_equal(log_level(), levels[i].level);
                capture_begin(&c, STDERR_FILENO);
                all_levels();
                is(capture_end(&c), levels[i].text);
        }
}

static void test_lines(void **state)
{
        struct capture c;

        (void)state;
        capture_begin(&c, STDERR_FILENO);
        log_notice("ends itself\n");
        log_notice("%s", "");
        log_notice("two\nlines");
        is(capture_end(&c), "ends itself\n\ntwo\nlines\n");
}

/* Parts of a message may come from a container. */
static void test_escapes(void **state)
{
        struct terminal t;

        (void)state;
        terminal_begin(&t, STDERR_FILENO, 80);
        log_notice("%s", "a\033]0;title\ab\033[8mhidden\033[0m\033[1Ac\rd\b\302\2332J\nnext\tline \377");
        is(terminal_end(&t), "abhiddencd2J\r\nnext\tline ?\r\n");
}

static void test_colour(void **state)
{
        struct terminal t;

        (void)state;
        terminal_begin(&t, STDERR_FILENO, 80);
        all_levels();
        is(terminal_end(&t), "\033[1;31merror:\033[0m e 1\r\n\033[1;35mwarning:\033[0m w\r\nn\r\n");
        setenv("NO_COLOR", "1", 1);
        terminal_begin(&t, STDERR_FILENO, 80);
        all_levels();
        is(terminal_end(&t), "error: e 1\r\nwarning: w\r\nn\r\n");
}

static void test_above_progress(void **state)
{
        struct terminal t;

        (void)state;
        terminal_begin(&t, STDERR_FILENO, 80);
        term_progress("busy");
        log_info("not shown, so nothing is cleared");
        log_notice("news");
        is(terminal_end(&t), "\rbusy\033[K\r\033[Knews\r\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_levels, setup),         cmocka_unit_test_setup(test_lines, setup),
                cmocka_unit_test_setup(test_escapes, setup),        cmocka_unit_test_setup(test_colour, setup),
                cmocka_unit_test_setup(test_above_progress, setup),
        };
        return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
