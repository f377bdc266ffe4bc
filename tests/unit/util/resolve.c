/* SPDX-License-Identifier: MIT */
#include "fs_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "util/resolve.h"

static int root;

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
        int r = resolve_read(root, path, 1 << 20, &text);

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
        assert_int_equal(resolve_read(root, "up", 100, &text), -ENOENT);
        assert_int_equal(symlink("loop", at("root/loop")), 0);
        assert_int_equal(resolve_read(root, "loop", 100, &text), -ELOOP);
        assert_null(text);
}

static void test_kinds(void **state UNUSED)
{
        char *text = NULL;

        /* Neither of them blocks. */
        assert_int_equal(mkfifo(at("root/fifo"), 0600), 0);
        assert_int_equal(resolve_read(root, "fifo", 100, &text), FS_NOT_REGULAR);
        assert_int_equal(resolve_read(root, "etc", 100, &text), FS_NOT_REGULAR);
        assert_int_equal(resolve_read(root, "none", 100, &text), -ENOENT);
        assert_null(text);
        /* To open a device of this number fails; it is not even tried. */
        if (mknod(at("root/device"), S_IFCHR | 0600, makedev(60, 1)) < 0)
                skip();
        assert_int_equal(resolve_read(root, "device", 100, &text), FS_NOT_REGULAR);
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
        assert_int_equal(resolve_read(root, "etc/passwd", 100, &text), -EAGAIN);
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
        assert_int_equal(resolve_read(root, "big", 5000, &text), -EFBIG);
        assert_null(text);
        free(big);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
        const struct CMUnitTest tests[] = { TEST(test_inside),   TEST(test_links), TEST(test_kinds),
                                            TEST(test_blocking), TEST(test_size),  TEST(test_failed) };

        return cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
}
