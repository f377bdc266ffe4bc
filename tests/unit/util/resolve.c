/* SPDX-License-Identifier: MIT */
#include "fs_fixture.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "util/clock.h"
#include "util/helper.h"
#include "util/resolve.h"

static int root;

/* With mounts of its own, if this user may have them. */
static bool has_mounts;

static int begin(void **state)
{
        setup(state);
        assert_int_equal(fs_mkdir_p(at("root/etc"), 0755), 0);
        assert_int_equal(fs_write_atomic(at("root/etc/passwd"), "inside\n", 7, 0644), 0);
        assert_int_equal(fs_write_atomic(at("passwd"), "outside\n", 8, 0644), 0);
        root = open(at("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(root >= 0);
        return 0;
}

static int end(void **state)
{
        close(root);
        return teardown(state);
}

static void reads(const char *path, const char *expected)
{
        char *text = NULL;
        int r = resolve_read(root, path, 1 << 20, -1, &text);

        if (r < 0)
                fail_msg("%s: %s", path, strerror(-r));
        assert_string_equal(text, expected);
        free(text);
}

static void test_inside(void **state UNUSED)
{
        reads("etc/passwd", "inside\n");
        reads("/etc/passwd", "inside\n");
        reads("../../etc/../etc/passwd", "inside\n");
}

/* Links in a container do not lead out of it. */
static void test_links(void **state UNUSED)
{
        char *text = NULL;

        assert_int_equal(symlink("/etc/passwd", at("root/absolute")), 0);
        reads("absolute", "inside\n");
        assert_int_equal(symlink("../passwd", at("root/up")), 0);
        assert_int_equal(resolve_read(root, "up", 100, -1, &text), -ENOENT);
        assert_int_equal(symlink("loop", at("root/loop")), 0);
        assert_int_equal(resolve_read(root, "loop", 100, -1, &text), -ELOOP);
        assert_null(text);
}

static void test_kinds(void **state UNUSED)
{
        char *text = NULL;

        /* Neither of them blocks. */
        assert_int_equal(mkfifo(at("root/fifo"), 0600), 0);
        assert_int_equal(resolve_read(root, "fifo", 100, -1, &text), FS_NOT_REGULAR);
        assert_int_equal(resolve_read(root, "etc", 100, -1, &text), FS_NOT_REGULAR);
        assert_int_equal(resolve_read(root, "none", 100, -1, &text), -ENOENT);
        assert_null(text);
        /* To open a device of this number fails; it is not even tried. */
        if (mknod(at("root/device"), S_IFCHR | 0600, makedev(60, 1)) < 0)
                skip();
        assert_int_equal(resolve_read(root, "device", 100, -1, &text), FS_NOT_REGULAR);
}

/* A process in a container can hold a lease, or mount the kernel's log in the place of a file. */
static void test_blocking(void **state UNUSED)
{
        int fd = open(at("root/etc/passwd"), O_RDWR | O_CLOEXEC), kernel = open("/proc/version", O_PATH | O_CLOEXEC);
        char *text = NULL;

        assert_true(fd >= 0 && kernel >= 0);
        signal(SIGIO, SIG_IGN);
        if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
                skip();
        alarm(20);
        assert_int_equal(resolve_read(root, "etc/passwd", 100, -1, &text), -EAGAIN);
        alarm(0);
        assert_int_equal(fcntl(fd, F_SETLEASE, F_UNLCK), 0);
        assert_int_equal(fs_reopen_regular(kernel, O_RDONLY), FS_NOT_REGULAR);
        assert_null(text);
        close(fd), close(kernel);
}

/* "There is no such file" must not be said after these. */
static void test_failed(void **state UNUSED)
{
        static const int failures[] = { -ETIMEDOUT, -ECANCELED, -EIO, -ENOMEM, -EAGAIN, -EMFILE, -ENFILE };
        static const int answers[] = { 0, -ENOENT, -ENOTDIR, -ELOOP, -EACCES, -EFBIG, FS_NOT_REGULAR };

        for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
                assert_true(resolve_failed(failures[i]));
        for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
                assert_false(resolve_failed(answers[i]));
}

static void test_size(void **state UNUSED)
{
        char *big = malloc(100001), *text = NULL;

        memset(big, 'x', 100000);
        big[100000] = 0;
        assert_int_equal(fs_write_atomic(at("root/big"), big, 100000, 0644), 0);
        reads("big", big);
        assert_int_equal(resolve_read(root, "big", 5000, -1, &text), -EFBIG);
        assert_null(text);
        free(big);
}

/* Their makers answer no request. */
static void times_out(const char *path)
{
        uint64_t begin = clock_usec();
        struct stat st;
        int r = resolve_stat(root, path, -1, &st);

        assert_int_equal(r, -ETIMEDOUT);
        assert_string_equal(resolve_strerror(r), "its file systems do not answer");
        assert_in_range(clock_usec() - begin, HELPER_SECONDS * USEC_PER_SEC, 60 * USEC_PER_SEC);
}

static void is_woken(const char *path)
{
        uint64_t begin = clock_usec();
        struct stat st;
        int p[2];

        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        assert_int_equal(write(p[1], "x", 1), 1);
        assert_int_equal(resolve_stat(root, path, p[0], &st), -ECANCELED);
        assert_true(clock_usec() - begin < HELPER_SECONDS * USEC_PER_SEC);
        close(p[0]), close(p[1]);
}

static void test_automount(void **state UNUSED)
{
        char options[64];
        int p[2];
        pid_t pid;

        if (!has_mounts)
                skip();
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        /* Its own process group alone does not wait. */
        pid = fork();
        if (!pid) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        pause();
        }
        assert_int_equal(setpgid(pid, pid), 0);
        assert_int_equal(mkdir(at("root/slow"), 0755), 0);
        snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", p[1], (int)pid);
        if (mount("automount", at("root/slow"), "autofs", 0, options) < 0)
                skip();
        times_out("slow/passwd");
        assert_int_equal(umount2(at("root/slow"), MNT_DETACH), 0);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(p[0]), close(p[1]);
}

/* It has taken the request, so that even SIGKILL does not end the wait for the answer. */
static void take_requests(int fd)
{
        union {
                struct {
                        struct fuse_in_header header;
                        struct fuse_init_in init;
                };
                char data[1 << 17];
        } in;
        struct {
                struct fuse_out_header header;
                struct fuse_init_out init;
        } out = { 0 };

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (read(fd, &in, sizeof(in)) > 0) {
                if (in.header.opcode != FUSE_INIT)
                        continue;
                out.header = (struct fuse_out_header){ sizeof(out), 0, in.header.unique };
                out.init.major = FUSE_KERNEL_VERSION;
                out.init.minor = in.init.minor;
                out.init.max_write = 4096;
                if (write(fd, &out, sizeof(out)) < 0)
                        break;
        }
        _exit(1);
}

static void test_fuse(void **state UNUSED)
{
        int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
        char options[64];
        pid_t pid;

        if (fd < 0 || !has_mounts)
                skip();
        assert_int_equal(mkdir(at("root/slow"), 0755), 0);
        snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
        assert_int_equal(mount("fuse", at("root/slow"), "fuse", 0, options), 0);
        pid = fork();
        if (!pid)
                take_requests(fd);
        times_out("slow/passwd");
        is_woken("slow/passwd");
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(fd);
        assert_int_equal(umount2(at("root/slow"), MNT_DETACH), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
        const struct CMUnitTest tests[] = { TEST(test_inside),    TEST(test_links), TEST(test_kinds),
                                            TEST(test_blocking),  TEST(test_size),  TEST(test_failed),
                                            TEST(test_automount), TEST(test_fuse) };

        has_mounts = !geteuid() && unshare(CLONE_NEWNS) >= 0 && mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) >= 0;
        return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
