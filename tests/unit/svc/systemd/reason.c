/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include <signal.h>
#include <sys/wait.h>

#include "fake_manager.h"
#include "svc/systemd/reason.h"

static struct manager fake;

static int setup(void **state)
{
        (void)state;
        memset(&fake, 0, sizeof(fake));
        fake.units[0].name = "a.service";
        manager_start(&fake);
        return 0;
}

static int done(void **state)
{
        (void)state;
        sd_bus_close_unref(fake.client);
        manager_stop(&fake);
        return 0;
}

static void is(const char *job, struct manager_unit u, bool main_process, const char *reason)
{
        struct unit_failure f;

        u.name = "a.service";
        fake.units[0] = u; /* no call is pending */
        assert_int_equal(unit_failure_read(fake.client, "a.service", job, &f), 0);
        assert_string_equal(f.reason, reason);
        assert_int_equal(f.main_process, main_process);
        unit_failure_done(&f);
        assert_null(f.reason);
}

#define UNIT(...)             \
        (struct manager_unit) \
        {                     \
                __VA_ARGS__   \
        }

static void test_job_results(void **state)
{
        (void)state;
        is("canceled", UNIT(0), false, "its start was cancelled, for example because it was stopped meanwhile");
        is("timeout", UNIT(0), false, "its job timed out");
        is("dependency", UNIT(.result = "exit-code", .main_code = CLD_EXITED, .main_status = 1), false,
           "a unit that it needs did not start");
        is("skipped", UNIT(0), false, "a condition of its unit is not met");
        is("assert", UNIT(0), false, "an assertion of its unit is not met");
        is("assert", UNIT(.unmet = "/x"), false,
           "an assertion of its unit is not met: ConditionPathExists=/x, ConditionHost=|!other");
        is("unsupported", UNIT(0), false, "units of its type are not supported here");
}

static void runs(int yes, struct manager_unit u)
{
        u.name = "a.service";
        fake.units[0] = u;
        assert_int_equal(unit_runs(fake.client, "a.service"), yes);
}

static void test_runs(void **state)
{
        (void)state;
        runs(1, UNIT(.active = "active"));
        runs(1, UNIT(.active = "reloading"));
        runs(0, UNIT(.active = "inactive"));
        runs(0, UNIT(.active = "deactivating"));
        runs(0, UNIT(.active = "activating"));
        runs(0, UNIT(.active = "active", .sub = "exited"));
        /* Then there is nothing to report. */
        fake.error_at = "Get";
        fake.error_name = "com.example.No";
        fake.error_text = "No.";
        runs(1, UNIT(.active = "inactive"));
}

static void test_done_but_not_running(void **state)
{
        (void)state;
        is("done", UNIT(.unmet = "/run/secret"), false,
           "a condition of its unit is not met: ConditionPathExists=/run/secret, ConditionHost=|!other");
        is("done", UNIT(.result = "exec-condition", .unmet = "/x", .pre_code = CLD_EXITED, .pre_status = 1), false,
           "its ExecStartPre command ended with exit code 1");
        is("done", UNIT(.result = "success"), false, "it ended right after its start");
        is("done", UNIT(.unloaded = true, .result = "success"), false,
           "it ended right after its start, or a condition of its unit is not met");
        is("done", UNIT(.active = "activating", .result = "success"), false,
           "it ended right after its start, and systemd starts it again");
        is("done", UNIT(.active = "active", .sub = "exited", .result = "success"), false,
           "its main process has ended, and RemainAfterExit= keeps its unit active; 'systemctl restart a.service' "
           "starts it again");
        is("done", UNIT(.result = "exit-code", .main_code = CLD_EXITED, .main_status = 3), true,
           "its main process ended with exit code 3");
}

