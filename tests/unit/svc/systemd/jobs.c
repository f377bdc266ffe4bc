/* SPDX-License-Identifier: MIT */
#include "in_child.h"

#include "fake_manager.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/jobs.h"
#include "svc/systemd/systemd.h"

/* ---- helpers --------------------------------------------------------------- */

static struct manager fake;
static struct systemd *s;
static struct ec_err err;
static char *told;
static bool again;       /* what the retry hook returns */
static unsigned retries; /* how often it was called */
static const struct job_limits *limits;

static int setup(void **state)
{
        (void)state;
        memset(&fake, 0, sizeof(fake));
        again = false;
        retries = 0;
        limits = NULL;
        told = strdup("");
        return 0;
}

static void begin(void)
{
        manager_start(&fake);
        if (systemd_new(fake.client, &s, &err) < 0)
                abort();
}

static void end(void)
{
        systemd_free(s);
        s = NULL;
        if (fake.log)
                manager_stop(&fake);
        free(told);
        told = NULL;
}

static int done(void **state)
{
        (void)state;
        end();
        return 0;
}

static void unit(size_t i, struct manager_unit u)
{
        fake.units[i] = u;
}
#define UNIT(i, ...) unit(i, (struct manager_unit){ __VA_ARGS__ })

static void on_done(void *data, const struct unit_result *r)
{
        char *more = str_printf("%s%s=%d ", told, r->unit, r->code);

        assert_ptr_equal(data, &fake);
        free(told);
        told = more;
}

static bool retry(struct systemd *systemd, const char *name, uint64_t since_usec)
{
        assert_ptr_equal(systemd, s);
        assert_non_null(name);
        assert_true(since_usec > 0);
        retries++;
        return again;
}

/* Lists the results as "unit=code" or "unit=code (reason)", in the order of the request. */
static char *outcome(const struct unit_result *r, size_t n)
{
        char *all = strdup("");

        for (size_t i = 0; i < n; i++) {
                char *more = str_printf("%s%s%s=%d%s%s%s", all, i ? "; " : "", r[i].unit, r[i].code,
                                        r[i].reason ? " (" : "", r[i].reason ?: "", r[i].reason ? ")" : "");

                free(all);
                all = more;
        }
        return all;
}

static void jobs(enum unit_job job, const char *const *units, int expected, const char *results)
{
        const struct job_hooks hooks = { .done = on_done, .retry = retry, .data = &fake };
        struct unit_result *r = NULL;
        char *got;

        assert_int_equal(systemd_jobs(s, job, units, limits, &hooks, &r, &err), expected);
        assert_int_equal(err.code, 0);
        got = outcome(r, strv_len(units));
        assert_string_equal(got, results);
        free(got);
        unit_results_done(r, strv_len(units));
}

#define UNITS(...)                \
        (const char *const[])     \
        {                         \
                __VA_ARGS__, NULL \
        }

static void test_start(void **state)
{
        (void)state;
        UNIT(0, .name = "a.service");
        UNIT(1, .name = "b.service");
        begin();
        jobs(JOB_START, UNITS("a.service", "b.service"), 0, "a.service=0; b.service=0");
        /* The start limit is reset before each start, and both are queued before one is awaited. */
        assert_string_equal(manager_log(&fake), "reset a.service\nstart a.service\nreset b.service\nstart b.service\n");
        assert_string_equal(told, "a.service=0 b.service=0 ");
}

/* Its job is done, but the unit does not run. */
static void test_done_but_not_running(void **state)
{
        (void)state;
        UNIT(0, .name = "a.service", .active = "inactive", .unmet = "/x");
        UNIT(1, .name = "b.service");
        UNIT(2, .name = "c.service", .active = "failed", .result = "exit-code", .main_code = CLD_EXITED,
             .main_status = 1);
        again = true;
        begin();
        jobs(JOB_START, UNITS("a.service", "b.service", "c.service"), 1,
             "a.service=-5 (a condition of its unit is not met: ConditionPathExists=/x, ConditionHost=|!other); "
             "b.service=0; c.service=-5 (its main process ended with exit code 1)");
        /* To start it once more would not help. */
        assert_int_equal(retries, 0);
        (void)manager_log(&fake);
        assert_int_equal(fake.refs, 0);
        assert_int_equal(fake.refs_max, 3);
}

