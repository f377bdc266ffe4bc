/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct group;
struct systemd;
/* A line on the terminal while jobs of containers run: how many are done, and what the others wait for. */
struct progress {
        const char *verb; /* "starting" */
        bool start;       /* or stop: whose limit applies */
        const struct group *group;
        bool *done;       /* one per container, in the same order */
        uint64_t *limits; /* usec; 0: not known yet */
        uint64_t begin;
};
int progress_init(struct progress *p, const char *verb, bool start, const struct group *g); /* -ENOMEM */
void progress_done(struct progress *p);
/* Asks systemd for limits and states, if there is a terminal. s may be NULL: asks for nothing. */
void progress_show(const struct progress *p, struct systemd *s);
/* The unit whose start a system waits for, by the status that it sends: a part of *text, *ret_len long; or NULL. */
const char *progress_waits_for(const char *text, size_t *ret_len);
