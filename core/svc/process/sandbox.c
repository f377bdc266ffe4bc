/* SPDX-License-Identifier: MIT */
#include "svc/process/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "svc/process/interrupt.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

#define MEMORY_MAX ((rlim_t)256 << 20)
#define NOBODY     65534
#define NEW_ROOT   "/run"

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

/* Makes a root directory of which nothing can be learnt, and that has libraries: systemd loads some for compressed data
 * only when it needs them. The store is in every container anyway. */
static int leave_root(void)
{
        static const char *const libraries[] = { "/nix/store", "/usr/lib", "/usr/lib64", "/lib", "/lib64" };

        /* Not private, or file systems that the host unmounts would stay mounted here. */
        if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
            mount("tmpfs", NEW_ROOT, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755") < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(libraries); i++) {
                _cleanup_free_ char *to = str_printf(NEW_ROOT "%s", libraries[i]);
                int r = to ? fs_mkdir_p(to, 0755) : -ENOMEM;

                if (r < 0)
                        return r;
                if (mount(libraries[i], to, NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
                        return -errno;
        }
        return chroot(NEW_ROOT) < 0 || chdir("/") < 0 ? -errno : 0;
}

/* Two names of a call: that of 32-bit machines is unknown to others. */
static int allow_if(scmp_filter_ctx f, int call, int call32, struct scmp_arg_cmp arg)
{
        int r = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call, 1, &arg);

        return r < 0 ? r : seccomp_rule_add_array(f, SCMP_ACT_ALLOW, call32, 1, &arg);
}

/* Reading, memory and time: no sockets, no signals, no other processes. */
static int filter_calls(void)
{
        static const int allowed[] = {
                SCMP_SYS(brk),          SCMP_SYS(clock_gettime),  SCMP_SYS(clock_gettime64),
                SCMP_SYS(close),        SCMP_SYS(exit),           SCMP_SYS(exit_group),
                SCMP_SYS(fstat),        SCMP_SYS(fstat64),        SCMP_SYS(fstatat64),
                SCMP_SYS(fstatfs),      SCMP_SYS(fstatfs64),      SCMP_SYS(futex),
                SCMP_SYS(futex_time64), SCMP_SYS(getegid),        SCMP_SYS(geteuid),
                SCMP_SYS(getgid),       SCMP_SYS(getpid),         SCMP_SYS(getrandom),
                SCMP_SYS(gettid),       SCMP_SYS(gettimeofday),   SCMP_SYS(getuid),
                SCMP_SYS(lseek),        SCMP_SYS(_llseek),        SCMP_SYS(madvise),
                SCMP_SYS(mprotect),     SCMP_SYS(mremap),         SCMP_SYS(munmap),
                SCMP_SYS(newfstatat),   SCMP_SYS(openat),         SCMP_SYS(pread64),
                SCMP_SYS(read),         SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
                SCMP_SYS(sched_yield),  SCMP_SYS(statx),          SCMP_SYS(time),
                SCMP_SYS(write),        SCMP_SYS(writev),
        };
        /* Others make the kernel send signals to any process, or take leases. */
        static const uint64_t commands[] = { F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC };
        /* Shared memory without a file does not count as data. */
        static const uint64_t either[] = { MAP_SHARED, MAP_ANONYMOUS };
        scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
        int r = f ? 0 : -ENOMEM;

        for (size_t i = 0; i < ARRAY_SIZE(allowed) && r >= 0; i++)
                r = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
        for (size_t i = 0; i < ARRAY_SIZE(commands) && r >= 0; i++)
                r = allow_if(f, SCMP_SYS(fcntl), SCMP_SYS(fcntl64), SCMP_A1(SCMP_CMP_EQ, commands[i]));
        for (size_t i = 0; i < ARRAY_SIZE(either) && r >= 0; i++)
                r = allow_if(f, SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_A3(SCMP_CMP_MASKED_EQ, either[i], 0));
        if (r >= 0)
                r = seccomp_load(f);
        seccomp_release(f);
        return r;
}

static int drop_rights(void)
{
        static const struct rlimit none = { 0, 0 }, cpu = { HELPER_SECONDS, HELPER_SECONDS };
        const struct rlimit memory = memory_limit();

        if (geteuid() == 0) {
                int r = leave_root();

                if (r < 0)
                        return r;
                if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                    setresuid(NOBODY, NOBODY, NOBODY) < 0)
                        return -errno;
        }
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || setrlimit(RLIMIT_FSIZE, &none) < 0 ||
            setrlimit(RLIMIT_CORE, &none) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 ||
            setrlimit(RLIMIT_CPU, &cpu) < 0 || setrlimit(RLIMIT_DATA, &memory) < 0)
                return -errno;
        return filter_calls();
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
