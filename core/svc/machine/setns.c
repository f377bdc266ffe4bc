/* SPDX-License-Identifier: MIT */
/* A command in the container's namespaces, for where nobody inside can be asked:
 * early in its boot, without a system bus, with a systemd that is too old.
 * Parent, joiner, supervisor, command: a PID namespace is entered by being born in it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
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
#include <systemd/sd-id128.h>

#include "svc/machine/setns.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define CGROUPS          "/sys/fs/cgroup"
#define EMPTY_TIMEOUT_MS 3000

enum report_kind { REPORT_STATUS, REPORT_JOIN, REPORT_FORK, REPORT_TTY, REPORT_USER, REPORT_CWD, REPORT_EXEC };
struct report {
        int32_t kind, value; /* an exit status, or an errno */
};

struct join {
        struct exec *x;
        int leader_fd;     /* pidfd */
        char *cgroup;      /* of our own, in the container's; or NULL */
        bool user_ns;      /* it has one of its own */
        uint64_t bounding; /* its capabilities */
        int ours, theirs;  /* ends of the report socket */
        pid_t joiner;      /* it ends as soon as the supervisor is there */
        bool ended, got;   /* with a report or, killed, without */
        struct report report;
};

/* ---- in the children ---------------------------------------------------- */

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

/* What the container's own root cannot do, ours must not do there either. */
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
        /* A session keyring of the host's stays there. */
        (void)syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL);
        if (drop_capabilities(j->bounding) < 0 || setgroups(u->n_groups, u->groups) < 0 ||
            setresgid(u->gid, u->gid, u->gid) < 0 || setresuid(u->uid, u->uid, u->uid) < 0)
                return -errno;
        /* A change of the user takes it back. */
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

        /* First out of each other's way. */
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
        /* Its group is there as soon as it has begun. */
        if (kill(-pid, sig) < 0)
                (void)kill(pid, sig);
}

/* What the parent sends, or its end. -1: it is gone. */
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

/* Always reaps, never stops itself: a PID namespace with a dead, unreaped member cannot end. */
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

/* Nothing of the host's goes along. */
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

static void enter_cgroup(const struct join *j)
{
        _cleanup_free_ char *path = j->cgroup ? fs_join(j->cgroup, "cgroup.procs") : NULL;
        int fd = path ? open(path, O_WRONLY | O_CLOEXEC) : -1;

        /* Without it its use of memory and time is not the container's; it ends with it all the same. */
        if (fd >= 0)
                (void)!write(fd, "0", 1);
        if (fd >= 0)
                close(fd);
}

/* The command's parent, a child of the container's init, which so hears of its
 * end: systemd-shutdown(8) waits its full time for processes that go without a SIGCHLD. */
static void supervise(const struct join *j)
{
        pid_t pid = fork();

        if (pid < 0)
                give_up(j, REPORT_FORK);
        if (!pid)
                command(j);
        /* Whoever waits for the end of one of its streams must not wait for us. */
        for (int fd = 0; fd < j->theirs; fd++)
                close(fd);
        (void)syscall(SYS_close_range, j->theirs + 1, ~0U, 0);
        wait_for(j, pid);
}

