/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <systemd/sd-bus.h>

/* Why a unit does not run after its start. */
struct unit_failure {
        char *result;      /* property Result, "" if not known; owned */
        bool main_process; /* its main process had started, and failed */
        char *reason;      /* one sentence; owned */
};
/* Does a unit run whose start job is "done"? 1 or 0. A unit whose condition is not met, or that has ended already, does
 * not. 1 if the manager does not say. -ECANCELED, -ENOMEM or -ECONNRESET. */
int unit_runs(sd_bus *bus, const char *unit);
/* Asks the manager why; job_result is that of JobRemoved. Facts that are not known are omitted. -ECANCELED or
 * -ENOMEM. */
int unit_failure_read(sd_bus *bus, const char *unit, const char *job_result, struct unit_failure *ret);
void unit_failure_done(struct unit_failure *f);
