/* SPDX-License-Identifier: MIT */
#include "svc/machine/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "svc/machine/frames.h"
#include "util/cleanup.h"
#include "util/helper.h"

/* To close a descriptor that comes over a socket can take as long as its sender wants. */
#define BLOCKED_SECONDS 30
#define BLOCK           (64 * 1024)
/* sd-bus sends those of one message, the command's streams. */
#define DESCRIPTORS_MAX 16

struct relay {
        const struct leader *leader;
        bool user_ns;
        int root;     /* the container's */
        int ours;     /* the end of sd-bus's socket */
        int orders;   /* the outer process's end of a socket to the inner one, from which it never receives */
        int inner;    /* the other end */
        int bytes[2]; /* a pipe from the inner process, because a pipe cannot bring descriptors */
};

/* ---- passing on ----------------------------------------------------------- */

static int send_all(int to, const char *p, size_t n)
{
        while (n) {
                ssize_t k = write(to, p, n);

                if (k < 0)
                        return -errno;
                p += k;
                n -= (size_t)k;
        }
        return 0;
}

/* With descriptors. < 0: the end. */
static int pass_out(int from, int to)
{
        union {
                char buf[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
                struct cmsghdr align;
        } control;
        char data[BLOCK];
        struct iovec iov = { data, sizeof(data) };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t n = recvmsg(from, &m, MSG_CMSG_CLOEXEC), sent;
        struct cmsghdr *c;

        if (n <= 0 || m.msg_flags & MSG_CTRUNC)
                return -ECONNRESET;
        iov.iov_len = (size_t)n;
        sent = sendmsg(to, &m, 0);
        if (sent < 0)
                return -errno;
        c = m.msg_controllen ? CMSG_FIRSTHDR(&m) : NULL;
        for (size_t i = 0; c && CMSG_LEN((i + 1) * sizeof(int)) <= c->cmsg_len; i++) {
                int fd;

                memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
                close(fd);
        }
        return send_all(to, data + sent, (size_t)(n - sent));
}

/* read() has no place for descriptors, so the kernel drops them. f: NULL, or what the bytes must be a part of. */
static int pass_in(int from, int to, struct frames *f)
{
        char data[BLOCK];
        ssize_t n = read(from, data, sizeof(data));

        if (n <= 0 || (f && !frames_accept(f, data, (size_t)n)))
                return -ECONNRESET;
        return send_all(to, data, (size_t)n);
}

static void pass_on(int out_from, int out_to, int in_from, int in_to, struct frames *f)
{
        struct pollfd p[] = { { .fd = out_from, .events = POLLIN }, { .fd = in_from, .events = POLLIN } };
        int r = 0;

        while (r >= 0) {
                alarm(0);
                r = poll(p, ARRAY_SIZE(p), -1);
                alarm(BLOCKED_SECONDS);
                if (r >= 0 && p[1].revents)
                        r = pass_in(in_from, in_to, f);
                if (r >= 0 && p[0].revents)
                        r = pass_out(out_from, out_to);
        }
}

/* ---- the inner process ------------------------------------------------------ */

static int drop_capabilities(void)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[2] = { { 0 } };

        return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/* The bus asks the kernel who has connected, and may get a descriptor of that process, with which it can enter its
 * namespaces and take its descriptors: all are the container's by then, but not the PID namespace, in which the
 * container could see it. */
static int enter(const struct relay *r)
{
        int ns = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;

        if (setns(r->leader->fd, ns | (r->user_ns ? CLONE_NEWUSER : 0)) < 0 || fchdir(r->root) < 0 || chroot(".") < 0)
                return -errno;
        if (r->user_ns && (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
                return -errno;
        if (close(r->leader->fd) < 0 || close(r->root) < 0 || syscall(SYS_close_range, 0, STDERR_FILENO, 0) < 0)
                return -errno;
        return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : drop_capabilities();
}

static int connect_bus(void)
{
        const struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "/run/dbus/system_bus_socket" };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : fd;
}

static void inner(const struct relay *r)
{
        int bus;

        close(r->ours);
        close(r->orders);
        close(r->bytes[0]);
        if (enter(r) < 0)
                _exit(1);
        bus = connect_bus();
        if (bus >= 0)
                pass_on(r->inner, bus, bus, r->bytes[1], NULL);
        _exit(0);
}

/* ---- the outer process ------------------------------------------------------ */

static int prepare(struct relay *r)
{
        const int keep[] = { r->ours, r->leader->fd };
        int s[2], e = helper_isolate(keep, ARRAY_SIZE(keep));

        if (e < 0)
                return e;
        r->root = leader_open_root(r->leader);
        if (r->root < 0)
                return r->root;
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) < 0 ||
            pipe2(r->bytes, O_CLOEXEC) < 0)
                return -errno;
        r->orders = s[0];
        r->inner = s[1];
        return shutdown(r->orders, SHUT_RD) < 0 ? -errno : 0;
}

static void outer(struct relay *r)
{
        struct frames f = { 0 };
        pid_t pid;

        /* ^C at the terminal is not for it. */
        (void)setsid();
        (void)prctl(PR_SET_NAME, "ec-bus-relay", 0, 0, 0);
        if (prepare(r) < 0)
                _exit(1);
        alarm(BLOCKED_SECONDS);
        pid = fork();
        if (pid < 0)
                _exit(1);
        if (!pid) {
                alarm(BLOCKED_SECONDS);
                inner(r);
        }
        close(r->leader->fd);
        close(r->root);
        close(r->inner);
        close(r->bytes[1]);
        pass_on(r->ours, r->orders, r->bytes[0], r->ours, &f);
        _exit(0);
}

int relay_start(const struct leader *l, int ours)
{
        struct relay r = { .leader = l, .ours = ours };
        int user_ns = leader_other_namespace(l, "user"), status;
        pid_t pid = user_ns < 0 ? 0 : fork();

        if (user_ns < 0)
                return user_ns;
        if (pid < 0)
                return -errno;
        if (!pid) {
                r.user_ns = user_ns;
                /* It is not our child, because even a signal may not end it at once. */
                pid = fork();
                if (!pid)
                        outer(&r);
                _exit(pid < 0 ? errno : 0);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}
