/* SPDX-License-Identifier: MIT */
#include "fs_fixture.h"

#include <sched.h>
#include <sys/mount.h>

#include "util/fs_unmount.h"

static bool mounted(const char *name)
{
        struct stat a, b;

        must(stat(top, &a) == 0 && stat(at(name), &b) == 0);
        return a.st_dev != b.st_dev;
}

static void own_mounts(void)
{
        if (geteuid() || unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                _exit(0); /* not possible here */
}

static void in_test_unmount(void)
{
        struct ec_err err = { 0 };

        own_mounts();
        must(fs_mkdir_p(at("d/a"), 0755) == 0 && fs_mkdir_p(at("dd"), 0755) == 0);
        must(mount("none", at("d/a"), "tmpfs", 0, NULL) == 0 && mkdir(at("d/a/inner \t\\"), 0755) == 0);
        must(mount("none", at("d/a/inner \t\\"), "tmpfs", 0, NULL) == 0);
        must(mount("none", at("d/a"), "tmpfs", 0, NULL) == 0); /* covers the others */
        must(mount("none", at("dd"), "tmpfs", 0, NULL) == 0);
        fs_unmount_below(at("d"), &err);
        must(!err.code && !mounted("d/a"));
        must(mounted("dd")); /* its name only has the same beginning */
        /* The directory itself is a mount. */
        fs_unmount_below(at("dd"), &err);
        must(!err.code && !mounted("dd"));
}
CHILD_TEST(test_unmount)

static void in_test_stuck(void)
{
        struct ec_err err = { 0 };

        own_mounts();
        must(fs_mkdir_p(at("d/a"), 0755) == 0 && mount("none", at("d/a"), "tmpfs", 0, NULL) == 0);
        /* A new namespace may not unmount the mounts that it inherited. */
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return;
        fs_unmount_below(at("d"), &err);
        must(err.code < 0 && strstr(err_msg(&err), "cannot unmount '") && strstr(err_msg(&err), "d/a'"));
        must(mounted("d/a"));
        _exit(0);
}
CHILD_TEST(test_stuck)

static void test_unescape(void **state)
{
        /* What follows the end is not a part of it. */
        char s[] = "/a\\040b\\134040\\011\\1", cut[] = "/a\\1\0bcde", other[] = "/\\8\\ 12\\-1\\\\";

        (void)state;
        fs_mountinfo_unescape(s);
        assert_string_equal(s, "/a b\\040\t\\1");
        fs_mountinfo_unescape(cut);
        assert_string_equal(cut, "/a\\1");
        fs_mountinfo_unescape(other);
        assert_string_equal(other, "/\\8\\ 12\\-1\\\\");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = { TEST(test_unmount), TEST(test_stuck), cmocka_unit_test(test_unescape) };

        return cmocka_run_group_tests_name("fs_unmount", tests, NULL, NULL);
}
