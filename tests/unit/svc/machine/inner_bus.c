/* SPDX-License-Identifier: MIT */
/* Connections to the bus of a "container": a process with another root and user namespace, made by root. */
#include "svc/machine/inner_bus.h"

#include "in_child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fs_remove.h"

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

/* Can the kernel refuse descriptors for a socket? */
static bool can_refuse(void)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &(int){ 0 }, sizeof(int)) >= 0;
}

/* 0: the other end has it. */
static int send_descriptor(int fd)
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

        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Its status says whether its own root has connected. */
static void serve(int ready, int mapped, int listener)
{
        char c;
        struct ucred peer;
        socklen_t len = sizeof(peer);
        int fd;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || write(ready, "x", 1) != 1 || read(mapped, &c, 1) != 1 ||
            chroot(dir) < 0 || setresuid(0, 0, 0) < 0 || write(ready, "x", 1) != 1)
                _exit(1);
        fd = accept(listener, NULL, NULL);
        if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
                _exit(2);
        if (read(mapped, &c, 1) != 1)
                _exit(4);
        if (can_refuse() && !send_descriptor(fd))
                _exit(5);
        _exit(peer.uid == 0 && peer.gid == 0 ? 0 : 3);
}

static int listen_in(const char *path)
{
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

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

static void test_user(void **state)
{
        int ready[2], mapped[2], listener, status;
        struct leader l;
        sd_bus *bus = NULL;
        pid_t pid;
        char c;

        (void)state;
        if (geteuid())
                skip();
        listener = listen_in("/run/dbus/system_bus_socket");
        assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(mapped, O_CLOEXEC), 0);
        pid = fork();
        if (!pid)
                serve(ready[1], mapped[0], listener);
        assert_int_equal(read(ready[0], &c, 1), 1);
        assert_int_equal(leader_open(pid, &l), 0);
        assert_int_equal(leader_other_namespace(&l, "user"), 1);
        assert_int_equal(leader_other_namespace(&l, "net"), 0);
        write_map(pid, "uid_map");
        write_map(pid, "gid_map");
        assert_int_equal(write(mapped[1], "x", 1), 1);
        assert_int_equal(read(ready[0], &c, 1), 1);
        assert_int_equal(inner_bus_open(&l, &bus), 0);
        assert_int_equal(write(mapped[1], "x", 1), 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(geteuid(), 0);
        sd_bus_close_unref(bus);
        leader_close(&l);
        close(listener);
}

/* A link in the container to a socket of the host is not followed out of it. */
static void test_link(void **state)
{
        char link[128], target[128];
        sd_bus *bus = NULL;
        int listener, ready[2];
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
        assert_int_equal(leader_open(pid, &l), 0);
        assert_int_equal(inner_bus_open(&l, &bus), -ENOENT);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(inner_bus_open(&l, &bus), -ESRCH);
        leader_close(&l);
        close(listener);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_user, setup, teardown),
                cmocka_unit_test_setup_teardown(test_link, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
