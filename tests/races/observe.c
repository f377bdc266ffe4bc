/* SPDX-License-Identifier: MIT */
/* Preloaded into the program: appends the process ID to the file $RACES_LOG each time the program gets the lock of
 * operations, so that the order of changes is known. Waits a moment before each change of a directory, so that other
 * runs come in between. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void *next_of(const char *name)
{
        static unsigned seed;
        struct timespec t = { .tv_nsec = 0 };

        if (!seed)
                seed = (unsigned)getpid();
        t.tv_nsec = rand_r(&seed) % 5000000;
        nanosleep(&t, NULL);
        return dlsym(RTLD_NEXT, name);
}

#define SLOW(name, params, args)                                   \
        int name params                                            \
        {                                                          \
                int(*next) params = (int(*) params)next_of(#name); \
                                                                   \
                return next args;                                  \
        }

SLOW(rename, (const char *from, const char *to), (from, to))
SLOW(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
SLOW(symlink, (const char *to, const char *path), (to, path))
SLOW(symlinkat, (const char *to, int dir, const char *path), (to, dir, path))
SLOW(unlink, (const char *path), (path))
SLOW(mkdir, (const char *path, mode_t mode), (path, mode))

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
