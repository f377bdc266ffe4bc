/* SPDX-License-Identifier: MIT */
#include "util/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"

/* A container that could not start has given some back. To ask for inotify instances uses them for a moment, so a few
 * must do. */
#define SPARE_INOTIFY 5
#define SPARE_PTYS    8

static const char files_hint[] =
        "the host may not open more files; raise its limit, for example with 'sysctl fs.file-max=1000000'";
/* Debian's kernels allow 128 for all containers together, and each needs about four. */
static const char inotify_hint[] =
        "the host has too few inotify instances for so many containers; raise the limit, for "
        "example with 'sysctl fs.inotify.max_user_instances=4096'";
static const char ptys_hint[] =
        "the host may not open more terminals; raise the limit, for example with 'sysctl kernel.pty.max=8192'";

const char *limits_hint(int r)
{
        switch (r) {
        case -EMFILE:
                return "the program may not open more files; raise its limit, for example with 'ulimit -n 4096'";
        case -ENFILE:
                return files_hint;
        default:
                return NULL;
        }
}

/* The kernel has the same error for each of these limits. */
const char *limits_fork_text(int r)
{
        if (r != -EAGAIN)
                return strerror(-r);
        return "the limit of processes is reached, which is one of 'ulimit -u', TasksMax= of a unit or slice, 'sysctl "
               "kernel.pid_max' and 'sysctl kernel.threads-max'";
}

/* The kernel tells how many there may be, but not how many there are. */
static bool inotify_is_scarce(void)
{
        int fds[SPARE_INOTIFY], n = 0, probe = -1;
        bool scarce;

        while (n < SPARE_INOTIFY && (fds[n] = inotify_init1(IN_CLOEXEC)) >= 0)
                n++;
        scarce = n < SPARE_INOTIFY && errno == EMFILE;
        /* This process has a limit of its own, with the same error. */
        if (scarce)
                probe = memfd_create("extra-container", MFD_CLOEXEC);
        scarce = scarce && probe >= 0;
        if (probe >= 0)
                close(probe);
        while (n)
                close(fds[--n]);
        return scarce;
}

/* The numbers of such a file; the rest is 0. */
static void read_numbers(const char *proc_sys, const char *name, uint64_t ret[static 3])
{
        _cleanup_free_ char *path = fs_join(proc_sys, name), *text = NULL;

        ret[0] = ret[1] = ret[2] = 0;
        if (path && fs_read(path, 4096, &text, NULL) >= 0)
                /* NOLINTNEXTLINE(cert-err34-c): the kernel prints numbers */
                (void)sscanf(text, "%" SCNu64 "%" SCNu64 "%" SCNu64, &ret[0], &ret[1], &ret[2]);
}

static bool ptys_are_scarce(const char *proc_sys)
{
        uint64_t now[3], max[3], reserve[3];

        read_numbers(proc_sys, "kernel/pty/nr", now);
        read_numbers(proc_sys, "kernel/pty/max", max);
        read_numbers(proc_sys, "kernel/pty/reserve", reserve);
        return max[0] && now[0] + reserve[0] + SPARE_PTYS > max[0];
}

/* Allocated, unused, maximum. */
static bool files_are_scarce(const char *proc_sys)
{
        uint64_t n[3];

        read_numbers(proc_sys, "fs/file-nr", n);
        return n[2] && n[0] >= n[2] - n[2] / 16;
}

/* Of "0.52 0.58 0.59 2/1234 5678", the number of all threads. */
static bool processes_are_scarce(const char *proc_sys)
{
        _cleanup_free_ char *path = fs_join(proc_sys, "../loadavg"), *text = NULL;
        uint64_t max[3], threads[3], now;
        const char *slash;

        read_numbers(proc_sys, "kernel/pid_max", max);
        read_numbers(proc_sys, "kernel/threads-max", threads);
        if (!path || fs_read(path, 4096, &text, NULL) < 0 || !(slash = strchr(text, '/')))
                return false;
        now = strtoull(slash + 1, NULL, 10);
        return (max[0] && now >= max[0] - max[0] / 16) || (threads[0] && now >= threads[0] - threads[0] / 16);
}

const char *limits_reached(const char *proc_sys)
{
        if (inotify_is_scarce())
                return inotify_hint;
        if (ptys_are_scarce(proc_sys))
                return ptys_hint;
        if (processes_are_scarce(proc_sys))
                return "the limit of processes of the host is reached, which is one of 'sysctl kernel.pid_max' and "
                       "'sysctl kernel.threads-max'";
        return files_are_scarce(proc_sys) ? files_hint : NULL;
}
