/* SPDX-License-Identifier: MIT */
/* Enters a container. Processes in there may be able to trace ours, to read its memory and to write to its program
 * file, so it is a copy of our program in memory, executed afresh, with the capabilities of the container. */
#include "svc/machine/joiner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "svc/machine/cgroup.h"
#include "svc/machine/mappings.h"
#include "svc/machine/rlimits.h"
#include "svc/machine/seccomp.h"
#include "svc/process/interrupt.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

/* argv[0] of the joiner. */
#define JOINER "extra-container: joining a container"
/* Its descriptors. */
enum { FD_STDIN = 3, FD_STDOUT, FD_STDERR, FD_LEADER, FD_REPORT, FD_ORDER, FD_END };

/* What it gets as its arguments. */
struct joiner {
        pid_t parent;
        uint32_t leader;
        int user_ns, filtered, no_new_privs, tty, cwd_optional;
        uint64_t bounding;
        struct seccomp_filters filters;
        uid_t uid;
        gid_t gid, *groups;
        size_t n_groups;
        char *cgroup, *limits, *tty_path, *cwd;
        char **env, **argv;
};

/* ---- the command ---------------------------------------------------------- */

static void report(enum report_kind kind, int value)
{
        struct report r = { kind, value };

        (void)!write(FD_REPORT, &r, sizeof(r));
}

static void fail(enum report_kind kind, int r)
{
        report(kind, -r);
        _exit(127);
}

static void give_up(enum report_kind kind)
{
        fail(kind, -errno);
}

/* Neither we nor the command may have capabilities that the container's own root lacks. */
static int drop_capabilities(uint64_t bounding)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct caps[2] = { { 0 } };

        for (int cap = 0; cap < 64 && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
                if (!(bounding >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
                        return -errno;
        if (syscall(SYS_capget, &header, caps) < 0)
                return -errno;
        for (int i = 0; i < 2; i++) {
                caps[i].permitted &= (uint32_t)(bounding >> (32 * i));
                caps[i].effective = caps[i].permitted;
                caps[i].inheritable = 0;
        }
        return syscall(SYS_capset, &header, caps) < 0 ? -errno : 0;
}

static int new_keyring(void)
{
        return syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL) < 0 ? -errno : 0;
}

static int become(const struct joiner *j)
{
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        if (setgroups(j->n_groups, j->groups) < 0 || setresgid(j->gid, j->gid, j->gid) < 0 ||
            setresuid(j->uid, j->uid, j->uid) < 0)
                return -errno;
        /* Changing the user resets it. */
        return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : 0;
}

static int take_terminal(const struct joiner *j)
{
        int fd = open(j->tty_path, O_RDWR | O_NOCTTY | O_CLOEXEC);

        if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
                return -errno;
        (void)!fchown(fd, j->uid, (gid_t)-1);
        for (int i = 0; i < 3; i++)
                if (dup2(fd, i) < 0)
                        return -errno;
        return 0;
}

static int take_streams(void)
{
        return dup2(FD_STDIN, 0) < 0 || dup2(FD_STDOUT, 1) < 0 || dup2(FD_STDERR, 2) < 0 ? -errno : 0;
}

/* The container's filters may not know close_range(). */
static void close_all(int from, int to)
{
        for (int fd = from; fd <= to; fd++)
                close(fd);
}

static void command(const struct joiner *j)
{
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || setsid() < 0)
                give_up(REPORT_FORK);
        if ((j->tty ? take_terminal(j) : take_streams()) < 0)
                give_up(REPORT_TTY);
        (void)new_keyring();
        close_all(FD_STDIN, FD_STDERR);
        if (become(j) < 0)
                give_up(REPORT_USER);
        if (chdir(j->cwd) < 0 && (!j->cwd_optional || chdir("/") < 0))
                give_up(REPORT_CWD);
        interrupt_reset();
        execve(j->argv[0], j->argv, j->env);
        give_up(REPORT_EXEC);
}

static void pass_on(pid_t pid, int sig)
{
        /* The group exists once the command has called setsid(). */
        if (kill(-pid, sig) < 0)
                (void)kill(pid, sig);
}

/* Passes on a signal that setns.c sends. -1: setns.c has closed its end. */
static int take_order(pid_t pid)
{
        int32_t sig;

        if (read(FD_ORDER, &sig, sizeof(sig)) == sizeof(sig)) {
                pass_on(pid, sig);
                return 0;
        }
        pass_on(pid, SIGKILL);
        return -1;
}

/* Always reaps: a PID namespace with a dead, unreaped member cannot end. */
static void wait_for(pid_t pid)
{
        struct pollfd fds[] = { { .fd = FD_ORDER, .events = POLLIN }, { .events = POLLIN } };
        struct signalfd_siginfo si;
        sigset_t chld;
        int status;

        sigemptyset(&chld);
        sigaddset(&chld, SIGCHLD);
        fds[1].fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fds[1].fd < 0)
                give_up(REPORT_FORK);
        for (;;) {
                pid_t k = waitpid(pid, &status, WNOHANG);

                if (k == pid) {
                        report(REPORT_STATUS, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
                        _exit(0);
                }
                if ((k < 0 && errno != EINTR) || (poll(fds, 2, -1) < 0 && errno != EINTR))
                        give_up(REPORT_FORK);
                if (fds[0].revents && take_order(pid) < 0)
                        fds[0].fd = -1;
                while (read(fds[1].fd, &si, sizeof(si)) > 0)
                        ;
        }
}

