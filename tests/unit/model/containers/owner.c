/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/containers/owner.h"

static int setup(void **state)
{
        unsetenv("EXTRA_CONTAINER_SESSION");
        *state = fx_new();
        return 0;
}

static int teardown(void **state)
{
        fx_free(*state);
        return 0;
}

static void test_session(void **state)
{
        struct fixture *f = *state;
        char *path = fx_path(f, "/run/ec/sessions/a"), *text, *value;
        int fd;
        pid_t pid;

        assert_int_equal(owner_check(&f->layout, "a", &f->err), 0);
        owner_forget(&f->layout, "a");
        assert_false(owner_any(&f->layout));
        pid = fx_open_session(path, &fd);
        assert_true(owner_any(&f->layout));
        assert_int_equal(owner_check(&f->layout, "a", &f->err), -EBUSY);
        text = str_printf("a session with 'a' is open (process %d); end it first, for example with 'kill %d'", pid,
                          pid);
        assert_string_equal(err_msg(&f->err), text);
        err_done(&f->err);
        assert_int_equal(owner_check(&f->layout, "b", &f->err), 0);
        owner_forget(&f->layout, "a");
        assert_true(fs_exists(path));
        /* Inside a session, and after one of the same name has ended. */
        value = str_printf("b=/no a=%s", f->dir);
        setenv("EXTRA_CONTAINER_SESSION", value, 1);
        assert_int_equal(owner_check(&f->layout, "a", &f->err), 0);
        setenv("EXTRA_CONTAINER_SESSION", "aa=/ a=/no/such/directory", 1);
        assert_int_equal(owner_check(&f->layout, "a", &f->err), -EBUSY);
        /* It is killed. */
        close(fd);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        err_done(&f->err);
        assert_int_equal(owner_check(&f->layout, "a", &f->err), 0);
        owner_forget(&f->layout, "a");
        assert_false(fs_exists(path));
        free(path), free(text), free(value);
}

/* The session has its lock, but has not written its process ID yet. */
static void test_just_opened(void **state)
{
        struct fixture *f = *state;
        char *path = fx_path(f, "/run/ec/sessions/a");
        int fd;
        pid_t pid = fx_open_session(path, &fd);

        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(owner_check(&f->layout, "a", &f->err), -EBUSY);
        assert_string_equal(err_msg(&f->err), "a session with 'a' is open; end it first");
        owner_forget(&f->layout, "a");
        assert_true(fs_exists(path));
        close(fd);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        free(path);
}

/* Our own session does not keep us from anything. */
static void test_own(void **state)
{
        struct fixture *f = *state;
        char *path = fx_path(f, "/run/ec/sessions/a");
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        int fd;

        fx_write(path, "");
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) >= 0 && dprintf(fd, "%d\n", getpid()) > 0);
        assert_int_equal(owner_check(&f->layout, "a", &f->err), 0);
        owner_forget(&f->layout, "a");
        assert_true(fs_exists(path));
        close(fd);
        free(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_session, setup, teardown),
                cmocka_unit_test_setup_teardown(test_just_opened, setup, teardown),
                cmocka_unit_test_setup_teardown(test_own, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
