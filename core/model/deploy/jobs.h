/* SPDX-License-Identifier: MIT */
#pragma once
#include "svc/systemd/jobs.h"
struct ec_err;
struct ec_op;
struct group;
struct outcome;
/* Prints the header and the names: lines of the result. Nothing if the group is empty. */
void jobs_announce(const struct ec_op *op, const char *header, const struct group *g);
/* Queues the jobs of all containers at once and waits. Failures are added to the outcome; the other jobs continue. 1:
 * with JOB_START_DETACH, some are still starting. */
int jobs_run(struct ec_op *op, enum unit_job job, const struct group *g, struct outcome *o, struct ec_err *err);