static void test_none(void **state)
{
        (void)state;
        begin();
        jobs(JOB_START, (const char *const[]){ NULL }, 0, "");
        assert_string_equal(manager_log(&fake), "");
}

static void test_stop_and_restart(void **state)
{
        (void)state;
        UNIT(0, .name = "a.service");
        begin();
        jobs(JOB_STOP, UNITS("a.service"), 0, "a.service=0");
        jobs(JOB_RESTART, UNITS("a.service"), 0, "a.service=0");
        assert_string_equal(manager_log(&fake), "stop a.service\nstop a.service\nreset a.service\nstart a.service\n");
        assert_string_equal(told, "a.service=0 a.service=0 ");
}

/* JobRemoved arrives before the reply that names the job. */
static void test_removed_before_reply(void **state)
{
        (void)state;
        UNIT(0, .name = "a.service", .early = true);
        UNIT(1, .name = "b.service", .early = true, .start = "failed", .result = "exit-code", .main_code = CLD_EXITED,
             .main_status = 2);
        UNIT(2, .name = "c.service");
        begin();
        jobs(JOB_START, UNITS("a.service", "b.service", "c.service"), 1,
             "a.service=0; b.service=-5 (its main process ended with exit code 2); c.service=0");
        jobs(JOB_RESTART, UNITS("a.service"), 0, "a.service=0");
}

static void test_jobs_of_others(void **state)
{
        (void)state;
        fake.noisy = true;
        UNIT(0, .name = "a.service");
        UNIT(1, .name = "b.service", .early = true);
        begin();
        jobs(JOB_START, UNITS("a.service", "b.service"), 0, "a.service=0; b.service=0");
}

static void test_failures(void **state)
{
        (void)state;
        UNIT(0, .name = "a.service", .start = "dependency");
        UNIT(1, .name = "b.service", .start = "timeout");
        UNIT(2, .name = "c.service", .start = "failed", .result = "timeout", .timeout = 4 * USEC_PER_SEC);
        UNIT(3, .name = "d.service", .start = "failed", .result = "start-limit-hit");
        UNIT(4, .name = "e.service", .start = "canceled");
        UNIT(5, .name = "f.service", .refuse = "org.freedesktop.systemd1.UnitMasked");
        UNIT(6, .name = "g.service");
        begin();
        jobs(JOB_START,
             UNITS("a.service", "b.service", "c.service", "d.service", "e.service", "f.service", "g.service",
                   "none.service"),
             1,
             "a.service=-5 (a unit that it needs did not start); b.service=-110 (its job timed out); c.service=-110 "
             "(its start timed out after 4 s); "
             "d.service=-5 (it was started too often within a short time); e.service=-5 (its start was "
             "cancelled, for example because it was stopped meanwhile); "
             "f.service=-132 (Unit f.service is refused); g.service=0; none.service=-2 (Unit none.service not found)");
}

static void test_stop_failures(void **state)
{
        (void)state;
        UNIT(0, .name = "a.service", .stop = "timeout");
        UNIT(1, .name = "b.service", .stop = "canceled");
        UNIT(2, .name = "c.service", .stop = "failed");
        UNIT(3, .name = "d.service", .refuse = "org.freedesktop.DBus.Error.AccessDenied");
        begin();
        /* A unit that is not loaded does not run. */
        jobs(JOB_STOP, UNITS("a.service", "b.service", "c.service", "d.service", "none.service"), 1,
             "a.service=-5 (its stop timed out); b.service=-5 (its stop was cancelled by another job); c.service=-5 "
             "(its stop failed); "
             "d.service=-13 (Unit d.service is refused); none.service=0");
        jobs(JOB_RESTART, UNITS("a.service"), 1, "a.service=-5 (its stop timed out)");
        /* A unit that was not loaded is started nevertheless. */
        jobs(JOB_RESTART, UNITS("none.service"), 1, "none.service=-2 (Unit none.service not found)");
}

