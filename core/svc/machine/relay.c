/* SPDX-License-Identifier: MIT */
#include "svc/machine/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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
#define STREAMS         3

/* Between both processes are pipes only: a socket would lead from one to the other, and bring descriptors. */
struct relay {
        const struct leader *leader;
        bool user_ns;
        int root;             /* the container's */
        int streams[STREAMS]; /* of the command, for the container; -1: none */
        int ours;             /* the end of sd-bus's socket, */
        int out[2], in[2];    /* pipes to and from the inner process, */
        int bus;              /* and its connection */
};

/* Before each block of bytes for the container. */
struct block {
        uint32_t len;
        uint32_t streams; /* 1: they come with the command's streams */
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

/* read() has no place for descriptors, so the kernel drops them. f: NULL, or what the bytes must be a part of. */
static int pass_in(int from, int to, struct frames *f)
{
        char data[BLOCK];
        ssize_t n = read(from, data, sizeof(data));

        if (n <= 0 || (f && !frames_accept(f, data, (size_t)n)))
                return -ECONNRESET;
        return send_all(to, data, (size_t)n);
}

/* out: passes on what out_from has for the container, < 0: the end; what in_from has goes to in_to. */
static void pass_on(struct relay *r, int (*out)(struct relay *r), int out_from, int in_from, int in_to,
                    struct frames *f)
{
        struct pollfd p[] = { { .fd = out_from, .events = POLLIN }, { .fd = in_from, .events = POLLIN } };
        int k = 0;

        while (k >= 0) {
                alarm(0);
                k = poll(p, ARRAY_SIZE(p), -1);
                alarm(BLOCKED_SECONDS);
                if (k >= 0 && p[1].revents)
                        k = pass_in(in_from, in_to, f);
                if (k >= 0 && p[0].revents)
                        k = out(r);
        }
}

/* ---- the inner process ------------------------------------------------------ */

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
        return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : helper_drop_capabilities();
}

static int connect_bus(void)
{
        const struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "/run/dbus/system_bus_socket" };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : fd;
}

static int read_all(int from, void *data, size_t n)
{
        for (char *p = data; n;) {
                ssize_t k = read(from, p, n);

                if (k <= 0)
                        return -ECONNRESET;
                p += k;
                n -= (size_t)k;
        }
        return 0;
}

static int send_streams(const struct relay *r, const char *data, size_t n)
{
        union {
                char buf[CMSG_SPACE(sizeof(r->streams))];
                struct cmsghdr header;
        } control = { .header = { CMSG_LEN(sizeof(r->streams)), SOL_SOCKET, SCM_RIGHTS } };
        struct iovec iov = { (char *)data, n };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t sent;

        memcpy(CMSG_DATA(&control.header), r->streams, sizeof(r->streams));
        sent = sendmsg(r->bus, &m, 0);
        return sent < 0 ? -errno : send_all(r->bus, data + sent, n - (size_t)sent);
}

/* From the outer process to the bus. */
static int give(struct relay *r)
{
        char data[BLOCK];
        struct block b;
        int k = read_all(r->out[0], &b, sizeof(b));

        if (k >= 0)
                k = b.len <= sizeof(data) ? read_all(r->out[0], data, b.len) : -EBADMSG;
        if (k < 0)
                return k;
        return b.streams ? send_streams(r, data, b.len) : send_all(r->bus, data, b.len);
}

static void inner(struct relay *r, pid_t outer)
{
        close(r->ours);
        close(r->out[1]);
        close(r->in[0]);
        /* The container could keep the pipes open. Changes of the user end this, so it comes last. */
        if (enter(r) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != outer)
                _exit(1);
        r->bus = connect_bus();
        if (r->bus >= 0)
                pass_on(r, give, r->out[0], r->bus, r->in[1], NULL);
        _exit(0);
}

/* ---- the outer process ------------------------------------------------------ */

/* sd-bus sends copies of the descriptors that the inner process has. */
static bool close_all(struct msghdr *m)
{
        struct cmsghdr *c = m->msg_controllen ? CMSG_FIRSTHDR(m) : NULL;
        size_t n = 0;
        int fd;

        for (; c && CMSG_LEN((n + 1) * sizeof(fd)) <= c->cmsg_len; n++) {
                memcpy(&fd, CMSG_DATA(c) + n * sizeof(fd), sizeof(fd));
                close(fd);
        }
        return n > 0;
}

/* From sd-bus to the inner process. */
static int take(struct relay *r)
{
        union {
                char buf[CMSG_SPACE(STREAMS * sizeof(int))];
                struct cmsghdr align;
        } control;
        char data[BLOCK];
        struct iovec iov = { data, sizeof(data) };
        struct msghdr m = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t n = recvmsg(r->ours, &m, MSG_CMSG_CLOEXEC);
        struct block b = { .len = n > 0 ? (uint32_t)n : 0, .streams = n > 0 && close_all(&m) };
        int k = n <= 0 || m.msg_flags & MSG_CTRUNC ? -ECONNRESET : send_all(r->out[1], (const char *)&b, sizeof(b));

        return k < 0 ? k : send_all(r->out[1], data, b.len);
}

static int prepare(struct relay *r)
{
        int keep[2 + STREAMS] = { r->ours, r->leader->fd }, e;
        size_t n = 2;

        for (int i = 0; i < STREAMS; i++)
                if (r->streams[i] >= 0)
                        keep[n++] = r->streams[i];
        e = helper_isolate(keep, n);
        if (e < 0)
                return e;
        alarm(BLOCKED_SECONDS);
        r->root = leader_open_root(r->leader);
        if (r->root < 0)
                return r->root;
        return signal(SIGPIPE, SIG_IGN) == SIG_ERR || pipe2(r->out, O_CLOEXEC) < 0 || pipe2(r->in, O_CLOEXEC) < 0
                       ? -errno
                       : 0;
}

static void outer(struct relay *r)
{
        pid_t self = getpid(), pid;
        struct frames f = { 0 };

        (void)prctl(PR_SET_NAME, "ec-bus-relay", 0, 0, 0);
        if (prepare(r) < 0)
                _exit(1);
        pid = fork();
        if (pid < 0)
                _exit(1);
        if (!pid) {
                alarm(BLOCKED_SECONDS);
                inner(r, self);
        }
        close(r->leader->fd);
        close(r->root);
        close(r->out[0]);
        close(r->in[1]);
        for (int i = 0; i < STREAMS; i++)
                if (r->streams[i] >= 0)
                        close(r->streams[i]);
        pass_on(r, take, r->ours, r->in[0], r->ours, &f);
        _exit(0);
}

int relay_start(const struct leader *l, const int *streams, int ours)
{
        struct relay r = { .leader = l, .streams = { -1, -1, -1 }, .ours = ours };
        int user_ns = leader_other_namespace(l, "user"), status;
        pid_t pid = user_ns < 0 ? 0 : fork();

        if (user_ns < 0)
                return user_ns;
        if (pid < 0)
                return -errno;
        if (!pid) {
                r.user_ns = user_ns;
                if (streams)
                        memcpy(r.streams, streams, sizeof(r.streams));
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
