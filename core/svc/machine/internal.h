/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "svc/term/pty.h"

/* One command in a container: what machine_exec.c, machine_unit.c and machine_setns.c share. */
struct systemd;

/* ---- machine_user.c ------------------------------------------------------ */

struct machine_user {
        char *name, *home, *shell;
        uid_t uid;
        gid_t gid;
        gid_t *groups; /* also its own */
        size_t n_groups;
};
/* Out of the container's own passwd and group; a name or a number. Root is there without them.
 * -ENOENT: no such user. */
int machine_user_read(int root, const char *name, struct machine_user *ret);
void machine_user_done(struct machine_user *u);

/* ---- machine_exec.c ------------------------------------------------------ */

enum exec_stage { EXEC_RUNS, EXEC_ASKED, EXEC_TERMED, EXEC_KILLED, EXEC_LEFT };

struct exec {
        struct systemd *s;
        const char *name; /* of the container */
        char *unit;       /* its unit on the host */
        uint32_t leader;
        int root;          /* its root directory */
        const char *label; /* the command, for messages */
        char **argv, **env;
        char *cwd;
        bool cwd_optional, tty;
        struct machine_user user;
        bool named_user; /* not root */
        int fds[3];
        int null; /* what stands in for fds that are not there, or -1 */
        struct pty *pty;
        char *tty_path;    /* of the slave, in the container */
        uint64_t deadline; /* UINT64_MAX: none */
        uint32_t timeout_ms;

        /* How it is ended. */
        enum exec_stage stage;
        uint64_t next_stage;
        int signal;  /* that is due to be sent; 0: none */
        int sent;    /* the first that was */
        int failure; /* -ECANCELED, -ETIMEDOUT; 0: none */
};

#define EXEC_FDS (2 + PTY_FDS) /* bus or child, interruption, terminal */
/* Fills fds[1] and on; fds[0] is the caller's. */
void exec_fill(struct exec *x, struct pollfd fds[static EXEC_FDS]);
/* What came on fds[1] and on, and the time. Then look at x->signal and x->stage. */
void exec_handle(struct exec *x, const struct pollfd fds[static EXEC_FDS]);
uint64_t exec_deadline(const struct exec *x, uint64_t other);
/* The host's state of the container's unit: "active" also for a machine without one. NULL: not known. */
char *exec_unit_state(struct exec *x);
bool exec_state_down(const char *state);
int exec_stopped(struct exec *x, struct ec_err *err); /* -ECONNRESET */

/* ---- machine_unit.c ------------------------------------------------------ */

/* The bus of the container, ready. 0: it has none to speak of, 1. */
int exec_connect(struct exec *x, sd_bus **ret, struct ec_err *err);
/* 1: it ran, *ret_status; 0: it cannot be run that way, and was not. */
int exec_transient(struct exec *x, sd_bus **bus, int32_t *ret_status, struct ec_err *err);

/* ---- machine_setns.c ----------------------------------------------------- */

int exec_setns(struct exec *x, int32_t *ret_status, struct ec_err *err);