static void joiner(const struct join *j, pid_t parent)
{
        int ns = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;
        sigset_t all;
        pid_t pid;

        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        /* An ignored SIGCHLD would take the status away. */
        signal(SIGCHLD, SIG_DFL);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
                _exit(127);
        /* Who is in the container must not get at our program through us. */
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        close_others(j);
        enter_cgroup(j);
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

/* ---- in the parent ------------------------------------------------------ */

static int read_proc(uint32_t pid, const char *file, char **ret)
{
        _cleanup_free_ char *path = str_printf("/proc/%" PRIu32 "/%s", pid, file);

        return path ? fs_read(path, 1 << 20, ret, NULL) : -ENOMEM;
}

/* The cgroup that systemd-nspawn hands over to the container, with a new one in it. */
static int make_cgroup(struct join *j)
{
        static const char payload[] = "/payload";
        _cleanup_free_ char *text = NULL, *dir = NULL;
        char *line, *rest, *end;
        sd_id128_t id;

        if (read_proc(j->x->leader, "cgroup", &text) < 0 || sd_id128_randomize(&id) < 0)
                return 0;
        for (rest = text; (line = strsep(&rest, "\n"));) {
                if (strncmp(line, "0::", 3))
                        continue;
                end = strstr(line, payload);
                while (end && end[sizeof(payload) - 1] && end[sizeof(payload) - 1] != '/')
                        end = strstr(end + 1, payload);
                if (!end)
                        return 0;
                end[sizeof(payload) - 1] = 0;
                dir = str_printf(CGROUPS "%s/extra-container-" SD_ID128_FORMAT_STR, line + 3, SD_ID128_FORMAT_VAL(id));
                if (!dir)
                        return -ENOMEM;
                if (mkdir(dir, 0755) >= 0)
                        j->cgroup = TAKE_PTR(dir);
                return 0;
        }
        return 0;
}

static void kill_cgroup(const struct join *j)
{
        _cleanup_free_ char *path = j->cgroup ? fs_join(j->cgroup, "cgroup.kill") : NULL;
        _cleanup_close_ int fd = path ? open(path, O_WRONLY | O_CLOEXEC) : -1;

        if (fd >= 0)
                (void)!write(fd, "1", 1);
}

/* Ends what the command left running, as with a unit of its own. */
static void remove_cgroup(struct join *j)
{
        _cleanup_free_ char *path = j->cgroup ? fs_join(j->cgroup, "cgroup.events") : NULL;
        _cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        uint64_t until = clock_usec() + EMPTY_TIMEOUT_MS * USEC_PER_MSEC;

        if (!j->cgroup)
                return;
        kill_cgroup(j);
        while (rmdir(j->cgroup) < 0 && errno == EBUSY && fd >= 0 && clock_usec() < until) {
                struct pollfd p = { .fd = fd, .events = POLLPRI };
                char buf[256];

                /* A change after this reading shows. */
                (void)!pread(fd, buf, sizeof(buf), 0);
                if (rmdir(j->cgroup) >= 0 || errno != EBUSY)
                        break;
                (void)poll(&p, 1, 100);
        }
        free(TAKE_PTR(j->cgroup));
}

static int read_bounding(struct join *j)
{
        _cleanup_free_ char *text = NULL;
        const char *p;
        int r = read_proc(j->x->leader, "status", &text);

        if (r < 0)
                return r;
        p = strstr(text, "\nCapBnd:");
        if (!p)
                return -EBADMSG;
        j->bounding = strtoull(p + strlen("\nCapBnd:"), NULL, 16);
        return 0;
}

static int other_user_ns(struct join *j)
{
        _cleanup_free_ char *path = str_printf("/proc/%" PRIu32 "/ns/user", j->x->leader);
        struct stat a, b;

        if (!path)
                return -ENOMEM;
        if (stat(path, &a) < 0 || stat("/proc/self/ns/user", &b) < 0)
                return -errno;
        /* Entering one's own is refused. */
        j->user_ns = a.st_ino != b.st_ino || a.st_dev != b.st_dev;
        return 0;
}

static int spawn(struct join *j)
{
        pid_t self = getpid();
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        j->ours = fds[0];
        j->theirs = fds[1];
        j->joiner = fork();
        if (j->joiner < 0)
                return -errno;
        if (!j->joiner) {
                joiner(j, self);
                _exit(127);
        }
        close(j->theirs);
        j->theirs = -1;
        return 0;
}

static void order(const struct join *j, int32_t sig)
{
        (void)!send(j->ours, &sig, sizeof(sig), MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool exec_setns_fill(struct join *j, struct pollfd fds[static EXEC_FDS], uint64_t *deadline)
{
        if (j->ended || j->x->stage == EXEC_LEFT)
                return false;
        exec_fill(j->x, fds);
        fds[0] = (struct pollfd){ .fd = j->ours, .events = POLLIN };
        *deadline = exec_deadline(j->x, *deadline);
        return true;
}

void exec_setns_handle(struct join *j, const struct pollfd fds[static EXEC_FDS])
{
        struct exec *x = j->x;

        if (fds[0].revents) {
                j->got = recv(j->ours, &j->report, sizeof(j->report), 0) == sizeof(j->report);
                j->ended = true;
                return;
        }
        exec_handle(x, fds);
        if (x->signal == SIGKILL)
                kill_cgroup(j);
        if (x->signal)
                order(j, x->signal);
        x->signal = 0;
}

static bool shutting_down(const struct join *j)
{
        _cleanup_free_ char *comm = NULL, *state = NULL;
        struct pollfd p = { .fd = j->leader_fd, .events = POLLIN };

        if (poll(&p, 1, 0) > 0)
                return true;
        if (read_proc(j->x->leader, "comm", &comm) >= 0 && !strncmp(comm, "systemd-shutdow", 15))
                return true;
        state = exec_unit_state(j->x);
        return exec_state_down(state);
}

static int not_run(const struct join *j, const struct report *r, struct ec_err *err)
{
        const struct exec *x = j->x;
        const char *why = strerror(r->value);

        switch (r->kind) {
        case REPORT_JOIN:
                return err_set(err, -r->value, "cannot enter the namespaces of container '%s': %s", x->name, why);
        case REPORT_TTY:
                return err_set(err, -r->value, "cannot use the streams of '%s' in container '%s': %s", x->label,
                               x->name, why);
        case REPORT_USER:
                return err_set(err, -r->value, "cannot become user '%s' in container '%s': %s", x->user.name, x->name,
                               why);
        case REPORT_CWD:
                return err_set(err, -r->value, "cannot enter directory '%s' in container '%s': %s", x->cwd, x->name,
                               why);
        default:
                return err_set(err, -r->value, "cannot run '%s' in container '%s': %s", x->label, x->name, why);
        }
}

static int result(struct join *j, int32_t *ret_status, struct ec_err *err)
{
        const struct report *r = &j->report;
        struct exec *x = j->x;

        if (j->got && r->kind == REPORT_EXEC) {
                *ret_status = r->value == ENOENT || r->value == ENOTDIR ? 127 : 126;
                if (!x->tty)
                        dprintf(x->fds[2], "%s: %s\n", x->label, strerror(r->value));
                return 0;
        }
        if (j->got && r->kind != REPORT_STATUS)
                return not_run(j, r, err);
        if ((!j->got || r->value > 128) && !x->sent && shutting_down(j))
                return exec_stopped(x, err);
        if (!j->got)
                return err_set(err, -EIO, "'%s' in container '%s' ended without a status", x->label, x->name);
        *ret_status = r->value;
        return 0;
}

static void join_free(struct join *j)
{
        if (!j)
                return;
        if (j->joiner > 0) {
                kill(j->joiner, SIGKILL);
                while (waitpid(j->joiner, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        remove_cgroup(j);
        if (j->leader_fd >= 0)
                close(j->leader_fd);
        if (j->ours >= 0)
                close(j->ours);
        if (j->theirs >= 0)
                close(j->theirs);
        free(j);
}
DEFINE_CLEANUP(struct join, join_free)

int exec_setns_begin(struct exec *x, struct join **ret, struct ec_err *err)
{
        _cleanup_(cleanup_join_free) struct join *j = calloc(1, sizeof(*j));
        int k;

        if (!j)
                return err_oom(err);
        *j = (struct join){ .x = x, .ours = -1, .theirs = -1 };
        j->leader_fd = syscall(SYS_pidfd_open, x->leader, 0);
        k = j->leader_fd < 0 ? -errno : other_user_ns(j);
        if (k >= 0)
                k = read_bounding(j);
        if (k >= 0)
                k = make_cgroup(j);
        if (k >= 0)
                k = spawn(j);
        if (k == -ESRCH || k == -ENOENT)
                return err_set(err, -EHOSTDOWN, "container '%s' is not running", x->name);
        if (k < 0)
                return err_set(err, k, "cannot enter the namespaces of container '%s': %s", x->name, strerror(-k));
        *ret = TAKE_PTR(j);
        return 0;
}

int exec_setns_end(struct join *j, int32_t *ret_status, struct ec_err *err)
{
        int r = result(j, ret_status, err);

        join_free(j);
        return r;
}