/* A filter of a hostile container can let a call only seem to succeed, but it cannot write the number of a child. The
 * arguments after the flags are in this order on some machines, and the last two are swapped on others. */
static pid_t fork_really(void)
{
        volatile pid_t child = 0;
        long pid = syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, NULL, NULL, &child, &child);

        if (!pid && child <= 0)
                _exit(127);
        return (pid_t)pid;
}

/* The command's parent. Its own parent is the container's init, which gets a SIGCHLD: systemd-shutdown(8) waits its
 * full time for processes that end without one. */
static void supervise(const struct joiner *j)
{
        pid_t pid = fork_really();

        if (pid < 0)
                give_up(REPORT_FORK);
        if (!pid)
                command(j);
        /* Readers of the command's streams must not wait for the supervisor's copies. */
        close_all(0, FD_REPORT - 1);
        wait_for(pid);
}

/* The container can see what is forked from here on, stop it, and use its descriptors: none leads to the host any more.
 * The numbers up to 2 stay in use, so that nothing else gets them. */
static int hide(const struct joiner *j)
{
        for (int fd = 0; fd < FD_STDIN; fd++)
                if (dup2(FD_REPORT, fd) < 0)
                        return -errno;
        /* With a terminal, they are not streams of the container. */
        if (j->tty)
                close_all(FD_STDIN, FD_STDERR);
        return close(FD_LEADER) < 0 ? -errno : 0;
}

/* What needs the host's rights. Nothing of the host's that the container lacks is kept. */
static void prepare(struct joiner *j)
{
        const struct leader l = { j->leader, FD_LEADER };
        int r = *j->cgroup ? cgroup_enter(j->cgroup) : 0;

        if (r < 0)
                fail(REPORT_CGROUP, r);
        r = j->filtered ? seccomp_copy(&l, &j->filters) : 0;
        if (r < 0)
                fail(REPORT_SECCOMP, r);
        r = new_keyring();
        /* If the kernel has no keyrings, or we may not use them, neither may the command. */
        if (r == -ENOSYS || r == -EPERM)
                r = 0;
        if (r >= 0)
                r = rlimits_set(j->limits);
        if (r >= 0 && j->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                r = -errno;
        if (r < 0)
                fail(REPORT_JOIN, r);
}

/* From then on, no process of ours can have the last copy of an end that the container can reach. */
static void wait_for_go(void)
{
        int32_t go;

        if (read(FD_ORDER, &go, sizeof(go)) != sizeof(go) || go != ORDER_GO)
                _exit(127);
}

static void join(struct joiner *j)
{
        int ns = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;
        sigset_t all;
        pid_t pid;
        int r;

        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        /* If SIGCHLD is ignored, the exit status is lost. */
        signal(SIGCHLD, SIG_DFL);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != j->parent)
                _exit(127);
        /* The container must find neither our terminal nor our process group in it. Its filters could let a later call
         * only seem to succeed. */
        if (setsid() < 0)
                give_up(REPORT_JOIN);
        (void)syscall(SYS_close_range, FD_END, ~0U, 0);
        (void)fcntl(FD_REPORT, F_SETFD, FD_CLOEXEC);
        (void)fcntl(FD_ORDER, F_SETFD, FD_CLOEXEC);
        wait_for_go();
        prepare(j);
        r = mappings_copy();
        if (r < 0)
                fail(REPORT_JOIN, r);
        if (setns(FD_LEADER, ns | (j->user_ns ? CLONE_NEWUSER : 0)) < 0)
                give_up(REPORT_JOIN);
        if ((j->user_ns && (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)) ||
            drop_capabilities(j->bounding) < 0)
                give_up(REPORT_JOIN);
        /* Changing the user resets both. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || hide(j) < 0)
                give_up(REPORT_JOIN);
        umask(022);
        /* Filters of a hostile container may let calls fail, or only seem to succeed: what matters comes before. The
         * PID namespace is entered by a fork that is checked. */
        if (seccomp_install(&j->filters) < 0)
                give_up(REPORT_SECCOMP);
        /* The container sees this child and those of it. */
        pid = fork_really();
        if (pid < 0)
                give_up(REPORT_FORK);
        if (!pid) {
                pid = fork_really();
                if (pid < 0)
                        give_up(REPORT_FORK);
                if (!pid)
                        supervise(j);
                _exit(0);
        }
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        _exit(0);
}

/* ---- its start ------------------------------------------------------------ */

