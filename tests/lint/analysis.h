/* SPDX-License-Identifier: MIT */
/* Included before each file that is analyzed: what the analyzers cannot see. */
#pragma once
#include <stdlib.h>

#ifdef ANALYSIS_OF_PLUGIN
#include "common.h"
#else
#include "svc/systemd/bus.h"
#include "util/err.h"
#endif

/* A function that reports a failure returns a negative number. It is in another file, or variadic. */
static inline int analysis_negative(int r)
{
        if (r >= 0)
                __builtin_unreachable();
        return r;
}

#define err_set(...)    analysis_negative(err_set(__VA_ARGS__))
#define err_usage(...)  analysis_negative(err_usage(__VA_ARGS__))
#define err_prefix(...) analysis_negative(err_prefix(__VA_ARGS__))
#define err_oom(...)    analysis_negative(err_oom(__VA_ARGS__))
#define bus_err(...)    analysis_negative(bus_err(__VA_ARGS__))
#define no_memory(...)  analysis_negative(no_memory(__VA_ARGS__))

/* gcc 12 does not know reallocarray(). */
#define reallocarray(p, n, size) realloc(p, (n) * (size))
