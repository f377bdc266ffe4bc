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

static struct journal_machine said;
static bool stale, mounted, running, registered;
static uint64_t asked_since, asked_until;

struct journal_failure journal_failure(const char *unit, uint64_t since_usec)
{
        (void)unit;
        return (struct journal_failure){ .end = since_usec + 1 };
}

struct journal_machine journal_machine(const char *unit, uint64_t since_usec, uint64_t until_usec)
{
        (void)unit;
        asked_since = since_usec;
        asked_until = until_usec;
        return said;
}

bool machine_registered(const char *name)
{
        assert_string_equal(name, "a");
        return registered;
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

static bool taken(const char *unit)
{
        return machine_name_was_taken(NULL, unit, 7);
}

static int reset(void **state UNUSED)
{
        stale = mounted = registered = false;
        running = true;
        said = (struct journal_machine){ 0 };
        return 0;
}

/* Only what the host says counts, and nothing if its begin is lost. */
static void test_journal(void **state UNUSED)
{
        for (int i = 0; i < 16; i++) {
                said = (struct journal_machine){ .starting = i & 1, .began = i & 2, .ended = i & 4 };
                registered = i & 8;
                assert_int_equal(taken("container@a.service"), (i & 1) && !(i & 2) && (i & 12));
        }
        /* Only this start. */
        assert_int_equal(asked_since, 7);
        assert_int_equal(asked_until, 8);
}

static void test_stale(void **state UNUSED)
{
        stale = true;
        assert_true(taken("container@a.service"));
        /* It was its own. */
        said.began = true;
        assert_false(taken("container@a.service"));
}

static void test_mount(void **state UNUSED)
{
        mounted = true;
        running = false;
        assert_true(taken("container@a.service"));
        /* The mount of a running machine is in use. */
        running = true;
        assert_false(taken("container@a.service"));
}

static void test_no_container(void **state UNUSED)
{
        stale = mounted = true;
        assert_false(taken("other.service"));
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
