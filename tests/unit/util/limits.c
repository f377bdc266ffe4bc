/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "in_child.h"

#include <sched.h>
#include <sys/resource.h>

#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/limits.h"
#include "util/strv.h"

static void test_hint(void **state UNUSED)
{
        assert_non_null(strstr(limits_hint(-EMFILE), "ulimit -n"));
        assert_non_null(strstr(limits_hint(-ENFILE), "fs.file-max"));
        assert_null(limits_hint(-EIO));
        assert_null(limits_hint(0));
}

static void test_fork_text(void **state UNUSED)
{
        assert_non_null(strstr(limits_fork_text(-EAGAIN), "kernel.pid_max"));
        assert_string_equal(limits_fork_text(-ENOENT), strerror(ENOENT));
}

static char *top, *sys;

static void put(const char *name, const char *text)
{
        char *path = fs_join(sys, name), *end = strrchr(path, '/');

        *end = 0;
        assert_int_equal(fs_mkdir_p(path, 0755), 0);
        *end = '/';
        assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644), 0);
        free(path);
}

static void test_reached(void **state UNUSED)
{
        struct ec_err err = { 0 };

        top = temp_dir();
        sys = fs_join(top, "sys");
        assert_int_equal(mkdir(sys, 0755), 0);
        assert_null(limits_reached(sys));
        put("kernel/pty/nr", "3060\n");
        put("kernel/pty/max", "4096\n");
        put("kernel/pty/reserve", "1024\n");
        put("fs/file-nr", "1024\t0\t9223372036854775807\n");
        assert_null(limits_reached(sys));
        put("kernel/pty/nr", "3070\n");
        assert_non_null(strstr(limits_reached(sys), "kernel.pty.max"));
        put("kernel/pty/nr", "3\n");
        put("fs/file-nr", "95000\t0\t100000\n");
        assert_non_null(strstr(limits_reached(sys), "fs.file-max"));
        put("fs/file-nr", "5000\t0\t100000\n");
        put("kernel/pid_max", "4194304\n");
        put("kernel/threads-max", "1000\n");
        put("../loadavg", "0.52 0.58 0.59 2/950 5678\n");
        assert_non_null(strstr(limits_reached(sys), "kernel.threads-max"));
        put("../loadavg", "0.52 0.58 0.59 950/50 5678\n");
        assert_null(limits_reached(sys));
        assert_int_equal(fs_remove_tree(top, &err), 0);
        free(sys), free(top);
}

/* A user namespace has a limit of its own. */
static void in_test_inotify(void)
{
        static const char sysctl[] = "/proc/sys/user/max_inotify_instances";
        FILE *f;

        if (geteuid() || unshare(CLONE_NEWUSER) < 0 || !(f = fopen(sysctl, "we")))
                return;
        must(fputs("20", f) > 0 && fclose(f) == 0);
        must(!limits_reached("/none"));
        f = fopen(sysctl, "we");
        must(f && fputs("4", f) > 0 && fclose(f) == 0);
        must(strstr(limits_reached("/none"), "fs.inotify.max_user_instances") != NULL);
        /* Our own limit is none of the host's. */
        must(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 5, 5 }) == 0);
        must(!limits_reached("/none"));
}
CHILD_TEST(test_inotify)

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_hint), cmocka_unit_test(test_fork_text),
                                            cmocka_unit_test(test_reached), cmocka_unit_test(test_inotify) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