/* Another run starts the unit, which cancels the stop. */
static void test_stop_again(void **state)
{
        (void)state;
        UNIT(0, .name = "a.service", .stop = "canceled", .stop_fails = 2);
        UNIT(1, .name = "b.service", .stop = "canceled", .stop_fails = 2, .early = true);
        begin();
        jobs(JOB_KILL, UNITS("a.service"), 0, "a.service=0");
        jobs(JOB_RESTART, UNITS("b.service"), 0, "b.service=0");
}

static void test_same_twice(void **state)
{
        (void)state;
        UNIT(0, .name = "a.service");
        begin();
        jobs(JOB_START, UNITS("a.service", "a.service"), 0, "a.service=0; a.service=0");
}

#define FAILED .start = "failed", .result = "exit-code", .main_code = CLD_EXITED, .main_status = 1

static void test_retry(void **state)
{
        (void)state;
        again = true;
        UNIT(0, .name = "container@a.service", FAILED, .fails = 1);
        begin();
        jobs(JOB_START, UNITS("container@a.service"), 0, "container@a.service=0");
        assert_string_equal(manager_log(&fake), "reset container@a.service\nstart container@a.service\nreset "
                                                "container@a.service\nstart container@a.service\n");
        assert_int_equal(retries, 1);
}

static void test_retry_once(void **state)
{
        (void)state;
        again = true;
        UNIT(0, .name = "container@a.service", FAILED, .fails = 9);
        begin();
        jobs(JOB_START, UNITS("container@a.service"), 1,
             "container@a.service=-5 (its main process ended with exit code 1)");
        assert_string_equal(manager_log(&fake), "reset container@a.service\nstart container@a.service\nreset "
                                                "container@a.service\nstart container@a.service\n");
        assert_int_equal(retries, 1);
}

static void test_no_retry(void **state)
{
        (void)state;
        UNIT(0, .name = "container@a.service", FAILED, .fails = 1);
        UNIT(1, .name = "container@p.service", .start = "failed", .result = "exit-code", .pre_code = CLD_EXITED,
             .pre_status = 1, .fails = 1);
        begin();
        jobs(JOB_START, UNITS("container@a.service"), 1,
             "container@a.service=-5 (its main process ended with exit code 1)");
        assert_int_equal(retries, 1);
        /* The hook is not called if the main process was never started. */
        again = true;
        jobs(JOB_START, UNITS("container@p.service"), 1,
             "container@p.service=-5 (its ExecStartPre command ended with exit code 1)");
        assert_int_equal(retries, 1);
}

/* systemd executes itself again, and loses the call. */
static void test_reexec(void **state)
{
        (void)state;
        fake.error_at = "StartUnit";
        fake.error_name = SD_BUS_ERROR_NO_REPLY;
        fake.error_text = "Message recipient disconnected from message bus without replying";
        fake.errors = 2;
        UNIT(0, .name = "a.service");
        UNIT(1, .name = "b.service");
        begin();
        jobs(JOB_START, UNITS("a.service", "b.service"), 0, "a.service=0; b.service=0");
}

static void test_kill(void **state)
{
        struct unit_result *r = NULL;
        char *got;

        (void)state;
        UNIT(0, .name = "a.service", .stop = "hang");
        UNIT(1, .name = "b.service");
        begin();
        assert_int_equal(
                systemd_jobs(s, JOB_KILL, UNITS("a.service", "b.service", "none.service"), NULL, NULL, &r, &err), 0);
        got = outcome(r, 3);
        assert_string_equal(got, "a.service=0; b.service=0; none.service=0");
        free(got);
        unit_results_done(r, 3);
        /* All stops are queued before any of them ends; failed states are reset; a main process that does not end is
         * asked again, and not killed. */
        assert_non_null(strstr(manager_log(&fake), "stop a.service\nstop b.service\nstop none.service\n"));
        assert_non_null(strstr(manager_log(&fake), "ask again a.service\n"));
        assert_null(strstr(manager_log(&fake), "kill "));
        assert_non_null(strstr(manager_log(&fake), "reset a.service\n"));
}

