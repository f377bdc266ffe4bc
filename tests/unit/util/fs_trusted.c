/* SPDX-License-Identifier: MIT */
#include "fs_fixture.h"

#include "util/fs_trusted.h"

#include "util/strv.h"

static void dir(const char *name, mode_t mode)
{
        assert_int_equal(mkdir(at(name), 0755), 0);
        assert_int_equal(chmod(at(name), mode), 0);
}

static void file(const char *name, mode_t mode)
{
        assert_int_equal(fs_write_atomic(at(name), "", 0, mode), 0);
}

static void good(const char *path)
{
        struct ec_err err = { 0 };
        int r = fs_trusted(path, &err);

        assert_string_equal(err_msg(&err), "");
        assert_int_equal(r, 0);
}

static void bad(const char *path, int code, const char *part)
{
        struct ec_err err = { 0 };

        assert_int_equal(fs_trusted(path, &err), code);
        if (!strstr(err_msg(&err), path))
                fail_msg("'%s' does not name %s", err_msg(&err), path);
        assert_err(&err, code, part);
}

static void test_plain(void **state)
{
        (void)state;
        good("/");
        good("/usr/bin");
        good(top); /* in /tmp, which is sticky */
        file("f", 0644);
        good(at("f"));
        good(at("./f"));
        dir("d", 0755);
        good(at("d/../f"));
        good(at("d/"));
        good("/../../usr");
        bad(at("none"), -ENOENT, "none': No such file");
        bad(at("none/x"), -ENOENT, "No such file");
        bad(at("f/x"), -ENOTDIR, "Not a directory");
        bad(at("f/../f"), -ENOTDIR, "Not a directory");
}

static void test_writable(void **state)
{
        (void)state;
        file("world", 0666);
        bad(at("world"), -EPERM, "world' is writable by everybody; run 'chmod go-w /");
        file("group", 0664);
        bad(at("group"), -EPERM, "writable by its group");
        dir("open", 0777);
        file("open/f", 0644);
        bad(at("open/f"), -EPERM, "the directory");
        dir("group-dir", 0775);
        file("group-dir/f", 0644);
        bad(at("group-dir/f"), -EPERM, "writable by its group");
        /* Like /nix/store: others cannot replace files that are not theirs, but they can add some. */
        dir("sticky", 01777);
        file("sticky/f", 0644);
        good(at("sticky/f"));
        bad(at("sticky"), -EPERM, "writable by everybody");
        /* The sticky bit does not protect a file. */
        file("sticky-file", 0644);
        assert_int_equal(chmod(at("sticky-file"), 01666), 0);
        bad(at("sticky-file"), -EPERM, "writable by everybody");
}

/* A user trusts root and their own files. */
static void as_users(void)
{
        must(seteuid(65534) == 0);
        must(fs_trusted(at("d/f"), NULL) == 0 && fs_trusted(at("safe"), NULL) == 0);
        must(seteuid(0) == 0 && seteuid(1) == 0);
        must(fs_trusted(at("d/f"), NULL) == -EPERM && fs_trusted(at("safe"), NULL) == 0);
        _exit(0);
}

static void test_owner(void **state)
{
        (void)state;
        if (geteuid())
                skip();
        file("f", 0644);
        assert_int_equal(chown(at("f"), 65534, 0), 0);
        bad(at("f"), -EPERM, "belongs to user 65534, not to root");
        dir("d", 0755);
        file("d/f", 0644);
        assert_int_equal(chown(at("d"), 65534, 0), 0);
        bad(at("d/f"), -EPERM, "belongs to user 65534");
        /* In a sticky directory, another user's link may point anywhere. */
        dir("sticky", 01777);
        file("safe", 0644);
        assert_int_equal(symlink("../safe", at("sticky/link")), 0);
        good(at("sticky/link"));
        assert_int_equal(lchown(at("sticky/link"), 65534, 0), 0);
        bad(at("sticky/link"), -EPERM, "belongs to user 65534");
        in_child(as_users);
}

