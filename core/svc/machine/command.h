/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "svc/machine/leader.h"
#include "svc/machine/pty.h"
#include "svc/machine/streams.h"
#include "svc/machine/user.h"
#include "util/helper.h"

/* One command in a container, while it runs: its streams, its time limit, and how it is ended. */
struct systemd;

enum exec_stage { EXEC_RUNS, EXEC_ASKED, EXEC_TERMED, EXEC_KILLED, EXEC_LEFT };

struct exec {
        struct systemd *s;
        const char *name; /* of the container */
        char *unit;       /* its unit on the host */
        struct leader leader;
        const char *label; /* the command, for messages */
        char **argv, **env;
        char *cwd;
        bool cwd_optional, tty;
        uint64_t find_until; /* how long to wait for a starting container */
        struct helper look;  /* looks at the container's files */
        struct machine_user user;
        int fds[3];              /* the container's ends of its streams; -1: it has a terminal */
        struct streams *streams; /* one of these */
        struct pty *pty;
        char *tty_path;    /* of the terminal, in the container */
        uint64_t deadline; /* UINT64_MAX: none */
        uint32_t timeout_ms;

        /* How it is ended. */
        enum exec_stage stage;
        uint64_t next_stage;
        int signal;  /* to be sent next; 0: none */
        int sent;    /* the first that was sent */
        int failure; /* -ECANCELED, -ETIMEDOUT; 0: none */
};

#define EXEC_FDS (2 + STREAMS_FDS) /* bus or child, interruption, streams or terminal */
/* Fills fds[1] and the following; fds[0] is the caller's. */
void exec_fill(struct exec *x, struct pollfd fds[static EXEC_FDS]);
/* Fills them for a command that does not run yet, for which its input is kept. -errno: it is to end. */
static inline int exec_fill_waiting(struct exec *x, struct pollfd fds[static EXEC_FDS])
{
        exec_fill(x, fds);
        for (size_t i = 2; i < EXEC_FDS; i++)
                fds[i].fd = -1;
        return x->stage == EXEC_RUNS ? 0 : x->failure;
}
/* Handles these descriptors and the time limits; then see x->signal and x->stage. */
void exec_handle(struct exec *x, const struct pollfd fds[static EXEC_FDS]);
uint64_t exec_deadline(const struct exec *x, uint64_t other);
