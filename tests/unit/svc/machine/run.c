/* SPDX-License-Identifier: MIT */
/* Tests commands that run in parallel. */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "fake_machined.h"
#include "in_child.h"
#include "slow_mount.h"
#include "svc/machine/machine.h"
#include "svc/process/interrupt.h"
#include "util/helper.h"

#define MANY 40 /* more than run at the same time */

struct many {
        struct machine_command commands[MANY];
        struct ec_exec execs[MANY];
        const char *argv[MANY][4];
        struct ec_err errs[MANY];
        char lines[MANY][256];
};

static void on_line(void *data, const char *line)
{
        char *lines = data;

        snprintf(lines + strlen(lines), 256 - strlen(lines), "<%s>", line);
}

static struct many *many(size_t n, const char *script)
{
        struct many *v = calloc(1, sizeof(*v));

        for (size_t i = 0; i < n; i++) {
                memcpy(v->argv[i], ARGV("sh", "-c", script), sizeof(v->argv[i]));
                v->execs[i] = (struct ec_exec){
                        .size = sizeof(v->execs[i]), .machine = NAME, .argv = v->argv[i], .fds = { -1, -1, -1 }
                };
                v->commands[i] = (struct machine_command){
                        .exec = &v->execs[i], .line = on_line, .data = v->lines[i], .err = &v->errs[i]
                };
        }
        return v;
}

static void test_side_by_side(void **state)
{
        struct many *v = many(4, "sleep 2; echo out; echo err >&2; printf last; exit 3");
        uint64_t start = clock_usec();

        (void)state;
        if (!possible())
                skip();
        v->argv[1][2] = "exit 0";
        v->execs[2].machine = "other";
        begin();
        assert_int_equal(machine_exec_many(s, v->commands, 4, &err), 0);
        assert_true(clock_usec() - start < 3500 * USEC_PER_MSEC); /* sequentially: 4 s or more */
        for (size_t i = 0; i < 4; i += 3) {
                assert_int_equal(v->commands[i].result, 0);
                assert_int_equal(v->commands[i].status, 3);
                assert_string_equal(v->lines[i], "<out><err><last>");
        }
        assert_int_equal(v->commands[1].result, 0);
        assert_int_equal(v->commands[1].status, 0);
        assert_int_equal(v->commands[2].result, -EHOSTDOWN);
        assert_string_equal(err_msg(&v->errs[2]), "container 'other' is not running");
        err_done(&v->errs[2]);
        end();
        free(v);
}

/* A process of root with a file system of its own that answers nobody, or everybody with an error. */
static pid_t slow_container(int error)
{
        int ready[2];
        pid_t pid;
        char c = 0;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork_container();
        if (!pid) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) >= 0)
                        c = slow_mount("/etc", error) > 0;
                (void)!write(ready[1], &c, 1);
                for (;;)
                        pause();
        }
        assert_int_equal(read(ready[0], &c, 1), 1);
        close(ready[0]), close(ready[1]);
        return c ? pid : 0;
}

static void note_time(void *data, const char *line)
{
        (void)line;
        *(uint64_t *)data = clock_usec();
}

static void test_slow_files(void **state)
{
        struct many *v = many(2, "echo out");
        uint64_t start = clock_usec(), ran = 0;

        (void)state;
        slow = possible() ? slow_container(0) : 0;
        if (!slow)
                skip();
        fake.units[1] = (struct manager_unit){ .name = "container@" SLOW ".service", .active = "active" };
        begin();
        v->execs[0].machine = SLOW;
        v->commands[1].line = note_time;
        v->commands[1].data = &ran;
        assert_int_equal(machine_exec_many(s, v->commands, 2, &err), 0);
        assert_int_equal(v->commands[0].result, -ETIMEDOUT);
        assert_string_equal(err_msg(&v->errs[0]),
                            "cannot look for 'sh' in container '" SLOW "': its file systems do not answer");
        err_done(&v->errs[0]);
        assert_int_equal(v->commands[1].result, 0);
        assert_true(ran - start < HELPER_SECONDS * USEC_PER_SEC / 2);
        assert_true(clock_usec() - start >= HELPER_SECONDS * USEC_PER_SEC);
        end();
        kill(slow, SIGKILL);
        assert_int_equal(waitpid(slow, NULL, 0), slow);
        slow = 0;
        free(v);
}

/* The error does not end the whole run. */
static void test_failing_files(void **state)
{
        static const int errors[] = { ECANCELED, ENOMEM, ENFILE };

        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                struct many *v = many(1, "echo out");

                slow = possible() ? slow_container(errors[i]) : 0;
                if (!slow)
                        skip();
                fake.units[1] = (struct manager_unit){ .name = "container@" SLOW ".service", .active = "active" };
                begin();
                v->execs[0].machine = SLOW;
                assert_int_equal(machine_exec_many(s, v->commands, 1, &err), 0);
                assert_int_equal(v->commands[0].result, -EIO);
                assert_err(&v->errs[0], -EIO, "cannot read the users of container '" SLOW "': Input/output error");
                end();
                kill(slow, SIGKILL);
                assert_int_equal(waitpid(slow, NULL, 0), slow);
                slow = 0;
                free(v);
                setup(state);
        }
}

