/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>

#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

uint64_t clock_usec(void);          /* CLOCK_MONOTONIC: for deadlines and durations */
uint64_t clock_realtime_usec(void); /* CLOCK_REALTIME: for what others wrote, such as the journal */

/* A duration for people, with the two largest units that count: "3min 2s", "450ms". */
#define CLOCK_SPAN_MAX 64
const char *clock_span(uint64_t usec, char buf[static CLOCK_SPAN_MAX]);

/* How long poll() may wait, in ms and rounded up: 0 once the deadline has passed, -1 for UINT64_MAX. */
int clock_timeout_ms(uint64_t deadline_usec);