/* Both the directories that contain a link and those it leads through are checked. */
static void test_links(void **state)
{
        (void)state;
        dir("a", 0755);
        file("a/f", 0644);
        dir("open", 0777);
        file("open/f", 0644);
        assert_int_equal(symlink("a/f", at("relative")), 0);
        good(at("relative"));
        assert_int_equal(symlink(at("a/f"), at("absolute")), 0);
        good(at("absolute"));
        assert_int_equal(symlink("a", at("dir")), 0);
        good(at("dir/f"));
        good(at("dir/../dir/f"));
        assert_int_equal(symlink("open/f", at("through")), 0);
        bad(at("through"), -EPERM, "open' is writable by everybody");
        assert_int_equal(symlink(at("a/f"), at("open/link")), 0);
        bad(at("open/link"), -EPERM, "open' is writable by everybody");
        assert_int_equal(symlink("open/../a/f", at("over")), 0);
        bad(at("over"), -EPERM, "open' is writable by everybody");
        assert_int_equal(symlink("loop", at("loop")), 0);
        bad(at("loop"), -ELOOP, "Too many levels");
        assert_int_equal(symlink("nowhere", at("dangling")), 0);
        bad(at("dangling"), -ENOENT, "No such file");
        assert_int_equal(symlink("a/f", at("trailing")), 0);
        bad(at("trailing/x"), -ENOTDIR, "Not a directory");
        /* ".." after a link is the parent of the link's target. */
        dir("a/sub", 0755);
        assert_int_equal(symlink("a/sub", at("sub")), 0);
        good(at("sub/../f"));
        /* As many links as the kernel follows. */
        assert_int_equal(symlink("a/f", at("l0")), 0);
        for (int i = 1; i <= 40; i++) {
                char name[16], target[16];

                snprintf(name, sizeof(name), "l%d", i);
                snprintf(target, sizeof(target), "l%d", i - 1);
                assert_int_equal(symlink(target, at(name)), 0);
        }
        good(at("l39"));
        bad(at("l40"), -ELOOP, "Too many levels");
}

static void test_relative(void **state)
{
        char *cwd = getcwd(NULL, 0);

        (void)state;
        file("f", 0644);
        file("open", 0666);
        assert_int_equal(chdir(top), 0);
        good("f");
        good("./f");
        bad("open", -EPERM, "writable by everybody");
        dir("gone", 0755);
        assert_int_equal(chdir("gone"), 0);
        assert_int_equal(rmdir(at("gone")), 0);
        bad("f", -ENOENT, "the current directory is gone");
        assert_int_equal(chdir(cwd), 0);
        free(cwd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
static void bad_tree(int code, const char *part)
{
        struct ec_err err = { 0 };

        assert_int_equal(fs_trusted_tree(at("tree"), &err), code);
        assert_err(&err, code, part);
}

static void test_tree(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(fs_mkdir_p(at("tree/a/b"), 0755), 0);
        file("tree/a/b/f", 0644);
        assert_int_equal(mkfifo(at("tree/fifo"), 0600), 0);
        assert_int_equal(symlink("a", at("tree/link")), 0);
        assert_int_equal(fs_trusted_tree(at("tree"), &err), 0);
        assert_int_equal(fs_trusted_tree(at("tree/a/b/f"), &err), 0);
        assert_int_equal(symlink("..", at("tree/a/circle")), 0);
        bad_tree(-ELOOP, "nested too deeply");
        assert_int_equal(unlink(at("tree/a/circle")), 0);
        assert_int_equal(chmod(at("tree/a/b/f"), 0646), 0);
        bad_tree(-EPERM, "tree/a/b/f' is writable by everybody");
        assert_int_equal(rename(at("tree/a"), at("outside")), 0);
        assert_int_equal(unlink(at("tree/link")), 0);
        assert_int_equal(symlink("../outside", at("tree/link")), 0);
        bad_tree(-EPERM, "b/f' is writable by everybody");
        assert_int_equal(unlink(at("tree/link")), 0);
        assert_int_equal(symlink("nowhere", at("tree/link")), 0);
        bad_tree(-ENOENT, "tree/link");
}

int main(void)
{
        const struct CMUnitTest tests[] = { TEST(test_plain), TEST(test_writable), TEST(test_owner),
                                            TEST(test_links), TEST(test_relative), TEST(test_tree) };

        return cmocka_run_group_tests_name("fs_trusted", tests, NULL, NULL);
}
