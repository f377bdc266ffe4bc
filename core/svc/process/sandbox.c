/* SPDX-License-Identifier: MIT */
#include "svc/process/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "svc/process/interrupt.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

#define MEMORY_MAX ((rlim_t)256 << 20)
#define NOBODY     65534

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
        static const struct rlimit none = { 0, 0 }, cpu = { HELPER_SECONDS, HELPER_SECONDS };
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

struct task {
        void (*fn)(void *data, FILE *out);
        void *data;
};

static void run(void *data, int out)
{
        const struct task *t = data;
        FILE *f = drop_rights() < 0 ? NULL : fdopen(out, "w");

        if (!f)
                _exit(1);
        t->fn(t->data, f);
        (void)fflush(f);
}

int sandbox_run(void (*fn)(void *data, FILE *out), void *data, const int *fds, size_t n, size_t max, char **ret)
{
        struct task t = { fn, data };
        size_t len;
        int r = helper_run(run, &t, fds, n, max, interrupt_fd(), ret, &len);

        /* However it has ended. */
        return *ret ? 0 : r;
}
