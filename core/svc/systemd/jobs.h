/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct ec_err;
struct systemd;

enum unit_job { JOB_START, JOB_STOP, JOB_RESTART, JOB_START_DETACH, JOB_KILL };
struct unit_result {
        const char *unit; /* the caller's string */
        int code;         /* 0, or -errno: its job failed */
        char *reason;     /* one sentence; owned */
};
struct job_limits {
        /* Queue the last job of each unit, and do not wait for it: its code is -EINPROGRESS. */
        bool no_wait;
        /* How long each stop and each start may take (0: without a limit). A stop is ended then; a start continues, and
         * its code is -ETIME. */
        uint64_t usec;
};
struct job_hooks {
        /* Called as each unit's last job ends. */
        void (*done)(void *data, const struct unit_result *r);
        /* Called every second. */
        void (*tick)(struct systemd *s, void *data);
        /* Called when the main process of a start failed with an exit code; true starts the unit once more.
         * `since` is the start's CLOCK_REALTIME. */
        bool (*retry)(struct systemd *s, const char *unit, uint64_t since_usec);
        /* Called from time to time while a unit stops, except with JOB_KILL. */
        void (*stopping)(struct systemd *s, const char *unit);
        /* A unit did not stop in time, so it was killed. */
        void (*killed)(void *data, const char *unit);
        /* After an interruption: the unit was stopped, or its stop continues, and it is not started. Must not use the
         * bus. */
        void (*left)(void *data, const char *unit, bool stopped);
        void *data;
};
/* Queues a job for each unit, then waits for all of them. *ret_results has one entry for each unit; free it with
 * unit_results_done(). 0: all succeeded; 1: at least one failed, see the results; -errno: the bus failed, or the user
 * interrupted, and the remaining jobs were cancelled.
 * JOB_RESTART: a stop job, then a start job. The start limit is reset before each start.
 * JOB_START_DETACH: ^C only ends the wait: units that are still starting continue, with -EINPROGRESS as their code, and
 * the interruption is forgotten.
 * JOB_KILL: a stop without a clean shutdown: the children of the units' main processes are killed at once; a main
 * process that does not end by itself then is killed after some seconds.
 * limits, hooks and its members may be NULL. */
int systemd_jobs(struct systemd *s, enum unit_job job, const char *const *units, const struct job_limits *limits,
                 const struct job_hooks *hooks, struct unit_result **ret_results, struct ec_err *err);
void unit_results_done(struct unit_result *results, size_t n);