/* It is not registered with machined yet, and perhaps never will be. */
static void test_slow_start(void **state)
{
        struct many *v = many(2, "echo out");
        uint64_t start = clock_usec(), ran = 0;

        (void)state;
        if (!possible())
                skip();
        fake.units[1] = (struct manager_unit){ .name = "container@other.service", .active = "activating" };
        begin();
        v->execs[0].machine = "other";
        v->execs[0].timeout_ms = 5000;
        v->commands[1].line = note_time;
        v->commands[1].data = &ran;
        assert_int_equal(machine_exec_many(s, v->commands, 2, &err), 0);
        assert_int_equal(v->commands[0].result, -ETIMEDOUT);
        assert_string_equal(err_msg(&v->errs[0]), "'sh' did not end within 5 s in container 'other'");
        err_done(&v->errs[0]);
        assert_int_equal(v->commands[1].result, 0);
        assert_true(ran - start < 4 * USEC_PER_SEC);
        end();
        free(v);
}

/* A container's output must not reach our terminal unfiltered. */
static void test_forged_output(void **state)
{
        struct many *v = many(1, "printf '\\033]0;title\\a\\033[2Jtext\\r\\n'");

        (void)state;
        if (!possible())
                skip();
        begin();
        assert_int_equal(machine_exec_many(s, v->commands, 1, &err), 0);
        assert_string_equal(v->lines[0], "<text>");
        end();
        free(v);
}

/* Works with output of any length and with any number of commands. */
static void test_many(void **state)
{
        struct many *v = many(MANY, "head -c 300000 /dev/zero | tr '\\0' '\\n'; echo end");

        (void)state;
        if (!possible())
                skip();
        begin();
        assert_int_equal(machine_exec_many(s, v->commands, MANY, &err), 0);
        for (size_t i = 0; i < MANY; i++) {
                assert_int_equal(v->commands[i].result, 0);
                assert_int_equal(v->commands[i].status, 0);
        }
        end();
        free(v);
}

struct counted {
        size_t lines, bytes;
        char last[64];
};

static void count(void *data, const char *line)
{
        struct counted *c = data;

        c->lines++;
        c->bytes += strlen(line);
        snprintf(c->last, sizeof(c->last), "%s", line);
}

/* Only the beginning of endless output is passed on, whatever the length of its lines. */
static void test_flood(void **state)
{
        struct many *v = many(2, "head -c 3000000 /dev/zero | tr '\\0' '\\n'");
        struct counted counted[2] = { 0 };

        (void)state;
        if (!possible())
                skip();
        v->argv[1][2] = "head -c 3000000 /dev/zero | tr '\\0' x";
        for (size_t i = 0; i < 2; i++) {
                v->commands[i].line = count;
                v->commands[i].data = &counted[i];
        }
        begin();
        assert_int_equal(machine_exec_many(s, v->commands, 2, &err), 0);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(v->commands[i].result, 0);
                assert_string_equal(counted[i].last, "(more output is not shown)");
        }
        assert_in_range(counted[0].lines, 1000, 5000);
        assert_in_range(counted[1].bytes, 200000, 300000);
        end();
        free(v);
}

static void interrupt_us(void *data, const char *line)
{
        on_line(data, line);
        if (!strcmp(line, "up"))
                kill(getpid(), SIGINT);
}

/* All get the signal, and commands that have not begun are not started. */
static void in_test_interrupt_many(void)
{
        struct many *v = many(MANY,
                              "trap 'echo cleaned; exit 3' INT; trap : TERM; echo up; while :; do sleep 0.01; done");

        if (!possible())
                return;
        must(interrupt_init() == 0);
        begin();
        v->commands[1].line = interrupt_us;
        must(machine_exec_many(s, v->commands, MANY, &err) == 0);
        for (size_t i = 0; i < MANY; i++) {
                must(v->commands[i].result == -ECANCELED && !strcmp(err_msg(&v->errs[i]), "interrupted"));
                err_done(&v->errs[i]);
        }
        must(!strcmp(v->lines[1], "<up><cleaned>"));
        must(!strcmp(v->lines[MANY - 1], ""));
        end();
        free(v);
}
CHILD_TEST(test_interrupt_many)

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
        const struct CMUnitTest tests[] = { TEST(test_side_by_side),  TEST(test_slow_files),
                                            TEST(test_slow_start),    TEST(test_many),
                                            TEST(test_forged_output), TEST(test_interrupt_many),
                                            TEST(test_failing_files), TEST(test_flood) };

        return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
