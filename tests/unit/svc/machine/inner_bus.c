/* SPDX-License-Identifier: MIT */
/* Connections to the bus of a "container": a process with another root and user namespace, made by root. */
#include "svc/machine/inner_bus.h"

#include "in_child.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fs_remove.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define MAPPED 524288

static char dir[] = "/tmp/ec-test.XXXXXX";

static void write_map(pid_t pid, const char *file)
{
        char path[64], text[64];
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        snprintf(text, sizeof(text), "0 %d 1000\n", MAPPED);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
}

/* A connection that nobody reads from: to close it takes minutes. */
static int slow_to_close(void)
{
        struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        const struct linger linger = { 1, 300 };
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        static char data[1 << 20];
        socklen_t len = sizeof(addr);

        if (bind(listener, (struct sockaddr *)&addr, len) < 0 || listen(listener, 1) < 0 ||
            getsockname(listener, (struct sockaddr *)&addr, &len) < 0)
                return -1;
        (void)connect(fd, (struct sockaddr *)&addr, len);
        (void)poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
        while (send(fd, data, sizeof(data), 0) > 0)
                ;
        return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) < 0 ? -1 : fd;
}

/* Sends as much as it takes, and returns the number of bytes; then it takes more. */
static size_t fill(int to)
{
        /* The head of a message of 1 MiB, of which only the beginning comes. */
        static const char begin[] = "OK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n"
                                    "l\2\0\1\0\0\x10\0\1\0\0\0\0\0\0";
        char data[4096] = { 0 };
        const int small = 16 << 10, large = 128 << 10;
        size_t all = sizeof(begin);
        ssize_t n;

        if (send(to, begin, sizeof(begin), MSG_NOSIGNAL) != sizeof(begin))
                return 0;
        if (setsockopt(to, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) < 0)
                return 0;
        while (poll(&(struct pollfd){ .fd = to, .events = POLLOUT }, 1, 1000) > 0)
                while ((n = send(to, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
                        all += (size_t)n;
        return setsockopt(to, SOL_SOCKET, SO_SNDBUF, &large, sizeof(large)) < 0 ? 0 : all;
}

/* After the bytes of fill(), so that nobody has received it when ours is closed. 0: it is on its way. */
static int send_slow(int to)
{
        union {
                char buf[CMSG_SPACE(sizeof(int))];
                struct cmsghdr header;
        } control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
        char byte = 0;
        struct msghdr m = { .msg_iov = &(struct iovec){ &byte, 1 },
                            .msg_iovlen = 1,
                            .msg_control = &control,
                            .msg_controllen = sizeof(control) };
        int fd = slow_to_close(), r;

        if (fd < 0)
                return -1;
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        r = sendmsg(to, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
        close(fd);
        return r;
}

static ino_t mounts(int namespaces)
{
        struct stat st;

        return fstatat(namespaces, "mnt", &st, 0) < 0 ? 0 : st.st_ino;
}

static bool enters(int pidfd, int namespaces)
{
        ino_t own = mounts(namespaces);

        return setns(pidfd, CLONE_NEWNS) >= 0 && mounts(namespaces) != own;
}

/* Opens the pipes of a process for reading and writing, which keeps them open. */
static void keep_pipe(int fds, int fd)
{
        char name[16];
        struct stat st;

        snprintf(name, sizeof(name), "%d", fd);
        if (fstat(fd, &st) >= 0 && S_ISFIFO(st.st_mode))
                (void)openat(fds, name, O_RDWR | O_CLOEXEC);
}

/* Enters what it can reach through the process that has connected, and through the other ends of its sockets; keeps its
 * pipes open. */
static int enter_peer(int fd, int namespaces, int fds, int *ret_pidfd)
{
        socklen_t len = sizeof(int);
        int pidfd, other;

        /* Linux 6.5 and later have it. */
        *ret_pidfd = -1;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0)
                return 0;
        *ret_pidfd = pidfd;
        if (enters(pidfd, namespaces))
                return -1;
        for (int i = 0; i < 64; i++) {
                int theirs = syscall(SYS_pidfd_getfd, pidfd, i, 0);

                if (theirs >= 0 && getsockopt(theirs, SOL_SOCKET, SO_PEERPIDFD, &other, &len) >= 0 &&
                    enters(other, namespaces))
                        return -1;
                if (theirs >= 0)
                        keep_pipe(fds, theirs);
        }
        return 0;
}

/* The bus in a container with a user namespace or without one. Its status says what has failed. */
static void serve(bool user_ns, int ready, int mapped, int listener)
{
        int namespaces = open("/proc/self/ns", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd, pidfd;
        int fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct ucred peer;
        socklen_t len = sizeof(peer);
        size_t sent;
        char c;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* Those who connect see who listens. */
        if (unshare(CLONE_NEWNS | (user_ns ? CLONE_NEWUSER : 0)) < 0 || write(ready, "x", 1) != 1 ||
            read(mapped, &c, 1) != 1 || chroot(dir) < 0 || setresuid(0, 0, 0) < 0 || listen(listener, 8) < 0 ||
            write(ready, "x", 1) != 1)
                _exit(1);
        fd = accept(listener, NULL, NULL);
        if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
                _exit(2);
        if (peer.uid || peer.gid)
                _exit(3);
        if (enter_peer(fd, namespaces, fds, &pidfd) < 0)
                _exit(4);
        sent = read(mapped, &c, 1) == 1 ? fill(fd) : 0;
        if (!sent)
                _exit(5);
        if (send_slow(fd) < 0 || write(ready, &sent, sizeof(sent)) != sizeof(sent))
                _exit(6);
        if (read(mapped, &c, 1) != 1)
                _exit(7);
        /* It has ended with the connection. */
        _exit(pidfd >= 0 && poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 15 * 1000) != 1 ? 8 : 0);
}

static int listen_in(const char *path)
{
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (strcmp(path, "/outside") ? 0 : SOCK_NONBLOCK), 0);

        assert_true(fd >= 0);
        snprintf(addr.sun_path, sizeof(addr.sun_path), "%s%s", dir, path);
        assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
        assert_int_equal(chmod(addr.sun_path, 0666), 0);
        assert_int_equal(listen(fd, 8), 0);
        return fd;
}

static void make(const char *path)
{
        char full[128];

        snprintf(full, sizeof(full), "%s%s", dir, path);
        assert_int_equal(mkdir(full, 0755), 0);
}

static int setup(void **state)
{
        (void)state;
        assert_non_null(mkdtemp(dir));
        assert_int_equal(chmod(dir, 0755), 0);
        make("/run");
        make("/run/dbus");
        return 0;
}

static int teardown(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(fs_remove_tree(dir, &err), 0);
        strcpy(dir, "/tmp/ec-test.XXXXXX");
        return 0;
}

static size_t open_descriptors(void)
{
        _cleanup_closedir_ DIR *d = opendir("/proc/self/fd");
        size_t n = 0;

        assert_non_null(d);
        while (readdir(d))
                n++;
        return n;
}

static void serves(bool user_ns)
{
        int ready[2], mapped[2], listener, status;
        size_t descriptors, sent;
        char data[4096];
        ssize_t n;
        struct leader l;
        sd_bus *bus = NULL;
        pid_t pid;
        char c;

        if (geteuid())
                skip();
        listener = listen_in("/run/dbus/system_bus_socket");
        assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(mapped, O_CLOEXEC), 0);
        pid = fork();
        if (!pid)
                serve(user_ns, ready[1], mapped[0], listener);
        close(ready[1]), close(mapped[0]);
        assert_int_equal(read(ready[0], &c, 1), 1);
        l = (struct leader){ (uint32_t)pid, (int)syscall(SYS_pidfd_open, pid, 0) };
        assert_int_equal(leader_other_namespace(&l, "user"), user_ns);
        assert_int_equal(leader_other_namespace(&l, "net"), 0);
        if (user_ns) {
                write_map(pid, "uid_map");
                write_map(pid, "gid_map");
        }
        assert_int_equal(write(mapped[1], "x", 1), 1);
        assert_int_equal(read(ready[0], &c, 1), 1);
        descriptors = open_descriptors();
        assert_int_equal(inner_bus_open(&l, NULL, &bus), 0);
        assert_int_equal(write(mapped[1], "x", 1), 1);
        assert_int_equal(read(ready[0], &sent, sizeof(sent)), sizeof(sent));
        alarm(60);
        /* The last bytes come with the descriptor, and so not at all. */
        for (n = 1; n > 0 && sent > 0; sent -= (size_t)n)
                n = poll(&(struct pollfd){ .fd = sd_bus_get_fd(bus), .events = POLLIN }, 1, 1000) <= 0
                            ? 0
                            : read(sd_bus_get_fd(bus), data, sent < sizeof(data) ? sent : sizeof(data));
        /* It does not hold us, and it is not here. */
        (void)sd_bus_process(bus, NULL);
        assert_int_equal(open_descriptors(), descriptors + 1);
        sd_bus_close_unref(bus);
        alarm(0);
        assert_int_equal(write(mapped[1], "x", 1), 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        leader_close(&l);
        close(listener);
}

static void test_user(void **state)
{
        (void)state;
        serves(true);
}

static void test_no_user(void **state)
{
        (void)state;
        serves(false);
}

/* A link in the container to a socket of the host is not followed out of it. */
static void test_link(void **state)
{
        char link[128], target[128];
        sd_bus *bus = NULL;
        int listener, ready[2], r;
        struct leader l;
        pid_t pid;
        char c;

        (void)state;
        if (geteuid())
                skip();
        listener = listen_in("/outside");
        make("/root");
        make("/root/run");
        make("/root/run/dbus");
        snprintf(target, sizeof(target), "%s/outside", dir);
        snprintf(link, sizeof(link), "%s/root/run/dbus/system_bus_socket", dir);
        assert_int_equal(symlink(target, link), 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        if (!pid) {
                snprintf(link, sizeof(link), "%s/root", dir);
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                _exit(unshare(CLONE_NEWNS) < 0 || chroot(link) < 0 || write(ready[1], "x", 1) != 1 || pause() < 0);
        }
        assert_int_equal(read(ready[0], &c, 1), 1);
        l = (struct leader){ (uint32_t)pid, (int)syscall(SYS_pidfd_open, pid, 0) };
        r = inner_bus_open(&l, NULL, &bus);
        /* The connection is lost now or later. */
        while (r >= 0 && sd_bus_process(bus, NULL) >= 0 && sd_bus_is_open(bus) > 0)
                (void)sd_bus_wait(bus, 60 * USEC_PER_SEC);
        sd_bus_close_unref(bus);
        assert_int_equal(accept4(listener, NULL, NULL, SOCK_NONBLOCK), -1);
        assert_int_equal(errno, EAGAIN);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(inner_bus_open(&l, NULL, &bus), -ESRCH);
        leader_close(&l);
        close(listener);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_user, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_user, setup, teardown),
                cmocka_unit_test_setup_teardown(test_link, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
