/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "model/operation/tmp_dir.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"

static bool exists(const char *path)
{
        struct stat st;

        return lstat(path, &st) == 0;
}

static void test_make(void **state)
{
        struct tmp_dir t = TMP_DIR_INIT;
        _cleanup_free_ char *path = NULL, *file = NULL;
        struct ec_err err = { 0 };
        struct stat st;

        (void)state;
        assert_int_equal(tmp_dir_make(&t, &err), 0);
        assert_int_equal(stat(t.path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(st.st_uid, geteuid());
        assert_int_equal(fcntl(t.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        path = strdup(t.path);
        file = fs_join(path, "file");
        assert_int_equal(fs_write_atomic(file, "x", 1, 0600), 0);
        tmp_dir_remove(&t);
        assert_false(exists(path));
        assert_null(t.path);
        tmp_dir_remove(&t); /* nothing left to do */
}

/* The directory of another run stays while that run lives, and is removed later together with Nix's links to it. */
static void test_sweep(void **state)
{
        struct tmp_dir t = TMP_DIR_INIT;
        struct ec_err err = { 0 };
        char path[256] = "", nix[] = "/tmp/ec-test.XXXXXX";
        _cleanup_free_ char *roots = NULL, *link = NULL, *target = NULL;
        int out[2], status;
        pid_t pid;

        (void)state;
        assert_int_equal(pipe(out), 0);
        pid = fork();
        if (pid == 0) {
                if (tmp_dir_make(&t, &err) < 0 || write(out[1], t.path, strlen(t.path) + 1) < 0)
                        _exit(1);
                for (;;)
                        pause();
        }
        assert_true(read(out[0], path, sizeof(path) - 1) > 0);
        assert_int_equal(tmp_dir_make(&t, &err), 0);
        assert_true(exists(path));
        tmp_dir_remove(&t);

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(exists(path));
        assert_non_null(mkdtemp(nix));
        setenv("NIX_STATE_DIR", nix, 1);
        roots = fs_join(nix, "gcroots/auto");
        link = fs_join(roots, "x");
        target = fs_join(path, "gcroot/result");
        assert_true(fs_mkdir_p(roots, 0755) >= 0 && symlink(target, link) >= 0);
        assert_int_equal(tmp_dir_make(&t, &err), 0);
        assert_false(exists(path));
        assert_false(exists(link));
        tmp_dir_remove(&t);
        unsetenv("NIX_STATE_DIR");
        assert_int_equal(fs_remove_tree(nix, &err), 0);
        close(out[0]);
        close(out[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_make), cmocka_unit_test(test_sweep) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
