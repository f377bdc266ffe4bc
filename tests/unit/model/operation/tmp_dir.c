/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "model/operation/tmp_dir.h"

static int setup(void **state)
{
        *state = fx_new();
        return 0;
}

static int teardown(void **state)
{
        fx_free(*state);
        return 0;
}

static bool exists(const char *path)
{
        struct stat st;

        return lstat(path, &st) == 0;
}

static void test_make(void **state)
{
        struct fixture *f = *state;
        struct tmp_dir t = TMP_DIR_INIT;
        _cleanup_free_ char *path = NULL, *file = NULL;
        struct stat st;

        assert_int_equal(tmp_dir_make(&f->layout, &t, &f->err), 0);
        assert_int_equal(stat(t.path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_int_equal(st.st_uid, geteuid());
        assert_int_equal(fcntl(t.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        if (!geteuid())
                assert_ptr_equal(strstr(t.path, f->layout.tmp), t.path);
        path = strdup(t.path);
        file = fs_join(path, "file");
        assert_int_equal(fs_write_atomic(file, "x", 1, 0600), 0);
        tmp_dir_remove(&t);
        assert_false(exists(path));
        assert_null(t.path);
        tmp_dir_remove(&t); /* already done */
}

/* A directory that other users can enter is not used. */
static void test_not_private(void **state)
{
        struct fixture *f = *state;
        struct tmp_dir t = TMP_DIR_INIT;

        assert_true(fs_mkdir_p(f->layout.run_state, 0755) >= 0);
        assert_int_equal(tmp_dir_make(&f->layout, &t, &f->err), 0);
        assert_ptr_equal(strstr(t.path, "/tmp/extra-container-"), t.path);
        tmp_dir_remove(&t);
}

/* The directory of another run is kept until that run ends, and then removed together with Nix's links to it. */
static void test_sweep(void **state)
{
        struct fixture *f = *state;
        struct tmp_dir t = TMP_DIR_INIT;
        char path[256] = "", nix[] = "/tmp/ec-test.XXXXXX";
        _cleanup_free_ char *roots = NULL, *link = NULL, *target = NULL;
        int out[2], status;
        pid_t pid;

        assert_int_equal(pipe(out), 0);
        pid = fork();
        if (pid == 0) {
                if (tmp_dir_make(&f->layout, &t, &f->err) < 0 || write(out[1], t.path, strlen(t.path) + 1) < 0)
                        _exit(1);
                for (;;)
                        pause();
        }
        assert_true(read(out[0], path, sizeof(path) - 1) > 0);
        assert_int_equal(tmp_dir_make(&f->layout, &t, &f->err), 0);
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
        assert_int_equal(tmp_dir_make(&f->layout, &t, &f->err), 0);
        assert_false(exists(path));
        assert_false(exists(link));
        tmp_dir_remove(&t);
        unsetenv("NIX_STATE_DIR");
        assert_int_equal(fs_remove_tree(nix, &f->err), 0);
        close(out[0]);
        close(out[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_make, setup, teardown),
                                            cmocka_unit_test_setup_teardown(test_not_private, setup, teardown),
                                            cmocka_unit_test_setup_teardown(test_sweep, setup, teardown) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
