/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
struct systemd;
/* machined, and the system inside a container. */
int machine_running(struct systemd *s, const char *name, struct ec_err *err); /* 1 or 0: registered with machined */
/* Looks for the file of machined instead of asking it. */
bool machine_registered(const char *name);
/* 1, and the host's unit that a machine belongs to, "" if it has none; 0: no such machine. */
int machine_unit(struct systemd *s, const char *name, char **ret, struct ec_err *err);
int machine_leader(struct systemd *s, const char *name, uint32_t *ret_pid, struct ec_err *err);
int machine_terminate(struct systemd *s, const char *name,
                      struct ec_err *err); /* 0 if there is none; waits until it is gone */
/* 1: removed a registration whose processes have all ended; otherwise 0. */
int machine_clear_stale(struct systemd *s, const char *name);
/* 1: removed a mount of a killed systemd-nspawn (256 or later), which prevents another start; otherwise 0. */
int machine_clear_mount(const char *name);
/* Like exec of plugin.h. -EHOSTDOWN: not running; -ECONNRESET: it stopped meanwhile; -ETIMEDOUT. */
int machine_exec(struct systemd *s, const struct ec_exec *x, int32_t *ret_status, struct ec_err *err);
/* Reads a regular file as the processes of a running container see it, NUL-terminated. -ENOENT; -EFBIG; -EHOSTDOWN;
 * -ETIMEDOUT: a file system of the container does not answer. */
int machine_read_file(struct systemd *s, const char *name, const char *path, size_t max, char **ret,
                      struct ec_err *err);
/* One of several commands. */
struct machine_command {
        const struct ec_exec *exec;
        /* Gets each line of its output, up to a limit, instead of exec->fds; or NULL. It delays the other commands, and
         * so writes with term_queue(). */
        void (*line)(void *data, const char *line);
        void *data;
        struct ec_err *err; /* set if it fails */
        int result;         /* as machine_exec() returns it, */
        int32_t status;     /* and what it sets */
};
/* Runs the commands in parallel, a limited number at once, and waits for all of them. */
int machine_exec_many(struct systemd *s, struct machine_command *commands, size_t n, struct ec_err *err);
/* Names of failed units in several containers, asked at the same time. */
struct machine_failed {
        const char *name;
        char **units;  /* the caller's; NULL: none */
        bool answered; /* a container that does not answer is reported elsewhere */
        bool ended;    /* its init has ended meanwhile */
};
int machine_failed_units_many(struct systemd *s, struct machine_failed *v, size_t n, struct ec_err *err);
/* Names of failed units inside, NULL if there are none. 1: the container does not answer, *ret is NULL. */
int machine_failed_units(struct systemd *s, const char *name, char ***ret, struct ec_err *err);
