/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <systemd/sd-bus.h>

/* Why a job of a unit failed. */
struct unit_failure {
        char *result;      /* property Result, "" if not known; owned */
        bool main_process; /* its main process had started, and failed */
        char *reason;      /* one sentence; owned */
};
/* Asks the manager why; job_result is that of JobRemoved. Facts that are not known are omitted. -ECANCELED or
 * -ENOMEM. */
int unit_failure_read(sd_bus *bus, const char *unit, const char *job_result, struct unit_failure *ret);
void unit_failure_done(struct unit_failure *f);