/* The children of a main process are killed: what it does when they end is its own business. */
static void test_kill_children(void **state)
{
        struct unit_result *r = NULL;
        int status, fds[2];
        pid_t pid;
        char c;

        (void)state;
        assert_int_equal(pipe(fds), 0);
        pid = fork();
        if (!pid) {
                pid_t child = fork();

                if (!child) {
                        (void)!write(fds[1], "x", 1);
                        pause();
                }
                waitpid(child, &status, 0);
                _exit(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        }
        assert_int_equal(read(fds[0], &c, 1), 1);
        close(fds[0]);
        close(fds[1]);
        UNIT(0, .name = "a.service", .stop = "hang", .main_pid = (uint32_t)pid);
        begin();
        assert_int_equal(systemd_jobs(s, JOB_KILL, UNITS("a.service"), NULL, NULL, &r, &err), 0);
        unit_results_done(r, 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), SIGKILL);
}

/* More than the pending calls that a bus daemon allows. */
static void test_many(void **state)
{
        char **names = NULL;
        struct unit_result *r = NULL;

        (void)state;
        for (int i = 0; i < 500; i++)
                assert_int_equal(strv_pushf(&names, "n%d.service", i), 0);
        begin();
        assert_int_equal(systemd_jobs(s, JOB_START, STRV_CONST(names), NULL, NULL, &r, &err), 1);
        (void)manager_log(&fake);
        assert_int_equal(fake.refs, 0);
        assert_in_range(fake.refs_max, 1, 64);
        for (int i = 0; i < 500; i++) {
                assert_string_equal(r[i].unit, names[i]);
                assert_int_equal(r[i].code, -ENOENT);
        }
        unit_results_done(r, 500);
        strv_free(names);
}

static void lost_at(const char *call)
{
        struct unit_result *r = (void *)1;

        fake.die_at = call;
        UNIT(0, .name = "a.service", .start = "failed", .result = "exit-code");
        UNIT(1, .name = "b.service", .start = "hang");
        begin();
        assert_int_equal(systemd_jobs(s, JOB_START, UNITS("a.service", "b.service"), NULL, NULL, &r, &err),
                         -ECONNRESET);
        assert_err(&err, -ECONNRESET, "lost the connection to systemd while waiting for");
        assert_ptr_equal(r, (void *)1);
}

static void test_lost_at_queueing(void **state)
{
        (void)state;
        lost_at("StartUnit");
}

static void test_lost_while_asking(void **state)
{
        (void)state;
        lost_at("GetAll");
}

static void test_lost_while_waiting(void **state)
{
        (void)state;
        lost_at("ListJobs"); /* the first check of the job that hangs */
}

/* The signal that the job has ended is lost, as on an overloaded bus: the manager is queried. */
static void test_lost_signal(void **state)
{
        (void)state;
        UNIT(0, .name = "a.service", .lost = true, .active = "active");
        UNIT(1, .name = "b.service", .lost = true, .active = "failed", .result = "protocol");
        begin();
        jobs(JOB_START, UNITS("a.service", "b.service"), 1, "a.service=0; b.service=-5 (it ended before it was ready)");
        assert_non_null(strstr(manager_log(&fake), "list-jobs\n"));
}

static void on_tick(struct systemd *systemd, void *data)
{
        assert_ptr_equal(systemd, s);
        assert_ptr_equal(data, &fake);
        assert_int_equal(systemd_get_u64(s, "a.service", "Service", "T", &(uint64_t){ 0 }, NULL), 0);
}

/* The job ends at this query. */
static int end_at_get(struct manager *m, sd_bus_message *call)
{
        struct manager_unit *u = &m->units[0];

        if (strcmp(sd_bus_message_get_member(call), "Get") || !*u->job)
                return 0;
        u->started = true;
        manager_removed(m, u->job, u->name, "done");
        *u->job = 0;
        return 0;
}

/* Called while jobs run. */
static void test_tick(void **state)
{
        struct job_hooks hooks = { .tick = on_tick, .data = &fake };
        struct unit_result *r = NULL;

        (void)state;
        UNIT(0, .name = "a.service", .start = "hang");
        fake.other = end_at_get;
        begin();
        assert_int_equal(systemd_jobs(s, JOB_START, UNITS("a.service"), NULL, &hooks, &r, &err), 0);
        unit_results_done(r, 1);
}