static void test_unit_results(void **state)
{
        (void)state;
        is("failed", UNIT(.result = "watchdog"), false, "its watchdog timed out");
        is("failed", UNIT(.result = "start-limit-hit"), false, "it was started too often within a short time");
        is("failed", UNIT(.result = "resources"), false, "systemd could not set up its processes");
        is("failed", UNIT(.result = "protocol", .main_code = CLD_EXITED), false, "it ended before it was ready");
        is("failed", UNIT(.result = "oom-kill", .main_code = CLD_KILLED, .main_status = 9), true,
           "it ran out of memory and was killed");
        is("failed", UNIT(.result = "something-new"), false, "it failed with result 'something-new'");
        is("failed", UNIT(.result = "success"), false, "it stopped while it was starting");
        is("something-new", UNIT(.result = ""), false, "its start failed");
        is("failed", UNIT(0), false, "its start failed");
}

static void test_timeouts(void **state)
{
        (void)state;
        is("failed", UNIT(.result = "timeout", .timeout = 60 * USEC_PER_SEC), false, "its start timed out after 60 s");
        is("failed", UNIT(.result = "timeout", .timeout = 1500 * USEC_PER_MSEC), false,
           "its start timed out after 1500 ms");
        is("failed", UNIT(.result = "timeout", .timeout = UINT64_MAX), false, "its start timed out");
        is("failed", UNIT(.result = "timeout"), false, "its start timed out");
}

static void test_processes(void **state)
{
        (void)state;
        is("failed", UNIT(.result = "exit-code", .main_code = CLD_EXITED, .main_status = 3), true,
           "its main process ended with exit code 3");
        is("failed", UNIT(.result = "exit-code", .main_code = CLD_EXITED, .main_status = 203), true,
           "its main process ended with exit code 203 (it could not be executed)");
        is("failed", UNIT(.result = "exit-code", .main_code = CLD_EXITED, .main_status = 200), true,
           "its main process ended with exit code 200 (its working directory could not be entered)");
        is("failed", UNIT(.result = "signal", .main_code = CLD_KILLED, .main_status = SIGKILL), true,
           "its main process was killed by SIGKILL");
        is("failed", UNIT(.result = "core-dump", .main_code = CLD_DUMPED, .main_status = SIGSEGV), true,
           "its main process was killed by SIGSEGV");
        is("failed", UNIT(.result = "signal", .main_code = CLD_KILLED, .main_status = 40), true,
           "its main process was killed by signal 40");
        is("failed", UNIT(.result = "exit-code", .pre_code = CLD_EXITED, .pre_status = 4), false,
           "its ExecStartPre command ended with exit code 4");
        is("failed", UNIT(.result = "signal", .pre_code = CLD_KILLED, .pre_status = SIGTERM), false,
           "its ExecStartPre command was killed by SIGTERM");
        is("failed", UNIT(.result = "exit-code"), false, "one of its processes failed");
        is("failed", UNIT(.result = "exit-code", .main_code = CLD_EXITED, .pre_code = CLD_EXITED), false,
           "one of its processes failed");
}

/* What cannot be read is left out. */
static void test_no_answer(void **state)
{
        struct unit_failure f;

        (void)state;
        fake.error_at = "GetAll";
        fake.error_name = "com.example.No";
        fake.error_text = "No.";
        assert_int_equal(unit_failure_read(fake.client, "a.service", "failed", &f), 0);
        assert_string_equal(f.reason, "its start failed");
        assert_string_equal(f.result, "");
        unit_failure_done(&f);
        fake.error_at = NULL;
        fake.die_at = "GetAll";
        assert_int_equal(unit_failure_read(fake.client, "a.service", "failed", &f), 0);
        assert_string_equal(f.reason, "its start failed");
        unit_failure_done(&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, done)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_job_results),  TEST(test_runs),     TEST(test_done_but_not_running),
                TEST(test_unit_results), TEST(test_timeouts), TEST(test_processes),
                TEST(test_no_answer),
        };
        return cmocka_run_group_tests_name("systemd_reason", tests, NULL, NULL);
}