/* The arguments: numbers, paths, groups and environment with their numbers, and the command. */
static char **encode(const struct join *j)
{
        const struct exec *x = j->x;
        const struct machine_user *u = &x->user;
        _cleanup_strv_ char **v = NULL;
        int r = strv_push(&v, JOINER);

        if (r >= 0)
                r = strv_pushf(&v, "%d %" PRIu32 " %d %d %d %d %d %" PRIx64 " %u %u %zu %zu", (int)getpid(),
                               x->leader.pid, j->user_ns, j->filtered, j->no_new_privs, x->tty, x->cwd_optional,
                               j->bounding, u->uid, u->gid, u->n_groups, strv_len(STRV_CONST(x->env)));
        if (r >= 0)
                r = strv_push(&v, j->cgroup ? j->cgroup : "");
        if (r >= 0)
                r = strv_push(&v, j->limits);
        if (r >= 0)
                r = strv_push(&v, x->tty_path ? x->tty_path : "");
        if (r >= 0)
                r = strv_push(&v, x->cwd);
        for (size_t i = 0; i < u->n_groups && r >= 0; i++)
                r = strv_pushf(&v, "%u", u->groups[i]);
        if (r >= 0)
                r = strv_extend(&v, STRV_CONST(x->env));
        if (r >= 0)
                r = strv_extend(&v, STRV_CONST(x->argv));
        return r < 0 ? NULL : TAKE_PTR(v);
}

/* Runs before main(), in every program that contains this file: only a child of joiner_spawn() has this name. */
__attribute__((constructor)) static void begin(int argc, char **argv)
{
        struct joiner j = { 0 };
        size_t n_env;

        if (argc < 7 || strcmp(argv[0], JOINER))
                return;
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        /* NOLINTNEXTLINE(cert-err34-c): joiner_spawn() printed the numbers */
        if (sscanf(argv[1], "%d %" SCNu32 " %d %d %d %d %d %" SCNx64 " %u %u %zu %zu", &j.parent, &j.leader, &j.user_ns,
                   &j.filtered, &j.no_new_privs, &j.tty, &j.cwd_optional, &j.bounding, &j.uid, &j.gid, &j.n_groups,
                   &n_env) != 12 ||
            (size_t)argc < 7 + j.n_groups + n_env)
                _exit(127);
        j.cgroup = argv[2];
        j.limits = argv[3];
        j.tty_path = argv[4];
        j.cwd = argv[5];
        j.groups = calloc(j.n_groups + 1, sizeof(*j.groups));
        j.env = calloc(n_env + 1, sizeof(*j.env));
        if (!j.groups || !j.env)
                _exit(127);
        for (size_t i = 0; i < j.n_groups; i++)
                j.groups[i] = (gid_t)strtoul(argv[6 + i], NULL, 10);
        memcpy(j.env, argv + 6 + j.n_groups, n_env * sizeof(*j.env));
        j.argv = argv + 6 + j.n_groups + n_env;
        join(&j);
}

/* A sealed copy of our program. */
static int copy_program(void)
{
        _cleanup_close_ int from = fs_open_regular(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0), fd = -1;
        struct stat st;
        ssize_t n = 1;

        if (from < 0)
                return from;
        if (fstat(from, &st) < 0)
                return -errno;
        /* Older kernels do not know MFD_EXEC. */
        fd = memfd_create("extra-container", MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x0010U);
        if (fd < 0 && errno == EINVAL)
                fd = memfd_create("extra-container", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
                return -errno;
        for (off_t left = st.st_size; left > 0 && n > 0; left -= n)
                n = sendfile(fd, from, NULL, (size_t)left);
        if (n <= 0)
                return n < 0 ? -errno : -EIO;
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Gives the joiner its descriptors, or reports why that is not possible. 0 to 2 show neither files nor terminals of
 * ours. Copies come first, above all of them, so that no dup2() overwrites another's source. */
static void place(const struct join *j)
{
        const int from[] = { j->x->fds[0], j->x->fds[1], j->x->fds[2], j->x->leader.fd, j->report_to, j->order_from };
        int null = open("/dev/null", O_RDWR | O_CLOEXEC), copies[ARRAY_SIZE(from)];

        for (size_t i = 0; i < ARRAY_SIZE(from); i++) {
                copies[i] = null < 0 ? -1 : fcntl(j->x->tty && i < 3 ? null : from[i], F_DUPFD_CLOEXEC, FD_END);
                if (copies[i] < 0) {
                        struct report r = { REPORT_JOIN, errno };

                        (void)!write(j->report_to, &r, sizeof(r));
                        _exit(127);
                }
        }
        for (int fd = 0; fd < FD_END; fd++)
                (void)dup2(fd < FD_STDIN ? null : copies[fd - FD_STDIN], fd);
}

int joiner_spawn(const struct join *j, pid_t *ret)
{
        _cleanup_close_ int program = copy_program();
        _cleanup_strv_ char **argv = encode(j);
        static char *const none[] = { NULL };
        pid_t pid;

        if (program < 0)
                return program;
        if (!argv)
                return -ENOMEM;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (!pid) {
                int high = fcntl(program, F_DUPFD_CLOEXEC, FD_END);

                place(j);
                (void)syscall(SYS_execveat, high, "", argv, none, AT_EMPTY_PATH);
                give_up(REPORT_JOIN);
        }
        *ret = pid;
        return 0;
}