/* The first job ends during the query why the second failed: then nothing may wait for it. */
static int end_meanwhile(struct manager *m, sd_bus_message *call)
{
        struct manager_unit *u = &m->units[0];

        if (strcmp(sd_bus_message_get_member(call), "GetAll") || !*u->job)
                return 0;
        u->started = true;
        manager_removed(m, u->job, u->name, "done");
        *u->job = 0;
        return 0;
}

static void test_end_while_asking(void **state)
{
        (void)state;
        UNIT(0, .name = "a.service", .start = "hang");
        UNIT(1, .name = "b.service", .start = "failed", .result = "protocol");
        fake.other = end_meanwhile;
        begin();
        jobs(JOB_START, UNITS("a.service", "b.service"), 1, "a.service=0; b.service=-5 (it ended before it was ready)");
        assert_null(strstr(manager_log(&fake), "list-jobs\n"));
}

static void on_killed(void *data, const char *unit)
{
        char **to = data, *more = str_printf("%s%s ", *to, unit);

        free(*to);
        *to = more;
}

/* ---- limits ------------------------------------------------------------------ */

/* The job is queued, and nobody waits for it. */
static void test_no_wait(void **state)
{
        (void)state;
        limits = &(const struct job_limits){ .no_wait = true };
        UNIT(0, .name = "a.service", .start = "hang", .stop = "hang");
        UNIT(1, .name = "b.service", .start = "hang");
        begin();
        jobs(JOB_START, UNITS("a.service", "b.service"), 1, "a.service=-115; b.service=-115");
        assert_non_null(strstr(manager_log(&fake), "start b.service\n"));
        assert_null(strstr(manager_log(&fake), "stop "));
}

static void test_no_wait_stop(void **state)
{
        (void)state;
        limits = &(const struct job_limits){ .no_wait = true };
        UNIT(0, .name = "a.service", .stop = "hang");
        begin();
        jobs(JOB_STOP, UNITS("a.service"), 1, "a.service=-115");
        assert_non_null(strstr(manager_log(&fake), "stop a.service\n"));
}

/* A restart must not start a unit that still stops. */
static void test_no_wait_restart(void **state)
{
        const char *log;

        (void)state;
        limits = &(const struct job_limits){ .no_wait = true };
        UNIT(0, .name = "a.service", .start = "hang");
        begin();
        jobs(JOB_RESTART, UNITS("a.service"), 1, "a.service=-115");
        log = manager_log(&fake);
        assert_non_null(strstr(log, "stop a.service\n"));
        assert_non_null(strstr(strstr(log, "stop a.service\n"), "start a.service\n"));
}

/* It continues to start, but the caller has waited long enough. */
static void test_start_limit(void **state)
{
        uint64_t since = clock_usec();

        (void)state;
        limits = &(const struct job_limits){ .usec = USEC_PER_SEC / 5 };
        UNIT(0, .name = "a.service", .start = "hang");
        UNIT(1, .name = "b.service");
        begin();
        jobs(JOB_START, UNITS("a.service", "b.service"), 1,
             "a.service=-62 (it is not up after 200 ms, and continues to start); b.service=0");
        assert_true(clock_usec() - since < 4 * USEC_PER_SEC);
        assert_null(strstr(manager_log(&fake), "stop "));
}

/* The main process is asked again, so that it can clean up. */
static void test_stop_limit(void **state)
{
        const struct job_limits l = { .usec = USEC_PER_SEC / 5 };
        struct job_hooks hooks = { .killed = on_killed, .data = &told };
        struct unit_result *r = NULL;
        uint64_t since = clock_usec();

        (void)state;
        UNIT(0, .name = "a.service", .stop = "hang");
        begin();
        assert_int_equal(systemd_jobs(s, JOB_RESTART, UNITS("a.service"), &l, &hooks, &r, &err), 0);
        unit_results_done(r, 1);
        assert_true(clock_usec() - since < 4 * USEC_PER_SEC);
        assert_string_equal(told, "a.service ");
        assert_non_null(strstr(manager_log(&fake), "stop a.service\nask again a.service\n"));
        assert_non_null(strstr(fake.log, "start a.service\n"));
        assert_int_equal(systemd_jobs(s, JOB_STOP, UNITS("a.service"), &l, &hooks, &r, &err), 0);
        unit_results_done(r, 1);
        /* It is not a failure of the unit. */
        assert_true(str_ends(manager_log(&fake), "ask again a.service\nreset a.service\n"));
        /* Nobody needs to be told. */
        assert_int_equal(systemd_jobs(s, JOB_STOP, UNITS("a.service"), &l, NULL, &r, &err), 0);
        unit_results_done(r, 1);
        assert_string_equal(told, "a.service a.service ");
}

