/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>

#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

uint64_t clock_usec(void);          /* CLOCK_MONOTONIC: for deadlines and durations */
uint64_t clock_realtime_usec(void); /* CLOCK_REALTIME: for what others wrote, such as the journal */

/* How long poll() may wait, in ms and rounded up: 0 once the deadline has passed, -1 for UINT64_MAX. */
int clock_timeout_ms(uint64_t deadline_usec);
