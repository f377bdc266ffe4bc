/* SPDX-License-Identifier: MIT */
#include "util/clock.h"

#include <limits.h>
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
