/* SPDX-License-Identifier: MIT */
#include "fs_fixture.h"

#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/strv.h"

static void dir(const char *name)
{
        assert_int_equal(fs_mkdir_p(at(name), 0755), 0);
}

static void file(const char *name)
{
        assert_int_equal(fs_write_atomic(at(name), "x", 1, 0644), 0);
}

static bool there(const char *name)
{
        struct stat st;

        return lstat(at(name), &st) == 0;
}

static void gone(const char *name)
{
        struct ec_err err = { 0 };
        int r = fs_remove_tree(at(name), &err);

        assert_string_equal(err_msg(&err), "");
        assert_int_equal(r, 0);
        assert_false(there(name));
}

static void test_kinds(void **state)
{
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)state;
        gone("none");
        gone("none/at/all");
        file("f");
        gone("f");
        assert_int_equal(fs_remove_tree(at("f/x"), NULL), 0);
        dir("d");
        gone("d");
        dir("d/e/f");
        file("d/1");
        file("d/e/2");
        file("d/e/f/3");
        file("kept");
        assert_int_equal(symlink("../kept", at("d/link")), 0);
        assert_int_equal(symlink("..", at("d/up")), 0);
        assert_int_equal(symlink("nowhere", at("d/dangling")), 0);
        assert_int_equal(mkfifo(at("d/fifo"), 0600), 0);
        snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/d/socket", top);
        assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
        close(fd);
        gone("d");
        assert_true(there("kept"));
        /* The link is removed, not what it points to. */
        dir("d/sub");
        assert_int_equal(symlink("d", at("link")), 0);
        gone("link");
        assert_true(there("d/sub"));
        /* A path through a link. */
        assert_int_equal(symlink("d", at("link")), 0);
        gone("link/sub");
        assert_true(there("d"));
        dir("slash/x");
        assert_int_equal(fs_remove_tree(at("slash///"), NULL), 0);
        assert_false(there("slash"));
}

static void test_refused(void **state)
{
        static const char *const bad[] = { "", "/", "//", ".", "..", "a/.", "a/..", "/.." };
        struct ec_err err = { 0 };

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                assert_int_equal(fs_remove_tree(bad[i], &err), -EINVAL);
                assert_err(&err, -EINVAL, "not name an entry");
        }
}

static void test_permissions(void **state)
{
        (void)state;
        dir("d/closed/inner");
        file("d/closed/f");
        assert_int_equal(chmod(at("d/closed/inner"), 0), 0);
        assert_int_equal(chmod(at("d/closed"), 0), 0);
        assert_int_equal(chmod(at("d"), 0500), 0);
        gone("d");
}

/* Not as root, who ignores permissions. */
static void in_test_permissions_as_user(void)
{
        if (geteuid() == 0)
                must(chmod(top, 0777) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
        must(fs_mkdir_p(at("u/closed/inner"), 0755) == 0);
        must(fs_write_atomic(at("u/closed/f"), "", 0, 0) == 0);
        must(chmod(at("u/closed/inner"), 0) == 0 && chmod(at("u/closed"), 0) == 0 && chmod(at("u"), 0500) == 0);
        must(fs_remove_tree(at("u"), NULL) == 0 && !there("u"));
        _exit(0); /* without privileges, a leak check cannot run */
}
CHILD_TEST(test_permissions_as_user)

/* Files that others own stay, the rest is removed, and the first that stays is named. */
static void in_test_denied(void)
{
        struct ec_err err = { 0 };

        if (geteuid())
                return;
        must(fs_mkdir_p(at("d/a"), 0755) == 0 && fs_mkdir_p(at("d/mine"), 0755) == 0 &&
             fs_mkdir_p(at("d/z"), 0755) == 0);
        must(fs_write_atomic(at("d/a/f"), "", 0, 0644) == 0 && fs_write_atomic(at("d/mine/f"), "", 0, 0644) == 0);
        must(chown(at("d/mine"), 65534, 65534) == 0 && chown(at("d"), 65534, 65534) == 0 && chmod(top, 0777) == 0);
        must(setgid(65534) == 0 && setuid(65534) == 0);
        must(fs_remove_tree(at("d"), &err) == -EACCES);
        must(strstr(err_msg(&err), "/d/a/f': Permission denied") != NULL);
        must(!there("d/mine") && !there("d/z") && there("d/a/f"));
        _exit(0);
}
CHILD_TEST(test_denied)

static bool immutable(const char *name, bool on)
{
        int fd = open(at(name), O_RDONLY | O_CLOEXEC), flags = 0;
        bool ok = fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;

        flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
        ok = ok && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
        if (fd >= 0)
                close(fd);
        return ok;
}

static void test_immutable(void **state)
{
        (void)state;
        dir("d/var/empty");
        file("d/var/f");
        file("d/append");
        if (!immutable("d/var/empty", true))
                skip();
        assert_true(immutable("d/var/f", true));
        int fd = open(at("d/append"), O_RDONLY | O_CLOEXEC), flags = 0;
        assert_int_equal(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
        flags |= FS_APPEND_FL;
        assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &flags), 0);
        close(fd);
        assert_true(immutable("d/var", true));
        assert_true(immutable("d", true));
        gone("d");
        file("f");
        assert_true(immutable("f", true));
        gone("f");
        /* The flags of the directory that contains the tree are not changed. */
        dir("held/d");
        assert_true(immutable("held", true));
        struct ec_err err = { 0 };
        assert_int_equal(fs_remove_tree(at("held/d"), &err), -EPERM);
        assert_err(&err, -EPERM, "held/d'");
        assert_true(there("held/d"));
        assert_true(immutable("held", false));
}