/* ---- ^C: each in a separate process ----------------------------------------- */

/* No half-started unit is left. */
static void in_test_interrupt(void)
{
        struct unit_result *r = NULL;

        fake.signal_at_start = true;
        UNIT(0, .name = "b.service", .start = "hang");
        must(interrupt_init() == 0);
        begin();
        must(systemd_jobs(s, JOB_START, UNITS("b.service"), NULL, NULL, &r, &err) == -ECANCELED);
        must(!strcmp(err_msg(&err), "interrupted") && !r);
        err_done(&err);
        must(strstr(manager_log(&fake), "start b.service\n") && strstr(manager_log(&fake), "stop b.service\n"));
        must(strstr(strstr(fake.log, "stop b.service\n"), "reset b.service\n") != NULL);
        end();
}
CHILD_TEST(test_interrupt)

static void in_test_interrupted_before(void)
{
        struct unit_result *r = NULL;

        UNIT(0, .name = "a.service");
        must(interrupt_init() == 0);
        begin();
        must(kill(getpid(), SIGTERM) == 0);
        must(systemd_jobs(s, JOB_START, UNITS("a.service"), NULL, NULL, &r, &err) == -ECANCELED);
        must(!strcmp(err_msg(&err), "terminated"));
        err_done(&err);
        must(!strcmp(manager_log(&fake), ""));
        /* Steps that undo something are completed. */
        interrupt_hold();
        must(systemd_jobs(s, JOB_STOP, UNITS("a.service"), NULL, NULL, &r, &err) == 0);
        unit_results_done(r, 1);
        interrupt_release();
        end();
}
CHILD_TEST(test_interrupted_before)

/* A stop job is done, although the unit was killed. */
static void test_killed_at_stop(void **state)
{
        struct job_hooks hooks = { .killed = on_killed, .data = &told };
        struct unit_result *r = NULL;

        (void)state;
        UNIT(0, .name = "a.service", .result = "timeout");
        UNIT(1, .name = "b.service");
        begin();
        assert_int_equal(systemd_jobs(s, JOB_RESTART, UNITS("a.service", "b.service"), NULL, &hooks, &r, &err), 0);
        assert_string_equal(told, "a.service ");
        unit_results_done(r, 2);
        assert_int_equal(systemd_jobs(s, JOB_STOP, UNITS("a.service", "b.service"), NULL, &hooks, &r, &err), 0);
        assert_string_equal(told, "a.service a.service ");
        unit_results_done(r, 2);
}

static void on_left(void *data, const char *unit, bool stopped)
{
        char **to = data, *more = str_printf("%s%s=%d ", *to, unit, stopped);

        free(*to);
        *to = more;
}

/* The caller is told in which state units are left. */
static void in_test_left(void)
{
        struct job_hooks hooks = { .left = on_left, .data = &told };
        struct unit_result *r = NULL;

        fake.signal_at_stop = true;
        UNIT(0, .name = "a.service", .stop = "hang");
        must(interrupt_init() == 0);
        begin();
        must(systemd_jobs(s, JOB_RESTART, UNITS("a.service"), NULL, &hooks, &r, &err) == -ECANCELED);
        must(!strcmp(told, "a.service=0 "));
        must(!strstr(manager_log(&fake), "start a.service"));
        err_done(&err);
        end();

        /* A start that is undone. */
        interrupt_clear();
        told = strdup("");
        memset(&fake, 0, sizeof(fake));
        fake.signal_at_start = true;
        UNIT(0, .name = "a.service", .start = "hang");
        begin();
        must(systemd_jobs(s, JOB_RESTART, UNITS("a.service"), NULL, &hooks, &r, &err) == -ECANCELED);
        must(!strcmp(told, "a.service=1 "));
        err_done(&err);
        end();
}
CHILD_TEST(test_left)

