/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/deploy/report.h"

static int setup(void **state)
{
        *state = fx_new();
        fake_reset();
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        systemd_free(f->op.systemd);
        fx_free(f);
        return 0;
}

static void test_result(void **state)
{
        struct fixture *f = *state;
        struct report r = { 0 };

        assert_int_equal(report_result(&r, 3, "started", &f->err), 0);
        assert_int_equal(report_add(&r, &f->err, "container '%s' did not start", "a"), 0);
        assert_int_equal(report_result(&r, 3, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "container 'a' did not start");
        err_done(&f->err);
        assert_int_equal(report_add(&r, &f->err, "b"), 0);
        assert_int_equal(report_result(&r, 3, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "2 of 3 containers could not be started");
        /* A third failure, of the second container. */
        err_done(&f->err);
        assert_int_equal(report_add(&r, &f->err, "b again"), 0);
        r.more++;
        assert_int_equal(report_result(&r, 3, "started", &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "2 of 3 containers could not be started");
        report_done(&r);
        assert_int_equal(r.n, 0);
}

/* Returns what fn writes to stderr. */
static char *told(struct fixture *f, void (*fn)(struct fixture *f, struct ec_container *c))
{
        struct ec_container c = { .name = (char *)"web",
                                  .unit = (char *)"container@web.service",
                                  .state_path = (char *)"/nowhere" };
        char *p = fx_path(f, "/stderr"), *text;
        int fd = open(p, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), old = dup(2);

        dup2(fd, 2);
        log_set_level(LOG_NOTICE);
        fn(f, &c);
        log_set_level(LOG_CRIT);
        fflush(stderr);
        dup2(old, 2);
        close(old);
        close(fd);
        assert_int_equal(fs_read(p, 1 << 20, &text, NULL), 0);
        free(p);
        return text;
}

static void of_unit(struct fixture *f, struct ec_container *c)
{
        report_unit(&f->op, c, NULL, 0, false);
}

static void of_slow_unit(struct fixture *f, struct ec_container *c)
{
        report_unit(&f->op, c, "container 'web': slow", 0, true);
}

static char *units; /* that failed */

static void inside(struct fixture *f, struct ec_container *c)
{
        char **failed = NULL;

        (void)f;
        free(TAKE_PTR(units));
        assert_int_equal(machine_failed_units(NULL, c->name, &failed, NULL), 0);
        units = failed ? report_failed_inside(c, failed, 0) : NULL;
        strv_free(failed);
}

static void test_unit(void **state)
{
        char *text = told(*state, of_unit);

        assert_non_null(strstr(text, "container 'web':"));
        assert_non_null(strstr(text, "failed units: inner.service\n"));
        assert_non_null(strstr(text, "    12:00:00 it went wrong\n"));
        assert_null(strstr(text, "slow.service"));
        assert_null(strstr(text, "inotify"));
        free(text);
        text = told(*state, of_slow_unit);
        assert_non_null(str_after(text, "container 'web': slow\n"));
        assert_non_null(strstr(text, "units still starting: slow.service\n"));
        free(text);
}

/* Words of a container are shown, and nothing follows from them alone. */
static void test_hints(void **state)
{
        static const struct {
                const char *line, *limit, *hint;
        } lines[] = {
                { "Cannot initialize IPC barrier: Too many open files", "LimitNOFILE", "LimitNOFILE=" },
                { "Failed to fork inner child: Resource temporarily unavailable", "TasksMax", "TasksMax=" },
                { "A process of this unit has been killed by the OOM killer.", NULL, "MemoryMax=" },
                { "systemd-oomd killed some process(es) in this unit.", NULL, "oomctl" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                for (int console = 0; console < 2; console++)
                        for (int low = 0; low < 2; low++) {
                                bool hinted = lines[i].limit ? low : !console;
                                char *text;

                                fake.unit_line = lines[i].line;
                                fake.console = console;
                                fake.low = low && lines[i].limit ? lines[i].limit : "none";
                                text = told(*state, of_unit);
                                assert_non_null(strstr(text, lines[i].line));
                                for (size_t k = 0; k < ARRAY_SIZE(lines); k++)
                                        assert_int_equal(strstr(text, lines[k].hint) != NULL, k == i && hinted);
                                free(text);
                        }
        fake.console = false;
        fake.low = NULL;
}

static void test_inner_lines(void **state)
{
        char *text;

        fake.inner_lines = 200;
        text = told(*state, of_unit);
        assert_non_null(strstr(text, "the journal in the container"));
        assert_non_null(strstr(text, "other.service: line 199\n"));
        assert_non_null(strstr(text, "other.service: line 185\n"));
        assert_null(strstr(text, "line 184\n"));
        free(text);

        /* What the host did wrong is not in there, unless units failed. */
        fake.cut = 1;
        text = told(*state, of_unit);
        assert_null(strstr(text, "the journal in the container"));
        assert_null(strstr(text, "line 199"));
        free(text);
        text = told(*state, of_slow_unit);
        assert_non_null(strstr(text, "other.service: line 199\n"));
        free(text);

        fake.inner_blame = "inner";
        text = told(*state, of_unit);
        assert_non_null(strstr(text, "journal of the failed units"));
        assert_non_null(strstr(text, "inner.service: line 190\n"));
        assert_non_null(strstr(text, "inner.service: line 50\n"));
        assert_null(strstr(text, "line 40\n"));
        assert_null(strstr(text, "other.service"));
        free(text);
}

static void test_inside(void **state)
{
        char *text = told(*state, inside);

        assert_string_equal(text, "");
        assert_null(units);
        free(text);
        fake.sick = "web";
        text = told(*state, inside);
        assert_string_equal(text, "container 'web':\n  failed units: bad.service\n");
        assert_string_equal(units, "bad.service");
        free(text);
        fake.inner_lines = 20;
        fake.inner_blame = "bad";
        text = told(*state, inside);
        assert_string_equal(text, "container 'web':\n  failed units: bad.service\n"
                                  "  journal of the failed units:\n"
                                  "    12:00:00 bad.service: line 0\n    12:00:00 bad.service: line 10\n");
        free(text);
        fake.inner_lines = 0;
        fake.sick_more = 100;
        text = told(*state, inside);
        assert_non_null(strstr(text, "bad.service, more01.service"));
        assert_non_null(strstr(text, ", more19.service and 81 more\n"));
        free(text);
        free(TAKE_PTR(units));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_result), T(test_unit), T(test_hints), T(test_inner_lines),
                                            T(test_inside) };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
