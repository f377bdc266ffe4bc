/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "model/operation/lock.h"
#include "svc/process/interrupt.h"

#define LIMIT_MS 20000

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

static void test_alone(void **state)
{
        struct fixture *f = *state;
        char *text = NULL;
        struct stat st;

        assert_int_equal(op_lock(&f->op, &f->err), 0);
        assert_int_equal(fs_read(f->layout.lock, 4096, &text, NULL), 0);
        assert_int_equal(atoi(text), getpid());
        assert_non_null(strstr(text, "lock"));
        assert_int_equal(stat(f->layout.lock, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        free(text);
        op_unlock(&f->op);
        assert_int_equal(f->op.lock_fd, -1);
        op_unlock(&f->op);
        assert_int_equal(op_lock(&f->op, &f->err), 0);
        op_unlock(&f->op);
}

static bool others_can_lock(struct fixture *f)
{
        int fd = open(f->layout.lock, O_RDWR | O_CLOEXEC), r = flock(fd, LOCK_EX | LOCK_NB);

        close(fd);
        return !r;
}

static void test_nests(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(op_lock(&f->op, &f->err), 0);
        assert_int_equal(op_lock(&f->op, &f->err), 0);
        op_unlock(&f->op);
        assert_false(others_can_lock(f));
        op_unlock(&f->op);
        assert_true(others_can_lock(f));
        op_unlock(&f->op); /* an extra unlock has no effect */
        assert_int_equal(f->op.locked, 0);
}

static void wait_byte(int fd)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };
        char c;

        assert_int_equal(poll(&p, 1, LIMIT_MS), 1);
        assert_int_equal(read(fd, &c, 1), 1);
}

/* A child that holds the lock, and exits or releases it on request. */
static pid_t holder(struct fixture *f, bool crash, int *ret_go)
{
        int go[2], ready[2];
        pid_t pid;

        assert_int_equal(pipe2(go, O_CLOEXEC) | pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                char c;

                alarm(LIMIT_MS / 1000);
                close(go[1]);
                if (op_lock(&f->op, &f->err) < 0 || write(ready[1], "x", 1) != 1 || read(go[0], &c, 1) < 0)
                        _exit(1);
                if (crash)
                        _exit(0);
                op_unlock(&f->op);
                pause();
                _exit(0);
        }
        close(go[0]);
        wait_byte(ready[0]);
        close(ready[0]);
        close(ready[1]);
        *ret_go = go[1];
        return pid;
}

/* A child that waits for the lock; exits with 0 when it got it, 2 when it was interrupted. */
static pid_t waiter(struct fixture *f, int err_fd)
{
        pid_t pid = fork();

        if (pid == 0) {
                int r;

                alarm(LIMIT_MS / 1000);
                dup2(err_fd, STDERR_FILENO);
                log_set_level(LOG_NOTICE);
                if (interrupt_init() < 0)
                        _exit(1);
                r = op_lock(&f->op, &f->err);
                _exit(r == 0 ? 0 : r == -ECANCELED ? 2 : 1);
        }
        return pid;
}

static int wait_exit(pid_t pid)
{
        int status;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void end(pid_t pid)
{
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

static void run(struct fixture *f, bool crash, bool interrupt)
{
        char pid_text[32], text[512] = "";
        int go, out[2];
        pid_t first = holder(f, crash, &go), second;

        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        second = waiter(f, out[1]);
        /* Continue when it has printed which process it waits for. */
        {
                struct pollfd p = { .fd = out[0], .events = POLLIN };

                assert_int_equal(poll(&p, 1, LIMIT_MS), 1);
                assert_true(read(out[0], text, sizeof(text) - 1) > 0);
        }
        snprintf(pid_text, sizeof(pid_text), "process %d (", first);
        assert_non_null(strstr(text, pid_text));
        if (interrupt) {
                kill(second, SIGINT);
                assert_int_equal(wait_exit(second), 2);
        } else {
                assert_int_equal(write(go, "x", 1), 1);
                assert_int_equal(wait_exit(second), 0);
        }
        end(first);
        close(go);
        close(out[0]);
        close(out[1]);
}

static void test_released(void **state)
{
        run(*state, false, false);
}

static void test_holder_ends(void **state)
{
        run(*state, true, false);
}

static void test_interrupted(void **state)
{
        run(*state, false, true);
}

static void test_many(void **state)
{
        struct fixture *f = *state;
        int go, null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        pid_t first = holder(f, false, &go), pids[20];

        for (int i = 0; i < 20; i++)
                pids[i] = waiter(f, null);
        assert_int_equal(write(go, "x", 1), 1);
        for (int i = 0; i < 20; i++)
                assert_int_equal(wait_exit(pids[i]), 0);
        end(first);
        close(go);
        close(null);
}

static void test_bad_place(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/run");

        fx_write(p, "");
        assert_true(op_lock(&f->op, &f->err) < 0);
        assert_non_null(strstr(err_msg(&f->err), f->dir));
        free(p);
}

static void test_symlink(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(layout_make_run_state(&f->layout, NULL, &f->err), 0);
        fx_link("/etc/passwd", f->layout.lock);
        assert_int_equal(op_lock(&f->op, &f->err), -ELOOP);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_alone),       T(test_nests), T(test_released),  T(test_holder_ends),
                T(test_interrupted), T(test_many),  T(test_bad_place), T(test_symlink),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
