/* SPDX-License-Identifier: MIT */
#include "fs_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "util/strv.h"

static void put(const char *name, const char *text)
{
        assert_int_equal(fs_write_atomic(at(name), text, strlen(text), 0644), 0);
}

static char *read_link(const char *name)
{
        char *s = NULL;

        assert_int_equal(fs_readlinkat(AT_FDCWD, at(name), &s), 0);
        return s;
}

static size_t entries(void)
{
        DIR *d = opendir(top);
        size_t n = 0;

        for (struct dirent *e; (e = readdir(d));)
                n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
        closedir(d);
        return n;
}

static void test_has_entries(void **state)
{
        (void)state;
        assert_int_equal(fs_mkdir_p(at("empty"), 0755), 0);
        assert_false(fs_has_entries(at("empty")));
        assert_false(fs_has_entries(at("nothing")));
        put("empty/.hidden", "x");
        assert_true(fs_has_entries(at("empty")));
        assert_false(fs_has_entries(at("empty/.hidden"))); /* a file */
}

static void test_read(void **state)
{
        char *text = NULL, big[10001];
        size_t len = 0;

        (void)state;
        put("empty", "");
        assert_int_equal(fs_read(at("empty"), 10, &text, &len), 0);
        assert_string_equal(text, "");
        assert_int_equal(len, 0);
        free(text);
        memset(big, 'x', 10000);
        big[10000] = 0;
        put("big", big);
        assert_int_equal(fs_read(at("big"), 10000, &text, &len), 0);
        assert_int_equal(len, 10000);
        assert_string_equal(text, big);
        free(text);
        assert_int_equal(fs_read(at("big"), 9999, &text, &len), -EFBIG);
        assert_int_equal(fs_read(at("big"), SIZE_MAX, &text, NULL), 0);
        free(text);
        assert_int_equal(fs_write_atomic(at("nul"), "a\0b", 3, 0644), 0);
        assert_int_equal(fs_read(at("nul"), 3, &text, &len), 0);
        assert_int_equal(len, 3);
        assert_memory_equal(text, "a\0b", 4);
        free(text);
        assert_int_equal(fs_read(at("none"), 10, &text, NULL), -ENOENT);
        /* Files that report no size. */
        assert_int_equal(fs_read("/proc/self/status", 100000, &text, &len), 0);
        assert_true(len > 100 && len == strlen(text));
        free(text);
        assert_int_equal(fs_read("/proc/self/status", 100, &text, &len), -EFBIG);
}

static void check_not_regular(const char *path)
{
        char *text = NULL;

        assert_int_equal(symlink(path, at("to")), 0);
        alarm(600); /* ends a read that blocks */
        assert_int_equal(fs_read(path, 10, &text, NULL), FS_NOT_REGULAR);
        assert_int_equal(fs_read(at("to"), 10, &text, NULL), FS_NOT_REGULAR);
        alarm(0);
        assert_int_equal(unlink(at("to")), 0);
}

static void test_not_regular(void **state)
{
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)state;
        assert_int_equal(mkfifo(at("fifo"), 0600), 0);
        assert_true(strlen(at("socket")) < sizeof(addr.sun_path));
        strcpy(addr.sun_path, at("socket"));
        assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
        check_not_regular(top);
        check_not_regular(addr.sun_path);
        check_not_regular("/dev/zero");
        check_not_regular("/dev/null");
        assert_string_equal(fs_strerror(FS_NOT_REGULAR), "it is not a regular file");
        assert_string_equal(fs_strerror(-ENOENT), strerror(ENOENT));
        close(fd);

        char *fifo = strdup(at("fifo")), event[256];
        int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

        assert_true(notify >= 0 && inotify_add_watch(notify, fifo, IN_OPEN) >= 0);
        check_not_regular(fifo);
        /* It was not even opened. */
        assert_int_equal(read(notify, event, sizeof(event)), -1);
        close(notify);
        assert_int_equal(fs_open_regular(AT_FDCWD, fifo, O_WRONLY, 0), FS_NOT_REGULAR);
        assert_int_equal(fs_open_regular(AT_FDCWD, fifo, O_RDWR | O_CREAT, 0600), FS_NOT_REGULAR);
        free(fifo);
}

