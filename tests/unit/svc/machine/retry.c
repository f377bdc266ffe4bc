/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/wait.h>

#include "capture.h"

#include "svc/machine/machine.h"
#include "svc/machine/retry.h"
#include "svc/systemd/journal.h"
#include "svc/systemd/systemd.h"
#include "util/strv.h"

/* ---- what the policy depends on -------------------------------------------- */

static const char *journal_line; /* main process of each unit */
static bool stale, mounted, running;
static uint64_t read_since, read_until;

struct journal_failure journal_failure(const char *unit, uint64_t since_usec)
{
        (void)unit;
        return (struct journal_failure){ .end = since_usec + 1 };
}

int journal_tail_host(const char *unit, uint64_t since_usec, const struct journal_failure *f, size_t max, char ***ret,
                      struct ec_err *err)
{
        (void)unit, (void)max, (void)err;
        read_since = since_usec;
        read_until = f->end;
        *ret = NULL;
        return journal_line ? strv_push(ret, journal_line) : 0;
}

int machine_clear_stale(struct systemd *s, const char *name)
{
        (void)s;
        assert_string_equal(name, "a");
        return stale;
}

int machine_running(struct systemd *s, const char *name, struct ec_err *err)
{
        (void)s, (void)name, (void)err;
        return running;
}

int machine_clear_mount(const char *name)
{
        assert_string_equal(name, "a");
        return mounted;
}

/* The unit's main process is this one. */
int systemd_get_u64(struct systemd *s, const char *unit, const char *iface, const char *prop, uint64_t *ret,
                    struct ec_err *err)
{
        (void)s, (void)iface, (void)err;
        assert_string_equal(prop, "MainPID");
        if (strcmp(unit, "container@a.service"))
                return -ENOENT;
        *ret = (uint64_t)getpid();
        return 0;
}

/* ---- the tests --------------------------------------------------------------- */

static bool taken(const char *unit, const char *line)
{
        journal_line = line;
        return machine_name_was_taken(NULL, unit, 7);
}

static int reset(void **state UNUSED)
{
        stale = mounted = running = false;
        return 0;
}

static void test_journal(void **state UNUSED)
{
        running = true;
        assert_true(
                taken("container@a.service", "systemd-nspawn: Failed to register machine: Machine 'a' already exists"));
        assert_true(taken("container@a.service", "Directory tree /var/lib/a is currently busy."));
        assert_true(taken("container@a.service", "Mount point '/run/a' exists already, refusing."));
        assert_false(taken("container@a.service", "nspawn: something else"));
        assert_false(taken("container@a.service", NULL));
        /* Only lines that this start wrote count. */
        assert_int_equal(read_since, 7);
        assert_int_equal(read_until, 8);
}

static void test_stale(void **state UNUSED)
{
        running = true;
        stale = true;
        assert_true(taken("container@a.service", NULL));
}

static void test_mount(void **state UNUSED)
{
        mounted = true;
        assert_true(taken("container@a.service", NULL));
        /* The mount of a running machine is in use. */
        running = true;
        assert_false(taken("container@a.service", NULL));
}

static void test_no_container(void **state UNUSED)
{
        stale = mounted = true;
        assert_false(taken("other.service", "already exists"));
}

static void test_stop_again(void **state UNUSED)
{
        pid_t pid = fork();
        int status;

        if (!pid) {
                pause();
                _exit(0);
        }
        machine_stop_again(NULL, "container@b.service");
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        machine_stop_again(NULL, "container@a.service");
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGRTMIN + 3);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_journal, reset),    cmocka_unit_test_setup(test_stale, reset),
                cmocka_unit_test_setup(test_mount, reset),      cmocka_unit_test_setup(test_no_container, reset),
                cmocka_unit_test_setup(test_stop_again, reset),
        };

        return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
