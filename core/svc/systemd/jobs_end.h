/* SPDX-License-Identifier: MIT */
#pragma once
/* How the wait for jobs ends early. */
#include "svc/systemd/jobs_item.h"

/* After an interruption: replaces each start by a stop, so that no half-started unit stays. Stops continue. */
void jobs_cancel(struct engine *e);
/* Ends what does not stop after that: gently the first time, then by force. */
int jobs_kill_cancelled(struct engine *e);
/* Gives up what is still there. */
void jobs_leave_cancelled(struct engine *e);
/* With JOB_START_DETACH, ^C ends the wait and not the command. */
bool jobs_may_detach(const struct engine *e);
/* Does not wait for the last jobs of the units. Those that have not been queued yet are queued first. */
void jobs_detach(struct engine *e);
/* Begins the time that the start or the stop of a unit may take. */
void jobs_begin_limit(struct item *i);
/* The time of the unit whose limit comes first. */
uint64_t jobs_next_limit(const struct engine *e);
/* Handles the units whose time is over: stops are ended, starts continue without us. */
int jobs_check_limits(struct engine *e);
