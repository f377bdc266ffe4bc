/* SPDX-License-Identifier: MIT */
#include "svc/process/children.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

#define LIST_MAX ((size_t)64 << 10)

static char **list(pid_t parent)
{
        _cleanup_free_ char *path = str_printf("/proc/%d/task/%d/children", parent, parent), *text = NULL;

        return path && fs_read(path, LIST_MAX, &text, NULL) >= 0 ? strv_split(text, " \n") : NULL;
}

void proc_signal_children(pid_t parent, int sig)
{
        _cleanup_strv_ char **children = parent > 0 ? list(parent) : NULL;

        for (char **c = children; c && *c; c++) {
                _cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, (pid_t)strtol(*c, NULL, 10), 0);
                _cleanup_strv_ char **again = fd < 0 ? NULL : list(parent);

                /* If it is still a child, its ID has not been reused before it was opened. */
                if (again && strv_contains(STRV_CONST(again), *c))
                        (void)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0);
        }
}