/* A tree deeper than the longest path. */
static void test_deep(void **state)
{
        char name[101];
        int fd;

        (void)state;
        memset(name, 'n', 100);
        name[100] = 0;
        dir("d");
        fd = open(at("d"), O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (int i = 0; i < 200; i++) {
                int next;

                assert_int_equal(mkdirat(fd, name, 0755), 0);
                next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                close(fd);
                fd = next;
        }
        close(fd);
        gone("d");
}

static void test_wide(void **state)
{
        (void)state;
        for (int i = 0; i < 500; i++) {
                char name[32];

                snprintf(name, sizeof(name), "d/d%d", i);
                dir(name);
                snprintf(name, sizeof(name), "d/f%d", i);
                int fd = open(at(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

                assert_true(fd >= 0);
                close(fd);
        }
        gone("d");
}

/* ---- mounts, in a separate namespace --------------------------------------- */

static void own_mounts(void)
{
        if (geteuid() || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                _exit(0); /* not possible here */
}

static void in_test_mounts(void)
{
        struct ec_err err = { 0 };

        own_mounts();
        must(fs_mkdir_p(at("d/mnt/inner"), 0755) == 0 && fs_mkdir_p(at("precious"), 0755) == 0 &&
             fs_mkdir_p(at("d/with blank\tand tab"), 0755) == 0);
        must(fs_write_atomic(at("precious/f"), "x", 1, 0644) == 0 && fs_write_atomic(at("d/file"), "x", 1, 0644) == 0);
        must(mount(at("precious"), at("d/mnt/inner"), NULL, MS_BIND, NULL) == 0);
        must(mount("none", at("d/mnt/inner"), "tmpfs", 0, NULL) == 0); /* mounted in another mount */
        must(mount(at("precious"), at("d/with blank\tand tab"), NULL, MS_BIND, NULL) == 0);
        must(mount(at("precious/f"), at("d/file"), NULL, MS_BIND, NULL) == 0);
        must(fs_remove_tree(at("d"), &err) == 0 && !err.code);
        must(!there("d") && there("precious/f"));
        /* A mount whose path only begins with the same characters is not in the tree. */
        must(mkdir(at("dd"), 0755) == 0 && mkdir(at("d"), 0755) == 0 && mount("none", at("dd"), "tmpfs", 0, NULL) == 0);
        must(fs_write_atomic(at("dd/f"), "x", 1, 0644) == 0);
        must(fs_remove_tree(at("d"), &err) == 0 && there("dd/f"));
        must(umount(at("dd")) == 0);
        /* The tree itself is a mount. */
        must(mkdir(at("m"), 0755) == 0 && mount("none", at("m"), "tmpfs", 0, NULL) == 0);
        must(fs_remove_tree(at("m"), &err) == 0 && !there("m"));
}
CHILD_TEST(test_mounts)

/* Mounts that cannot be undone, such as those of an outer namespace, and their contents are not touched. */
static void in_test_locked_mounts(void)
{
        struct ec_err err = { 0 };

        own_mounts();
        must(fs_mkdir_p(at("d/mnt"), 0755) == 0 && fs_mkdir_p(at("precious"), 0755) == 0);
        must(fs_write_atomic(at("precious/f"), "x", 1, 0644) == 0 && fs_write_atomic(at("d/other"), "x", 1, 0644) == 0);
        must(mount(at("precious"), at("d/mnt"), NULL, MS_BIND, NULL) == 0);
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return;
        /* A new namespace may not unmount the mounts that it inherited. */
        must(fs_remove_tree(at("d"), &err) < 0);
        must(strstr(err_msg(&err), "d/mnt'") != NULL);
        must(there("precious/f") && there("d/mnt/f"));
        _exit(0);
}
CHILD_TEST(test_locked_mounts)

/* Another process adds files meanwhile. */
static void test_busy(void **state)
{
        struct ec_err err = { 0 };
        pid_t pid;
        int r;

        (void)state;
        dir("d/sub");
        fflush(NULL);
        pid = fork();
        if (!pid) {
                char name[32];

                for (unsigned i = 0;; i = (i + 1) % 1000) {
                        snprintf(name, sizeof(name), "d/sub/f%u", i);
                        int fd = open(at(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

                        if (fd < 0 && errno == ENOENT)
                                _exit(0); /* the directory was removed */
                        if (fd >= 0)
                                close(fd);
                }
        }
        r = fs_remove_tree(at("d"), &err);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        /* It either succeeds or fails; in both cases it ends. */
        if (r < 0)
                assert_err(&err, -ENOTEMPTY, "d/sub'");
        else
                assert_false(there("d"));
}

/* ---- a process that makes directories without end --------------------------- */

#define SECONDS   10
#define KILOBYTES 32768

static void make_deep(int top_fd)
{
        while (mkdirat(top_fd, "a", 0755) >= 0 || errno == EEXIST) {
                int fd = dup(top_fd), next;

                while (mkdirat(fd, "a", 0755) >= 0 || errno == EEXIST) {
                        next = openat(fd, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                        if (next < 0)
                                break;
                        close(fd);
                        fd = next;
                }
                close(fd);
        }
}

static void make_wide(int fd)
{
        char name[32];

        for (unsigned i = 0; i < UINT_MAX; i++) {
                snprintf(name, sizeof(name), "%u", i);
                if (mkdirat(fd, name, 0755) < 0 && errno == ENOENT)
                        return;
        }
}

/* Two old directories become subdirectories of each other in turn. */
static void make_circle(int fd)
{
        mkdirat(fd, "a", 0755);
        mkdirat(fd, "a/b", 0755);
        while (renameat(fd, "a/b", fd, "b") >= 0 && renameat(fd, "a", fd, "b/a") >= 0 &&
               renameat(fd, "b/a", fd, "a") >= 0 && renameat(fd, "b", fd, "a/b") >= 0)
                ;
}

/* On a slow one, the other process may be too slow to matter. */
static bool fast_fs(void)
{
        if (geteuid() || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return false;
        must(mount("none", top, "tmpfs", 0, "nr_inodes=400k") == 0);
        return true;
}

static void remove_limited(void (*make)(int fd), bool fails)
{
        struct rusage before, after;
        struct ec_err err = { 0 };
        pid_t maker;
        int r;

        fails = fast_fs() && fails;
        must(fs_mkdir_p(at("d/shared"), 0755) == 0 && fs_mkdir_p(at("d/other/x"), 0755) == 0);
        maker = fork();
        if (!maker) {
                must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
                make(open(at("d/shared"), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
                _exit(0);
        }
        usleep(50000);
        alarm(SECONDS);
        getrusage(RUSAGE_SELF, &before);
        r = fs_remove_tree(at("d"), &err);
        getrusage(RUSAGE_SELF, &after);
        alarm(CHILD_SECONDS);
        must(kill(maker, SIGKILL) == 0 && waitpid(maker, NULL, 0) == maker);
#ifndef __SANITIZE_ADDRESS__ /* which keeps memory that was freed */
        must(after.ru_maxrss - before.ru_maxrss < KILOBYTES);
#endif
        if (fails || r < 0) {
                must(r < 0 && strstr(err_msg(&err), "cannot remove '") && strstr(err_msg(&err), "/d/shared"));
                must(strstr(err_msg(&err), "another process ") && there("d/shared") && !there("d/other"));
                err_done(&err);
                must(fs_remove_tree(at("d"), &err) == 0); /* after the other process */
        }
        must(!there("d"));
}

static void in_test_made_deep(void)
{
        remove_limited(make_deep, true);
}
CHILD_TEST(test_made_deep)

static void in_test_made_wide(void)
{
        remove_limited(make_wide, false);
}
CHILD_TEST(test_made_wide)

static void in_test_made_circle(void)
{
        remove_limited(make_circle, false);
}
CHILD_TEST(test_made_circle)

/* More names than are read at once. */
static void in_test_long_names(void)
{
        struct ec_err err = { 0 };
        char name[256];
        int d;

        (void)fast_fs();
        must(fs_mkdir_p(at("d"), 0755) == 0);
        must(fs_write_atomic(at("d/0"), "", 0, 0644) == 0 && fs_write_atomic(at("d/1"), "", 0, 0644) == 0);
        d = open(at("d"), O_PATH | O_DIRECTORY | O_CLOEXEC);
        memset(name, 'n', 255);
        name[255] = 0;
        for (int i = 0; i < 70000; i++) {
                name[snprintf(name, 8, "%06d", i)] = 'n';
                must(linkat(d, i % 2 ? "1" : "0", d, name, 0) == 0);
        }
        close(d);
        must(fs_remove_tree(at("d"), &err) == 0 && !there("d"));
}
CHILD_TEST(test_long_names)

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_kinds),     TEST(test_refused),       TEST(test_permissions), TEST(test_permissions_as_user),
                TEST(test_denied),    TEST(test_immutable),     TEST(test_deep),        TEST(test_wide),
                TEST(test_mounts),    TEST(test_locked_mounts), TEST(test_busy),        TEST(test_made_deep),
                TEST(test_made_wide), TEST(test_made_circle),   TEST(test_long_names),
        };
        return cmocka_run_group_tests_name("fs_remove", tests, NULL, NULL);
}
