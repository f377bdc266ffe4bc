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

#include "model/operation/op.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"

static bool exists(const char *path)
{
        struct stat st;

        return lstat(path, &st) == 0;
}

static void test_tmp_dir(void **state)
{
        struct ec_op op = OP_INIT;
        _cleanup_free_ char *path = NULL, *file = NULL;
        const char *dir = NULL, *again = NULL;
        struct ec_err err = { 0 };
        struct stat st;

        (void)state;
        assert_int_equal(op_tmp_dir(&op, &dir, &err), 0);
        assert_int_equal(stat(dir, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(st.st_uid, geteuid());
        assert_int_equal(fcntl(op.tmp_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_int_equal(op_tmp_dir(&op, &again, &err), 0);
        assert_ptr_equal(dir, again);
        path = strdup(dir);
        file = fs_join(dir, "file");
        assert_int_equal(fs_write_atomic(file, "x", 1, 0600), 0);
        op_done(&op);
        assert_false(exists(path));
        assert_null(op.tmp_dir);
        op_done(&op); /* nothing left to do */
}

/* Another run's directory stays as long as it lives, whatever way it ends. Nix' link to a root in it goes with it. */
static void test_sweep(void **state)
{
        struct ec_op op = OP_INIT;
        struct ec_err err = { 0 };
        char path[256] = "", nix[] = "/tmp/ec-test.XXXXXX";
        _cleanup_free_ char *roots = NULL, *link = NULL, *target = NULL;
        const char *dir;
        int out[2], status;
        pid_t pid;

        (void)state;
        assert_int_equal(pipe(out), 0);
        pid = fork();
        if (pid == 0) {
                struct ec_op theirs = OP_INIT;

                if (op_tmp_dir(&theirs, &dir, &err) < 0 || write(out[1], dir, strlen(dir) + 1) < 0)
                        _exit(1);
                for (;;)
                        pause();
        }
        assert_true(read(out[0], path, sizeof(path) - 1) > 0);
        assert_int_equal(op_tmp_dir(&op, &dir, &err), 0);
        assert_true(exists(path));
        op_done(&op);

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(exists(path));
        assert_non_null(mkdtemp(nix));
        setenv("NIX_STATE_DIR", nix, 1);
        roots = fs_join(nix, "gcroots/auto");
        link = fs_join(roots, "x");
        target = fs_join(path, "gcroot/result");
        assert_true(fs_mkdir_p(roots, 0755) >= 0 && symlink(target, link) >= 0);
        assert_int_equal(op_tmp_dir(&op, &dir, &err), 0);
        assert_false(exists(path));
        assert_false(exists(link));
        op_done(&op);
        unsetenv("NIX_STATE_DIR");
        assert_int_equal(fs_remove_tree(nix, &err), 0);
        close(out[0]);
        close(out[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_tmp_dir), cmocka_unit_test(test_sweep) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
