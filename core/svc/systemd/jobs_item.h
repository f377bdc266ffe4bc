/* SPDX-License-Identifier: MIT */
#pragma once
/* One job of several, for jobs.c and jobs_end.c. */
#include <systemd/sd-bus.h>

#include "svc/systemd/jobs.h"

enum job_phase {
        PHASE_STOP,
        PHASE_STOPPED, /* its stop job is done; find out how it ended */
        PHASE_START,
        PHASE_ASK,    /* its start job has ended; find out whether it runs, or else why not */
        PHASE_TELL,   /* its result is known; tell the caller */
        PHASE_CANCEL, /* interrupted: its start is undone */
        PHASE_DONE,
};

struct item {
        struct engine *e;
        struct unit_result *res;
        enum job_phase phase;
        bool wants_call;   /* the next call of its phase is still to be sent */
        sd_bus_slot *call; /* sent, without a reply yet */
        char *job;         /* object path of the job that is awaited */
        char *job_result;  /* of the start job that has ended */
        char **early;      /* jobs that were removed before the reply told us which is ours, each with its result */
        uint64_t since;    /* realtime of its start, to read the journal from */
        uint64_t asked;    /* when its stop was sent */
        uint64_t until;    /* how long its start or stop may take; UINT64_MAX: without a limit */
        uint64_t resend;   /* systemd reconnects: the call is sent again until then */
        unsigned stops;    /* how often its stop was sent */
        bool retried;
        bool waits; /* its start was replaced by the stop of another unit that it requires: it comes after all stops */
        bool referred;    /* systemd keeps it loaded for us */
        bool asked_again; /* its main process got a second SIGTERM */
        bool ended;       /* because its stop took too long */
};

struct engine {
        struct systemd *s;
        sd_bus *bus;
        enum unit_job kind;
        struct item *items;
        size_t n, left, calls, refs, next;
        struct job_hooks hooks;
        struct job_limits limits;
        bool cancelled, detached;
        bool told;        /* systemd got messages without a reply */
        bool asked_again; /* after ^C: the main processes got a second SIGTERM */
        uint64_t next_check, next_tick;
        uint64_t resume_at;           /* systemd reconnects: no call is sent until then; otherwise UINT64_MAX */
        uint64_t kill_at, give_up_at; /* after ^C; before: UINT64_MAX */
        int failure;                  /* of a callback: -ENOMEM */
};

/* The next call of the phase is sent by the loop. */
void item_to_phase(struct item *i, enum job_phase phase, bool wants_call);
/* Takes reason. */
void item_finish(struct item *i, int code, char *reason);
/* Tells the caller in which state an interruption leaves the unit. */
void item_left(struct item *i, bool stopped);
/* systemd-nspawn passes the first SIGTERM on; at the second, it kills the container and cleans up. */
int item_ask_again(const struct item *i);
/* Everything in the unit gets SIGKILL. */
int item_kill(const struct item *i);
