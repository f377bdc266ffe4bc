/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* The first process of a container. The descriptor keeps it apart from a later process with the same number. */
struct leader {
        uint32_t pid;
        int fd; /* pidfd */
};
#define LEADER_NONE   \
        {             \
                0, -1 \
        }
/* A process ID of somewhere may be that of another process by now: only one of this unit, container@NAME.service, is
 * accepted. -ESRCH: it has ended. -EXDEV: it is not in that container. -EAGAIN: it is still systemd-nspawn's. */
int leader_open(uint32_t pid, const char *unit, struct leader *ret);
void leader_close(struct leader *l);
bool leader_ended(const struct leader *l);
/* Its root directory, O_PATH. -ESRCH: it has ended. */
int leader_open_root(const struct leader *l);
/* /proc/PID, O_PATH. After its end, nothing can be opened in it. -ESRCH: it has ended. */
int leader_open_proc(const struct leader *l);
/* A file below /proc/PID. -ESRCH: it has ended. */
int leader_read(const struct leader *l, const char *file, char **ret);
/* 1: its namespace of this kind, as in /proc/PID/ns, is not ours; 0. -ESRCH: it has ended. */
int leader_other_namespace(const struct leader *l, const char *kind);
