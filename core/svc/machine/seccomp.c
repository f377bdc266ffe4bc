/* SPDX-License-Identifier: MIT */
#include "svc/machine/seccomp.h"

#include <errno.h>
#include <linux/bpf_common.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"

#define STOP_TIMEOUT (10 * USEC_PER_SEC)
#define FILTERS_MAX  64 /* systemd-nspawn installs five */

/* Returns the signal that it was about to get, with which it must continue; 0: none. */
static int wait_stopped(pid_t pid)
{
        uint64_t until = clock_usec() + STOP_TIMEOUT, now;
        sigset_t chld;

        sigemptyset(&chld);
        sigaddset(&chld, SIGCHLD);
        for (;;) {
                int status;
                pid_t k = waitpid(pid, &status, __WALL | WNOHANG);

                if (k < 0)
                        return -errno;
                if (k > 0 && WIFSTOPPED(status))
                        return status >> 16 ? 0 : WSTOPSIG(status);
                if (k > 0)
                        return -ESRCH;
                now = clock_usec();
                if (now >= until)
                        return -ETIMEDOUT;
                (void)sigtimedwait(&chld, NULL,
                                   &(struct timespec){ .tv_sec = (time_t)((until - now) / USEC_PER_SEC) + 1 });
        }
}

static int add(struct seccomp_filters *f, const struct sock_filter *code, size_t n)
{
        struct sock_fprog *items = reallocarray(f->items, f->n + 1, sizeof(*items));
        struct sock_filter *copy;

        if (!items)
                return -ENOMEM;
        f->items = items;
        copy = malloc(n * sizeof(*copy));
        if (!copy)
                return -ENOMEM;
        memcpy(copy, code, n * sizeof(*copy));
        f->items[f->n++] = (struct sock_fprog){ .len = (unsigned short)n, .filter = copy };
        return 0;
}

/* The oldest comes first. */
static int read_filters(pid_t pid, struct seccomp_filters *f)
{
        _cleanup_free_ struct sock_filter *code = calloc(BPF_MAXINSNS, sizeof(*code));

        if (!code)
                return -ENOMEM;
        for (size_t i = 0; i <= FILTERS_MAX; i++) {
                long n = syscall(SYS_ptrace, PTRACE_SECCOMP_GET_FILTER, pid, i, code);
                int r;

                if (n < 0)
                        return errno == ENOENT || errno == EACCES || errno == EINVAL ? 0 : -errno;
                r = add(f, code, (size_t)n);
                if (r < 0)
                        return r;
        }
        return -E2BIG;
}

int seccomp_copy(const struct leader *l, struct seccomp_filters *ret)
{
        pid_t pid = (pid_t)l->pid;
        int r, sig;

        *ret = (struct seccomp_filters){ 0 };
        if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 || ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
                return -errno;
        sig = wait_stopped(pid);
        if (sig < 0)
                return sig;
        r = leader_ended(l) ? -ESRCH : read_filters(pid, ret);
        if (syscall(SYS_ptrace, PTRACE_DETACH, pid, 0L, (long)sig) < 0 && r >= 0)
                r = -errno;
        return r;
}

int seccomp_install(const struct seccomp_filters *f)
{
        for (size_t i = 0; i < f->n; i++) {
                long k = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f->items[i]);

                /* A container may lack CAP_SYS_ADMIN. */
                if (k < 0 && errno == EACCES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) >= 0)
                        k = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f->items[i]);
                if (k < 0)
                        return -errno;
        }
        return 0;
}
