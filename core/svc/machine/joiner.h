/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "svc/machine/command.h"

/* Sent once over the report pipe. Over another one, in the other direction, come int32_t: the first, when no other
 * process has the ends of the joiner, and then signals. */
#define ORDER_GO 0
enum report_kind {
        REPORT_STATUS,
        REPORT_CGROUP,
        REPORT_JOIN,
        REPORT_SECCOMP,
        REPORT_FORK,
        REPORT_TTY,
        REPORT_USER,
        REPORT_CWD,
        REPORT_EXEC,
};
struct report {
        int32_t kind, value; /* an exit status, or an errno */
};
#define REPORT_ERRNO_MAX 4095 /* as in the kernel */
/* Its sender is in the container, which could have taken it over. */
static inline bool report_valid(const struct report *r)
{
        return r->kind == REPORT_STATUS ? r->value >= 0 && r->value <= 255
                                        : r->kind > REPORT_STATUS && r->kind <= REPORT_EXEC && r->value > 0 &&
                                                  r->value <= REPORT_ERRNO_MAX;
}

/* The processes that setns.c makes: the joiner enters the container's namespaces, the supervisor is forked into its PID
 * namespace and waits for the command. */
struct join {
        struct exec *x;
        char *cgroup;                                     /* for the command, in the container's; or NULL */
        char *limits;                                     /* of its resources */
        bool user_ns;                                     /* the container has a user namespace */
        bool filtered;                                    /* system calls are forbidden to it */
        bool no_new_privs;                                /* setuid programs have no effect in it */
        uint64_t bounding;                                /* the container's capabilities */
        struct forward forward;                           /* of the two pipes; */
        int report_from, report_to, order_from, order_to; /* their ends here, and of the joiner */
        pid_t joiner;                                     /* ends as soon as the supervisor runs */
        bool ended, got;                                  /* with a report; without one if it was killed */
        uint64_t clean_until;                             /* after its end, for its processes and cgroup; 0: before */
        struct report report;
};

#define JOIN_INIT(exec)                                                                                     \
        {                                                                                                   \
                .x = (exec), .forward = FORWARD_NONE, .report_from = -1, .report_to = -1, .order_from = -1, \
                .order_to = -1                                                                              \
        }
/* Starts the joiner, which waits for ORDER_GO. */
int joiner_spawn(const struct join *j, pid_t *ret);
