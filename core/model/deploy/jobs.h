/* SPDX-License-Identifier: MIT */
#pragma once
#include "svc/systemd/jobs.h"
struct ec_err;
struct ec_op;
struct group;
struct outcome;
/* Prints the header and the names: lines of the result. Nothing if the group is empty. */
void jobs_announce(const struct ec_op *op, const char *header, const struct group *g);
/* From the options --no-block and --timeout; ret may be NULL. -EINVAL: one of them is wrong. */
int jobs_limits(const struct ec_op *op, struct job_limits *ret, struct ec_err *err);
/* Queues the jobs of all containers at once and waits. Failures are added to the outcome; the other jobs continue. 1:
 * with JOB_START_DETACH or --no-block, some are still starting or stopping. */
int jobs_run(struct ec_op *op, enum unit_job job, const struct group *g, struct outcome *o, struct ec_err *err);