static void test_readlink(void **state)
{
        char target[2001], *got;

        (void)state;
        memset(target, 'x', 2000);
        target[2000] = 0;
        /* Sizes near that of the buffer. */
        for (size_t n = 254; n <= 258; n++) {
                target[n] = 0;
                assert_int_equal(symlink(target, at("link")), 0);
                got = read_link("link");
                assert_string_equal(got, target);
                free(got);
                assert_int_equal(unlink(at("link")), 0);
                target[n] = 'x';
        }
        assert_int_equal(symlink(target, at("link")), 0);
        got = read_link("link");
        assert_string_equal(got, target);
        free(got);
        put("file", "");
        assert_int_equal(fs_readlinkat(AT_FDCWD, at("file"), &got), -EINVAL);
        assert_int_equal(fs_readlinkat(AT_FDCWD, at("none"), &got), -ENOENT);
}

static void test_mkdir(void **state)
{
        struct stat st;
        mode_t old = umask(022);

        (void)state;
        assert_int_equal(fs_mkdir_p(at("a/b/c"), 0755), 0);
        assert_int_equal(stat(at("a/b/c"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);
        assert_int_equal(fs_mkdir_p(at("a/b/c"), 0700), 0);
        assert_int_equal(stat(at("a/b/c"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755); /* an existing one is not changed */
        assert_int_equal(fs_mkdir_p(at("a//x/./y///"), 0755), 0);
        assert_int_equal(stat(at("a/x/y"), &st), 0);
        assert_int_equal(fs_mkdir_p("/", 0755), 0);
        assert_int_equal(fs_mkdir_p("/proc/self", 0755), 0); /* nothing can be created there, and nothing needs to be */
        assert_int_equal(fs_mkdir_p("/proc/nothing/here", 0755) < 0, 1);
        assert_int_equal(fs_mkdir_p("", 0755), -ENOENT);
        put("file", "");
        assert_int_equal(fs_mkdir_p(at("file"), 0755), -ENOTDIR);
        assert_int_equal(fs_mkdir_p(at("file/x"), 0755), -ENOTDIR);
        assert_int_equal(symlink("a", at("link")), 0);
        assert_int_equal(fs_mkdir_p(at("link/new"), 0755), 0);
        assert_int_equal(stat(at("a/new"), &st), 0);
        assert_int_equal(symlink("nowhere", at("dangling")), 0);
        assert_int_equal(fs_mkdir_p(at("dangling/x"), 0755), -ENOENT);

        char *cwd = getcwd(NULL, 0);

        assert_int_equal(chdir(top), 0);
        assert_int_equal(fs_mkdir_p("relative/dir", 0755), 0);
        assert_int_equal(chdir(cwd), 0);
        assert_int_equal(stat(at("relative/dir"), &st), 0);
        free(cwd);
        /* Whatever the umask. */
        umask(077);
        assert_int_equal(fs_mkdir_p(at("private/umask"), 0755), 0);
        assert_int_equal(stat(at("private/umask"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);
        assert_int_equal(stat(at("private"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);
        umask(old);
}

static void test_symlink(void **state)
{
        char *got;

        (void)state;
        assert_int_equal(fs_symlink_atomic("one", at("link")), 0);
        got = read_link("link");
        assert_string_equal(got, "one");
        free(got);
        assert_int_equal(fs_symlink_atomic("two", at("link")), 0);
        assert_int_equal(fs_symlink_atomic("two", at("link")), 0);
        got = read_link("link");
        assert_string_equal(got, "two");
        free(got);
        put("file", "");
        assert_int_equal(fs_symlink_atomic("three", at("file")), 0); /* the caller has checked */
        got = read_link("file");
        assert_string_equal(got, "three");
        free(got);
        assert_int_equal(entries(), 2); /* no temporary files are left */

        assert_int_equal(mkdir(at("dir"), 0755), 0);
        assert_int_equal(fs_symlink_atomic("x", at("dir")), -EISDIR);
        assert_int_equal(fs_symlink_atomic("x", at("none/x")), -ENOENT);
        assert_int_equal(fs_symlink_atomic("", at("empty")), -ENOENT);
        assert_int_equal(fs_symlink_atomic("x", at("")), -EINVAL);
        assert_int_equal(fs_symlink_atomic("x", at(".")), -EINVAL);
        assert_int_equal(fs_symlink_atomic("x", at("dir/..")), -EINVAL);
        assert_int_equal(entries(), 3);

        /* A temporary name is found even for the longest name. */
        char name[256];

        memset(name, 'n', 255);
        name[255] = 0;
        assert_int_equal(fs_symlink_atomic("x", at(name)), 0);
        char *cwd = getcwd(NULL, 0);

        assert_int_equal(chdir(top), 0);
        assert_int_equal(fs_symlink_atomic("here", "relative"), 0);
        assert_int_equal(chdir(cwd), 0);
        free(cwd);
        got = read_link("relative");
        assert_string_equal(got, "here");
        free(got);
}

static void test_write(void **state)
{
        mode_t old = umask(077);
        char *text = NULL;
        struct stat st;

        (void)state;
        put("file", "one");
        assert_int_equal(stat(at("file"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644); /* the given mode, regardless of the umask */
        assert_int_equal(fs_write_atomic(at("file"), "two", 3, 0600), 0);
        assert_int_equal(fs_read(at("file"), 10, &text, NULL), 0);
        assert_string_equal(text, "two");
        free(text);
        assert_int_equal(stat(at("file"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        /* Replaces a link instead of following it. */
        put("other", "safe");
        assert_int_equal(symlink("other", at("link")), 0);
        put("link", "new");
        assert_int_equal(fs_read(at("other"), 10, &text, NULL), 0);
        assert_string_equal(text, "safe");
        free(text);
        assert_int_equal(entries(), 3);
        assert_int_equal(mkdir(at("dir"), 0755), 0);
        assert_int_equal(fs_write_atomic(at("dir"), "x", 1, 0644), -EISDIR);
        assert_int_equal(fs_write_atomic(at("none/x"), "x", 1, 0644), -ENOENT);
        assert_int_equal(fs_write_atomic(at("file/x"), "x", 1, 0644), -ENOTDIR);
        assert_int_equal(fs_write_atomic(at("dir/"), "x", 1, 0644), -EINVAL);
        assert_int_equal(entries(), 4);
        umask(old);
}

/* If the disk is full, the old file stays, and nothing else is left. */
static void in_test_no_space(void)
{
        struct rlimit few = { 100, 100 };
        char *text = NULL, big[1000] = "";

        signal(SIGXFSZ, SIG_IGN);
        must(fs_write_atomic(at("file"), "old", 3, 0644) == 0);
        must(setrlimit(RLIMIT_FSIZE, &few) == 0);
        must(fs_write_atomic(at("file"), big, sizeof(big), 0644) == -EFBIG);
        must(fs_read(at("file"), 10, &text, NULL) == 0 && !strcmp(text, "old"));
        must(entries() == 1);
        free(text);
}
CHILD_TEST(test_no_space)

static void test_unlink(void **state)
{
        (void)state;
        put("file", "");
        assert_int_equal(fs_unlink(at("file")), 1);
        assert_int_equal(fs_unlink(at("file")), 0);
        put("file", "");
        assert_int_equal(fs_unlink(at("file/x")), 0);
        assert_int_equal(symlink("nowhere", at("link")), 0);
        assert_int_equal(fs_unlink(at("link")), 1);
        assert_int_equal(mkdir(at("dir"), 0755), 0);
        assert_int_equal(fs_unlink(at("dir")), -EISDIR);
}

static void test_join(void **state)
{
        static const struct {
                const char *a, *b, *want;
        } cases[] = {
                { "a", "b", "a/b" }, { "a/", "/b", "a/b" },   { "/", "b", "/b" },        { "", "b", "b" },
                { "a", "", "a/" },   { "//", "//b/", "/b/" }, { "a//", "b/c", "a/b/c" }, { "", "/b", "b" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                char *got = fs_join(cases[i].a, cases[i].b);

                assert_string_equal(got, cases[i].want);
                free(got);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
static void test_remove_temp(void **state)
{
        (void)state;
        assert_int_equal(mkdir(at("temp"), 0755), 0);
        assert_int_equal(symlink("x", at("temp/.#extra-container-0123456789abcdef")), 0);
        assert_int_equal(fs_write_atomic(at("temp/.#extra-container-1"), "", 0, 0644), 0);
        assert_int_equal(symlink("x", at("temp/container@a.service")), 0);
        assert_int_equal(symlink("x", at("temp/.#web.lck")), 0);
        fs_remove_temp(at("temp"));
        assert_int_equal(unlink(at("temp/container@a.service")), 0);
        assert_int_equal(unlink(at("temp/.#web.lck")), 0);
        assert_int_equal(rmdir(at("temp")), 0);
        fs_remove_temp(at("temp"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_has_entries), TEST(test_readlink),    TEST(test_mkdir),  TEST(test_symlink),
                TEST(test_read),        TEST(test_readlink),    TEST(test_mkdir),  TEST(test_symlink),
                TEST(test_write),       TEST(test_no_space),    TEST(test_unlink), TEST(test_join),
                TEST(test_remove_temp), TEST(test_not_regular),
        };
        return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
