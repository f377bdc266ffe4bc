/* SPDX-License-Identifier: MIT */
#include "svc/process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "svc/process/interrupt.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strv.h"

#define SECONDS    10
#define MEMORY_MAX ((rlim_t)256 << 20)
#define NOBODY     65534

static int by_number(const void *a, const void *b)
{
        return *(const int *)a - *(const int *)b;
}

static void close_others(const int *fds, size_t n, int out)
{
        int keep[SANDBOX_FDS + 1], first = STDERR_FILENO + 1;

        if (n)
                memcpy(keep, fds, n * sizeof(*fds));
        keep[n++] = out;
        qsort(keep, n, sizeof(*keep), by_number);
        for (size_t i = 0; i < n; i++) {
                if (keep[i] > first)
                        (void)syscall(SYS_close_range, first, keep[i] - 1, 0);
                first = keep[i] + 1;
        }
        (void)syscall(SYS_close_range, first, ~0U, 0);
}

/* Beyond what this process has already, which is much with a sanitizer. The sixth number is that in pages. */
static struct rlimit memory_limit(void)
{
        _cleanup_free_ char *text = NULL;
        rlim_t max = MEMORY_MAX;

        if (fs_read("/proc/self/statm", 4096, &text, NULL) >= 0) {
                const char *p = text;

                for (int i = 0; p && i < 5; i++)
                        p = str_after(p + strcspn(p, " "), " ");
                if (p)
                        max += strtoull(p, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
        }
        return (struct rlimit){ max, max };
}

static int drop_rights(void)
{
        static const struct rlimit none = { 0, 0 }, cpu = { SECONDS, SECONDS };
        const struct rlimit memory = memory_limit();

        if (geteuid() == 0 &&
            (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
                return -errno;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_FSIZE, &none) < 0 ||
            setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 ||
            setrlimit(RLIMIT_CPU, &cpu) < 0 || setrlimit(RLIMIT_DATA, &memory) < 0)
                return -errno;
        return 0;
}

static void child(void (*fn)(void *data, FILE *out), void *data, const int *fds, size_t n, int out)
{
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        FILE *f;

        interrupt_reset();
        alarm(SECONDS);
        if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
                _exit(1);
        close_others(fds, n, out);
        f = drop_rights() < 0 ? NULL : fdopen(out, "w");
        if (!f)
                _exit(1);
        fn(data, f);
        _exit(fflush(f) ? 1 : 0);
}

/* Until the child has ended, however it ends, or its time is over: what it reads could have taken it over. */
static char *read_all(int fd, size_t max)
{
        uint64_t end = clock_usec() + (SECONDS + 1) * USEC_PER_SEC, now;
        struct pollfd p = { .fd = fd, .events = POLLIN };
        char *text = malloc(max + 1);
        size_t len = 0;
        ssize_t n = 1;

        while (text && len < max && n && (now = clock_usec()) < end) {
                if (poll(&p, 1, (int)((end - now) / 1000) + 1) <= 0)
                        continue;
                n = read(fd, text + len, max - len);
                if (n < 0 && errno != EINTR)
                        break;
                len += n > 0 ? n : 0;
        }
        if (text)
                text[len] = 0;
        return text;
}

int sandbox_run(void (*fn)(void *data, FILE *out), void *data, const int *fds, size_t n, size_t max, char **ret)
{
        _cleanup_close_ int from = -1, to = -1;
        int pipe_fds[2];
        pid_t pid;

        if (n > SANDBOX_FDS)
                return -E2BIG;
        if (pipe2(pipe_fds, O_CLOEXEC) < 0)
                return -errno;
        from = pipe_fds[0];
        to = pipe_fds[1];
        pid = fork();
        if (pid < 0)
                return -errno;
        if (!pid)
                child(fn, data, fds, n, to);
        close(TAKE_FD(to));
        *ret = read_all(from, max);
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        return *ret ? 0 : -ENOMEM;
}
