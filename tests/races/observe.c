/* SPDX-License-Identifier: MIT */
/* Preloaded into the program: appends the process ID to the file $RACES_LOG each time the program gets the lock of
 * operations, so that the order of changes is known. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int is_lock(int fd)
{
        static const char lock[] = "/run/extra-container/lock";
        char link[64], path[sizeof(lock)];

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        return readlink(link, path, sizeof(path)) == sizeof(lock) - 1 && !memcmp(path, lock, sizeof(lock) - 1);
}

int flock(int fd, int operation)
{
        int (*next)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
        const char *file = getenv("RACES_LOG");
        int r = next(fd, operation), log;

        if (r < 0 || !(operation & LOCK_EX) || !file || !is_lock(fd))
                return r;
        log = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (log >= 0) {
                dprintf(log, "%d\n", getpid());
                close(log);
        }
        return r;
}
