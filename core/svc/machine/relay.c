/* SPDX-License-Identifier: MIT */
#include "svc/machine/relay.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/helper.h"

/* To close a descriptor that comes over a socket can take as long as its sender wants. */
#define BLOCKED_SECONDS 30
#define BLOCK           (64 * 1024)
/* sd-bus sends those of one message, the command's streams. */
#define DESCRIPTORS_MAX 16

static int drop_capabilities(void)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[2] = { { 0 } };

        return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/* The bus asks the kernel who has connected, and may get a descriptor of that process, with which it can enter its
 * namespaces: all are the container's by then, but not the PID namespace, in which the container could see it. */
static int enter(const struct leader *l, int root, bool user_ns)
{
        int ns = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP;

        if (setns(l->fd, ns | (user_ns ? CLONE_NEWUSER : 0)) < 0 || fchdir(root) < 0 || chroot(".") < 0)
                return -errno;
        if (user_ns && (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
                return -errno;
        close(l->fd);
        close(root);
        return drop_capabilities();
}

static int connect_bus(void)
{
        const struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = "/run/dbus/system_bus_socket" };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : fd;
}

static int send_all(int to, const char *p, size_t n)
{
        while (n) {
                ssize_t k = send(to, p, n, MSG_NOSIGNAL);

                if (k < 0)
                        return -errno;
                p += k;
                n -= (size_t)k;
        }
        return 0;
}

/* < 0: the end. */
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
        sent = sendmsg(to, &m, MSG_NOSIGNAL);
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

/* Without a buffer for descriptors, the kernel drops them. */
static int pass_in(int from, int to)
{
        char data[BLOCK];
        ssize_t n = recv(from, data, sizeof(data), 0);

        return n <= 0 ? -ECONNRESET : send_all(to, data, (size_t)n);
}

static void relay(const struct leader *l, bool user_ns, int ours)
{
        const int root = leader_open_root(l), keep[] = { ours, l->fd, root };
        struct pollfd p[] = { { .fd = ours, .events = POLLIN }, { .events = POLLIN } };
        int r;

        /* ^C at the terminal is not for it. */
        (void)setsid();
        if (root < 0 || helper_isolate(keep, ARRAY_SIZE(keep)) < 0)
                _exit(1);
        (void)prctl(PR_SET_NAME, "ec-bus-relay", 0, 0, 0);
        alarm(BLOCKED_SECONDS);
        r = enter(l, root, user_ns);
        if (r >= 0)
                p[1].fd = r = connect_bus();
        while (r >= 0) {
                alarm(0);
                r = poll(p, ARRAY_SIZE(p), -1);
                alarm(BLOCKED_SECONDS);
                if (r >= 0 && p[1].revents)
                        r = pass_in(p[1].fd, ours);
                if (r >= 0 && p[0].revents)
                        r = pass_out(ours, p[1].fd);
        }
        _exit(0);
}

int relay_start(const struct leader *l, int ours)
{
        int user_ns = leader_other_namespace(l, "user"), status;
        pid_t pid = user_ns < 0 ? 0 : fork();

        if (user_ns < 0)
                return user_ns;
        if (pid < 0)
                return -errno;
        if (!pid) {
                /* It is not our child, because even a signal may not end it at once. */
                pid = fork();
                if (!pid)
                        relay(l, user_ns, ours);
                _exit(pid < 0 ? errno : 0);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}
