/* SPDX-License-Identifier: MIT */
#include "svc/machine/joiner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "svc/machine/cgroup.h"

/* ---- the command ---------------------------------------------------------- */

static void report(const struct join *j, enum report_kind kind, int value)
{
        struct report r = { kind, value };

        (void)!send(j->theirs, &r, sizeof(r), MSG_NOSIGNAL);
}

static void give_up(const struct join *j, enum report_kind kind)
{
        report(j, kind, errno);
        _exit(127);
}

/* The command must not have capabilities that the container's own root lacks. */
static int drop_capabilities(uint64_t bounding)
{
        for (int cap = 0; cap < 64; cap++) {
                if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0)
                        return 0;
                if (!(bounding >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
                        return -errno;
        }
        return 0;
}

static int become(const struct join *j)
{
        const struct machine_user *u = &j->x->user;

        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        /* The host's session keyring stays on the host. */
        (void)syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL);
        if (drop_capabilities(j->bounding) < 0 || setgroups(u->n_groups, u->groups) < 0 ||
            setresgid(u->gid, u->gid, u->gid) < 0 || setresuid(u->uid, u->uid, u->uid) < 0)
                return -errno;
        /* Changing the user resets it. */
        return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ? -errno : 0;
}

static int take_terminal(const struct exec *x)
{
        int fd = open(x->tty_path, O_RDWR | O_NOCTTY | O_CLOEXEC);

        if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
                return -errno;
        (void)!fchown(fd, x->user.uid, (gid_t)-1);
        for (int i = 0; i < 3; i++)
                if (dup2(fd, i) < 0)
                        return -errno;
        return 0;
}

static int take_streams(const struct exec *x)
{
        int fds[3];

        /* Copies above 2, so that no dup2() overwrites another's source. */
        for (int i = 0; i < 3; i++) {
                fds[i] = fcntl(x->fds[i], F_DUPFD_CLOEXEC, 3);
                if (fds[i] < 0)
                        return -errno;
        }
        for (int i = 0; i < 3; i++)
                if (dup2(fds[i], i) < 0)
                        return -errno;
        return 0;
}

static void reset_signals(void)
{
        sigset_t none;

        for (int sig = 1; sig < NSIG; sig++)
                signal(sig, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

static void command(const struct join *j)
{
        const struct exec *x = j->x;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || setsid() < 0)
                give_up(j, REPORT_FORK);
        if ((x->tty ? take_terminal(x) : take_streams(x)) < 0)
                give_up(j, REPORT_TTY);
        if (become(j) < 0)
                give_up(j, REPORT_USER);
        if (chdir(x->cwd) < 0 && (!x->cwd_optional || chdir("/") < 0))
                give_up(j, REPORT_CWD);
        reset_signals();
        execve(x->argv[0], x->argv, x->env);
        give_up(j, REPORT_EXEC);
}

static void pass_on(pid_t pid, int sig)
{
        /* The group exists once the command has called setsid(). */
        if (kill(-pid, sig) < 0)
                (void)kill(pid, sig);
}

/* Passes on a signal that setns.c sends. -1: setns.c has closed its end. */
static int take_order(const struct join *j, pid_t pid)
{
        int32_t sig;

        if (recv(j->theirs, &sig, sizeof(sig), 0) == sizeof(sig)) {
                pass_on(pid, sig);
                return 0;
        }
        pass_on(pid, SIGKILL);
        return -1;
}

/* Always reaps: a PID namespace with a dead, unreaped member cannot end. */
static void wait_for(const struct join *j, pid_t pid)
{
        struct pollfd fds[] = { { .fd = j->theirs, .events = POLLIN }, { .events = POLLIN } };
        struct signalfd_siginfo si;
        sigset_t chld;
        int status;

        sigemptyset(&chld);
        sigaddset(&chld, SIGCHLD);
        fds[1].fd = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fds[1].fd < 0)
                give_up(j, REPORT_FORK);
        for (;;) {
                pid_t k = waitpid(pid, &status, WNOHANG);

                if (k == pid) {
                        report(j, REPORT_STATUS, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
                        _exit(0);
                }
                if ((k < 0 && errno != EINTR) || (poll(fds, 2, -1) < 0 && errno != EINTR))
                        give_up(j, REPORT_FORK);
                if (fds[0].revents && take_order(j, pid) < 0)
                        fds[0].fd = -1;
                while (read(fds[1].fd, &si, sizeof(si)) > 0)
                        ;
        }
}

static bool wanted(const struct join *j, int fd)
{
        for (int i = 0; i < 3 && !j->x->tty; i++)
                if (j->x->fds[i] == fd)
                        return true;
        return fd <= STDERR_FILENO || fd == j->theirs || fd == j->leader_fd;
}

/* No other descriptor of the host's may reach the container. */
static void close_others(const struct join *j)
{
        int highest = STDERR_FILENO;

        for (int i = 0; i < 3 && !j->x->tty; i++)
                highest = j->x->fds[i] > highest ? j->x->fds[i] : highest;
        highest = j->theirs > highest ? j->theirs : highest;
        highest = j->leader_fd > highest ? j->leader_fd : highest;
        for (int fd = STDERR_FILENO + 1; fd <= highest; fd++)
                if (!wanted(j, fd))
                        close(fd);
        (void)syscall(SYS_close_range, highest + 1, ~0U, 0);
}

/* The command's parent. Its own parent is the container's init, which gets a SIGCHLD: systemd-shutdown(8) waits its
 * full time for processes that end without one. */
static void supervise(const struct join *j)
{
        pid_t pid = fork();

        if (pid < 0)
                give_up(j, REPORT_FORK);
        if (!pid)
                command(j);
        /* Readers of the command's streams must not wait for the supervisor's copies. */
        for (int fd = 0; fd < j->theirs; fd++)
                close(fd);
        (void)syscall(SYS_close_range, j->theirs + 1, ~0U, 0);
        wait_for(j, pid);
}

void joiner_run(const struct join *j, pid_t parent)
{
        int ns = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;
        sigset_t all;
        pid_t pid;

        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        /* If SIGCHLD is ignored, the exit status is lost. */
        signal(SIGCHLD, SIG_DFL);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
                _exit(127);
        /* Processes in the container must not read our memory. */
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        close_others(j);
        if (j->cgroup)
                cgroup_enter(j->cgroup);
        if (setns(j->leader_fd, ns | (j->user_ns ? CLONE_NEWUSER : 0)) < 0)
                give_up(j, REPORT_JOIN);
        close(j->leader_fd);
        umask(022);
        pid = fork();
        if (pid < 0)
                give_up(j, REPORT_FORK);
        if (!pid) {
                pid = fork();
                if (pid < 0)
                        give_up(j, REPORT_FORK);
                if (!pid)
                        supervise(j);
                _exit(0);
        }
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
        _exit(0);
}