/* The second ^C ends units that do not stop. */
static void in_test_impatient(void)
{
        struct unit_result *r = NULL;

        fake.signal_at_start = fake.signal_at_stop = true;
        UNIT(0, .name = "a.service", .start = "hang", .stop = "hang");
        must(interrupt_init() == 0);
        begin();
        uint64_t begin_usec = clock_usec();

        must(systemd_jobs(s, JOB_START, UNITS("a.service"), NULL, NULL, &r, &err) == -ECANCELED);
        must(clock_usec() - begin_usec < 4 * USEC_PER_SEC);
        err_done(&err);
        must(strstr(manager_log(&fake), "stop a.service\nask again a.service\n") != NULL);
        end();
}
CHILD_TEST(test_impatient)

/* After ^C, jobs are not checked any more, and the check that was due does not keep the processor busy. */
static void in_test_idle_after_interrupt(void)
{
        struct unit_result *r = NULL;

        UNIT(0, .name = "a.service", .start = "hang", .stop = "hang");
        must(interrupt_init() == 0);
        begin();
        pid_t pid = fork();
        if (!pid) {
                poll(NULL, 0, 4500);
                kill(getppid(), SIGINT);
                poll(NULL, 0, 1100);
                kill(getppid(), SIGINT);
                _exit(0);
        }
        clock_t cpu = clock();

        must(systemd_jobs(s, JOB_START, UNITS("a.service"), NULL, NULL, &r, &err) == -ECANCELED);
        must(clock() - cpu < CLOCKS_PER_SEC / 5);
        err_done(&err);
        waitpid(pid, NULL, 0);
        end();
}
CHILD_TEST(test_idle_after_interrupt)

/* ^C only ends the wait, at once. */
static void in_test_detach(void)
{
        struct unit_result *r = NULL;
        uint64_t begin_usec = clock_usec();

        fake.signal_at_start = true;
        UNIT(0, .name = "a.service");
        UNIT(1, .name = "b.service", .start = "hang");
        must(interrupt_init() == 0);
        begin();
        must(systemd_jobs(s, JOB_START_DETACH, UNITS("a.service", "b.service"), NULL, NULL, &r, &err) == 1);
        must(clock_usec() - begin_usec < 4 * USEC_PER_SEC);
        must(r[0].code == 0 || r[0].code == -EINPROGRESS);
        must(r[1].code == -EINPROGRESS && !r[1].reason);
        must(!strstr(manager_log(&fake), "stop b.service"));
        /* The interruption is cleared. */
        must(interrupt_check(NULL) == 0);
        unit_results_done(r, 2);
        /* Other signals end the command. */
        must(kill(getpid(), SIGTERM) == 0);
        must(systemd_jobs(s, JOB_START_DETACH, UNITS("b.service"), NULL, NULL, &r, &err) == -ECANCELED);
        err_done(&err);
        end();
}
CHILD_TEST(test_detach)

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, done)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_no_wait),
                TEST(test_no_wait_stop),
                TEST(test_no_wait_restart),
                TEST(test_start_limit),
                TEST(test_stop_limit),
                TEST(test_start),
                TEST(test_done_but_not_running),
                TEST(test_none),
                TEST(test_stop_and_restart),
                TEST(test_removed_before_reply),
                TEST(test_jobs_of_others),
                TEST(test_failures),
                TEST(test_stop_failures),
                TEST(test_stop_again),
                TEST(test_same_twice),
                TEST(test_retry),
                TEST(test_retry_once),
                TEST(test_no_retry),
                TEST(test_reexec),
                TEST(test_kill),
                TEST(test_kill_children),
                TEST(test_many),
                TEST(test_end_while_asking),
                TEST(test_tick),
                TEST(test_lost_at_queueing),
                TEST(test_lost_while_asking),
                TEST(test_lost_while_waiting),
                TEST(test_lost_signal),
                TEST(test_interrupt),
                TEST(test_interrupted_before),
                TEST(test_killed_at_stop),
                TEST(test_left),
                TEST(test_impatient),
                TEST(test_idle_after_interrupt),
                TEST(test_detach),
        };
        return cmocka_run_group_tests_name("systemd_jobs", tests, NULL, NULL);
}
