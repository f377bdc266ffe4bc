/* SPDX-License-Identifier: MIT */
#include "util/clock.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

static uint64_t now(clockid_t id)
{
        struct timespec ts;

        clock_gettime(id, &ts);
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

uint64_t clock_usec(void)
{
        return now(CLOCK_MONOTONIC);
}

uint64_t clock_realtime_usec(void)
{
        return now(CLOCK_REALTIME);
}

const char *clock_span(uint64_t usec, char buf[static CLOCK_SPAN_MAX])
{
        static const struct {
                const char *name;
                uint64_t ms;
        } units[] = { { "y", UINT64_C(31557600000) },
                      { "month", UINT64_C(2629800000) },
                      { "w", 604800000 },
                      { "d", 86400000 },
                      { "h", 3600000 },
                      { "min", 60000 },
                      { "s", 1000 },
                      { "ms", 1 } };
        uint64_t ms = usec / USEC_PER_MSEC;
        size_t i = 0, n = sizeof(units) / sizeof(*units);

        while (i + 1 < n && ms < units[i].ms)
                i++;
        /* "0s" */
        if (!ms)
                i = n - 2;
        /* Milliseconds only matter alone. */
        if (i + 2 < n && ms % units[i].ms >= units[i + 1].ms)
                snprintf(buf, CLOCK_SPAN_MAX, "%" PRIu64 "%s %" PRIu64 "%s", ms / units[i].ms, units[i].name,
                         ms % units[i].ms / units[i + 1].ms, units[i + 1].name);
        else
                snprintf(buf, CLOCK_SPAN_MAX, "%" PRIu64 "%s", ms / units[i].ms, units[i].name);
        return buf;
}

int clock_timeout_ms(uint64_t deadline_usec)
{
        uint64_t at = clock_usec(), ms;

        if (deadline_usec == UINT64_MAX)
                return -1;
        if (deadline_usec <= at)
                return 0;
        ms = (deadline_usec - at + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
        return ms > INT_MAX ? INT_MAX : (int)ms;
}
