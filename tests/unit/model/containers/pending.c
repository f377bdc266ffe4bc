/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "deploy_fixture.h"

#include "model/containers/pending.h"

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

static void test_notes(void **state)
{
        struct fixture *f = *state;
        struct ec_op *op = &f->op;

        assert_int_equal(pending_get(op->layout, "a"), EC_CHANGE_NONE);
        pending_clear(op->layout, "a");
        assert_int_equal(pending_set(op->layout, "a", EC_CHANGE_UPDATE, &f->err), 0);
        assert_int_equal(pending_get(op->layout, "a"), EC_CHANGE_UPDATE);
        assert_int_equal(pending_get(op->layout, "b"), EC_CHANGE_NONE);
        assert_int_equal(pending_set(op->layout, "a", EC_CHANGE_RESTART, &f->err), 0);
        assert_int_equal(pending_set(op->layout, "a", EC_CHANGE_UPDATE, &f->err), 0);
        assert_int_equal(pending_get(op->layout, "a"), EC_CHANGE_RESTART);
        pending_clear(op->layout, "a");
        assert_int_equal(pending_get(op->layout, "a"), EC_CHANGE_NONE);
}

static void test_broken_note(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/run/ec/pending/a");

        fx_write(p, "");
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_RESTART);
        free(p);
}

static void test_reload(void **state)
{
        struct fixture *f = *state;

        const char *const names[] = { "a", "b-c", NULL };
        char **unfinished = (void *)1;

        assert_false(pending_reload(&f->layout));
        assert_int_equal(pending_unfinished(&f->layout, &unfinished, &f->err), 0);
        assert_null(unfinished);
        assert_int_equal(pending_reload_set(&f->layout, NULL, &f->err), 0);
        assert_true(pending_reload(&f->layout));
        assert_int_equal(pending_unfinished(&f->layout, &unfinished, &f->err), 0);
        assert_int_equal(strv_len(STRV_CONST(unfinished)), 0);
        strv_free(unfinished);
        assert_int_equal(pending_reload_set(&f->layout, names, &f->err), 0);
        assert_int_equal(pending_unfinished(&f->layout, &unfinished, &f->err), 0);
        assert_int_equal(strv_len(STRV_CONST(unfinished)), 2);
        assert_string_equal(unfinished[1], "b-c");
        strv_free(unfinished);
        assert_true(pending_reload(&f->layout));
        pending_reload_clear(&f->layout);
        assert_false(pending_reload(&f->layout));
}

/* Is the process waiting for a lock? */
static bool waits(pid_t pid)
{
        char line[256];
        FILE *f = fopen("/proc/locks", "re");
        bool found = false;
        int waiter;

        assert_non_null(f);
        while (!found && fgets(line, sizeof(line), f))
                found = sscanf(line, "%*s -> %*s %*s %*s %d", &waiter) == 1 && waiter == pid;
        fclose(f);
        return found;
}

/* Between the look at a note and its removal, no other run writes a new one. */
static void test_locked(void **state)
{
        struct fixture *f = *state;
        char *dir = fx_path(f, "/run/ec/pending"), *note = fx_path(f, "/run/ec/pending/a");
        struct pending_mark mark;
        int fd, status;
        pid_t pid;

        assert_int_equal(pending_set(&f->layout, "a", EC_CHANGE_UPDATE, &f->err), 0);
        mark = pending_mark(&f->layout, "a");
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        pid = fork();
        if (!pid) {
                close(fd);
                pending_clear_marked(&f->layout, "a", &mark);
                _exit(0);
        }
        while (!waits(pid)) {
                assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
                usleep(1000);
        }
        assert_true(fs_write_atomic(note, "restart\n", 8, 0600) >= 0);
        close(fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_RESTART);
        free(dir), free(note);
}

static void test_no_place(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/run");

        fx_write(p, "");
        assert_true(pending_set(&f->layout, "a", EC_CHANGE_UPDATE, &f->err) < 0);
        assert_non_null(strstr(err_msg(&f->err), p));
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_NONE);
        free(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_notes), T(test_broken_note), T(test_reload), T(test_locked),
                                            T(test_no_place) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
