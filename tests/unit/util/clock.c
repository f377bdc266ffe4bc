/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <time.h>

#include "capture.h"
#include "util/clock.h"

static void test_clocks(void **state UNUSED)
{
        uint64_t first = clock_usec(), now = (uint64_t)time(NULL) * USEC_PER_SEC;

        assert_true(first > 0);
        assert_true(clock_usec() >= first);
        assert_true(clock_realtime_usec() >= now && clock_realtime_usec() < now + 600 * USEC_PER_SEC);
}

static void test_timeout(void **state UNUSED)
{
        uint64_t now = clock_usec();

        assert_int_equal(clock_timeout_ms(UINT64_MAX), -1);
        assert_int_equal(clock_timeout_ms(UINT64_MAX - 1), INT_MAX);
        assert_int_equal(clock_timeout_ms(0), 0);
        assert_int_equal(clock_timeout_ms(now), 0);
        /* Rounded up, because a poll() that returns before the deadline would only be repeated. */
        assert_in_range(clock_timeout_ms(clock_usec() + 60 * USEC_PER_SEC), 50000, 60000);
}

static void span(uint64_t ms, const char *expected)
{
        char buf[CLOCK_SPAN_MAX];

        assert_string_equal(clock_span(ms * USEC_PER_MSEC, buf), expected);
}

static void test_span(void **state UNUSED)
{
        span(0, "0s");
        span(999, "999ms");
        span(1500, "1s");
        span(182000, "3min 2s");
        span(60000, "1min");
        span(7500000, "2h 5min");
        span(UINT64_C(90061000), "1d 1h");
        span(UINT64_C(31557600000) * 3 + UINT64_C(2629800000) * 2, "3y 2month");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_span),
                cmocka_unit_test(test_clocks),
                cmocka_unit_test(test_timeout),
        };

        return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
