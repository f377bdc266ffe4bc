/* SPDX-License-Identifier: MIT */
/* Tests commands in transient units; the container's systemd is at the other end of a socketpair. */
#include "in_child.h"

#include <sys/stat.h>

#include "fake_manager.h"
#include "svc/machine/state.h"
#include "svc/machine/unit.h"
#include "svc/process/interrupt.h"
#include "util/clock.h"

/* ---- the container's systemd ------------------------------------------------ */

static struct manager fake;
static struct exec x;
static struct ec_err err;
static char unit[100], *properties;
static const char *refuse, *system_state, *unit_state; /* of the container's unit on the host */
static int code, status;
static bool hangs;          /* the command runs until stopped or killed */
static bool no_removed;     /* JobRemoved is not sent */
static bool restarts;       /* the bus closes once the command runs */
static const char *silent;  /* this property gets no answer, */
static const char *failing; /* or this error */

char *exec_unit_state(struct exec *e)
{
        (void)e;
        return unit_state ? strdup(unit_state) : NULL;
}

bool exec_state_down(const char *state)
{
        return state && strcmp(state, "active");
}

int exec_stopped(struct exec *e, struct ec_err *error)
{
        return err_set(error, -ECONNRESET, "container '%s' stopped", e->name);
}

void exec_fill(struct exec *e, struct pollfd fds[static EXEC_FDS])
{
        (void)e;
        fds[1] = (struct pollfd){ .fd = interrupt_fd(), .events = POLLIN };
        for (size_t i = 2; i < EXEC_FDS; i++)
                fds[i] = (struct pollfd){ .fd = -1 };
}

/* The user's signals are passed on; the time limit ends the command. */
void exec_handle(struct exec *e, const struct pollfd fds[static EXEC_FDS])
{
        if (fds[1].revents && e->stage == EXEC_RUNS) {
                e->signal = e->sent = interrupt_signal();
                e->stage = EXEC_ASKED;
                e->failure = -ECANCELED;
        }
        if (e->stage == EXEC_RUNS && clock_usec() >= e->deadline) {
                e->signal = e->sent = SIGTERM;
                e->stage = EXEC_TERMED;
                e->failure = -ETIMEDOUT;
        }
}

uint64_t exec_deadline(const struct exec *e, uint64_t other)
{
        return e->stage == EXEC_RUNS && e->deadline < other ? e->deadline : other;
}

/* Lists each property as "Name=value "; descriptors by kind, arrays joined by commas. */
static void add_property(const char *name, const char *value)
{
        char *more = str_printf("%s%s=%s ", properties ?: "", name, value);

        free(properties);
        properties = more;
}

static int read_array(sd_bus_message *m, char **ret)
{
        _cleanup_strv_ char **v = NULL;
        int r = sd_bus_message_read_strv(m, &v);

        *ret = strv_join(STRV_CONST(v), ",");
        return r;
}

static int read_command(sd_bus_message *m, char **ret)
{
        _cleanup_free_ char *argv = NULL;
        const char *path;
        int ignore_failure, r = sd_bus_message_enter_container(m, 'a', "(sasb)");

        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'r', "sasb");
        if (r >= 0)
                r = sd_bus_message_read(m, "s", &path);
        if (r >= 0)
                r = read_array(m, &argv);
        if (r >= 0)
                r = sd_bus_message_read(m, "b", &ignore_failure);
        *ret = str_printf("%s:%s", path, argv);
        for (int i = 0; i < 2 && r >= 0; i++)
                r = sd_bus_message_exit_container(m);
        return r;
}

static int read_property(sd_bus_message *m)
{
        _cleanup_free_ char *value = NULL;
        const char *name, *contents, *s;
        uint64_t t;
        int b, r = sd_bus_message_read(m, "s", &name);

        if (r >= 0)
                r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'v', contents);
        if (r < 0)
                return r;
        if (!strcmp(contents, "s")) {
                r = sd_bus_message_read(m, "s", &s);
                value = strdup(s);
        } else if (!strcmp(contents, "b")) {
                r = sd_bus_message_read(m, "b", &b);
                value = strdup(b ? "yes" : "no");
        } else if (!strcmp(contents, "t")) {
                r = sd_bus_message_read(m, "t", &t);
                value = str_printf("%d", (int)t);
        } else if (!strcmp(contents, "h")) {
                struct stat st;

                r = sd_bus_message_read(m, "h", &b);
                value = strdup(fstat(b, &st) >= 0 && S_ISFIFO(st.st_mode) ? "pipe" : "other");
        } else if (!strcmp(contents, "as")) {
                r = read_array(m, &value);
        } else {
                r = read_command(m, &value);
        }
        add_property(name, value);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int ended(struct manager *m)
{
        unit_state = unit_state ?: "active";
        hangs = false;
        return sd_bus_emit_signal(m->bus, x.tty ? "/other" : "/org/freedesktop/systemd1/unit/x",
                                  "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", "", 0, 0);
}

static int start(struct manager *m, sd_bus_message *call)
{
        const char *name, *mode;
        int r = sd_bus_message_read(call, "ss", &name, &mode);

        snprintf(unit, sizeof(unit), "%s", name);
        manager_note(m, "start", mode);
        if (refuse)
                return sd_bus_reply_method_errorf(call, refuse, "No.");
        if (r >= 0)
                r = sd_bus_message_enter_container(call, 'a', "(sv)");
        while (r >= 0 && (r = sd_bus_message_enter_container(call, 'r', "sv")) > 0) {
                r = read_property(call);
                if (r >= 0)
                        r = sd_bus_message_exit_container(call);
        }
        if (r >= 0)
                r = sd_bus_reply_method_return(call, "o", "/job/1");
        if (restarts) {
                sd_bus_flush(m->bus);
                sd_bus_close(m->bus);
                return -ECONNRESET;
        }
        return r < 0 || no_removed ? r : manager_removed(m, "/job/1", unit, "done");
}

static int get(struct manager *m, sd_bus_message *call)
{
        const char *prop;

        if (sd_bus_message_read(call, "ss", NULL, &prop) < 0)
                return -EINVAL;
        if (!strcmp(prop, "ActiveState"))
                return sd_bus_reply_method_return(call, "v", "s", hangs ? "active" : "inactive");
        manager_note(m, "get", prop);
        if (silent && !strcmp(prop, silent))
                return failing ? sd_bus_reply_method_errorf(call, failing, "No.") : 1;
        if (!strcmp(prop, "ExecMainCode"))
                return sd_bus_reply_method_return(call, "v", "i", code);
        if (!strcmp(prop, "ExecMainStatus"))
                return sd_bus_reply_method_return(call, "v", "i", status);
        if (!strcmp(prop, "SystemState"))
                return sd_bus_reply_method_return(call, "v", "s", system_state);
        if (!strcmp(prop, "Job"))
                return sd_bus_reply_method_return(call, "v", "(uo)", 0, "/");
        return 0;
}

static int inside(struct manager *m, sd_bus_message *call)
{
        const char *member = sd_bus_message_get_member(call), *name = NULL;
        int sig = 0;

        if (!strcmp(member, "StartTransientUnit"))
                return start(m, call);
        if (!strcmp(member, "Get"))
                return get(m, call);
        if (!strcmp(member, "StopUnit")) {
                manager_note(m, "stop", "");
                code = CLD_KILLED;
                status = SIGTERM;
                return ended(m) < 0 ? -EIO : 1;
        }
        if (!strcmp(member, "KillUnit") && sd_bus_message_read(call, "ssi", &name, NULL, &sig) >= 0) {
                manager_note(m, "kill", sig == SIGINT ? "INT" : sig == SIGKILL ? "KILL" : "other");
                code = CLD_KILLED;
                status = sig;
                return ended(m) < 0 ? -EIO : 1;
        }
        return 0;
}

/* ---- the tests --------------------------------------------------------------- */

static int pipes[2];

static int setup(void **state UNUSED)
{
        static char *argv[] = { (char *)"/bin/echo", (char *)"a b", (char *)"$HOME", NULL },
                    *env[] = { (char *)"A=1", (char *)"B=two words", NULL };

        memset(&fake, 0, sizeof(fake));
        fake.other = inside;
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        x = (struct exec){
                .name = "demo",
                .label = "echo",
                .argv = argv,
                .env = env,
                .cwd = (char *)"/root",
                .cwd_optional = true,
                .user = { .name = (char *)"alice", .uid = 1000 },
                .fds = { pipes[0], pipes[1], pipes[1] },
                .deadline = UINT64_MAX,
        };
        refuse = NULL;
        system_state = "running";
        unit_state = "active";
        code = CLD_EXITED;
        status = 0;
        hangs = no_removed = restarts = false;
        silent = failing = NULL;
        free(properties);
        properties = NULL;
        manager_start(&fake);
        return 0;
}

static int teardown(void **state UNUSED)
{
        close(pipes[0]);
        close(pipes[1]);
        free(properties);
        properties = NULL;
        return 0;
}

/* In the poll loop of one command. */
static bool lost_early;

static int run(int32_t *ret_status)
{
        struct unit *u = NULL;
        int r;

        if (lost_early)
                sd_bus_close(fake.client);
        r = exec_unit_begin(&x, fake.client, &u, &err);
        while (r >= 0) {
                uint64_t deadline = UINT64_MAX;
                struct pollfd fds[EXEC_FDS];

                if (!exec_unit_fill(u, fds, &deadline))
                        break;
                (void)poll(fds, EXEC_FDS, clock_timeout_ms(deadline));
                exec_unit_handle(u, fds);
        }
        if (r >= 0)
                r = exec_unit_end(u, ret_status, &err);
        manager_stop(&fake);
        return r;
}

static void runs(int32_t expected)
{
        int32_t got = -1;
        int r = run(&got);

        if (r != 1)
                fail_msg("%d: %s", r, err_msg(&err));
        assert_int_equal(got, expected);
}

static void fails(int expected, const char *text)
{
        int32_t got = -1;

        assert_int_equal(run(&got), expected);
        assert_string_equal(err_msg(&err), text);
        assert_int_equal(got, -1);
        err_done(&err);
}

static void has(const char *property)
{
        if (!strstr(properties, property))
                fail_msg("no '%s' in %s", property, properties);
}

static void test_properties(void **state UNUSED)
{
        runs(0);
        assert_true(!strncmp(unit, "extra-container-", 16) && str_ends(unit, ".service"));
        has("Description=Command echo from the host ");
        has("Type=exec AddRef=yes CollectMode=inactive-or-failed ");
        has("DefaultDependencies=no Conflicts=shutdown.target Before=shutdown.target ");
        has("IgnoreSIGPIPE=no SendSIGHUP=yes TimeoutStopUSec=3000000 WorkingDirectory=-/root ");
        has("User=alice ");
        has("Environment=A=1,B=two words ");
        has("StandardInputFileDescriptor=pipe StandardOutputFileDescriptor=pipe StandardErrorFileDescriptor=pipe ");
        /* Arguments arrive unchanged: systemd makes "$" of "$$". */
        has("ExecStart=/bin/echo:/bin/echo,a b,$$HOME ");
}

static void test_terminal(void **state UNUSED)
{
        x.user.uid = 0;
        x.tty = true;
        x.tty_path = (char *)"/dev/pts/7";
        x.cwd_optional = false;
        runs(0);
        has("StandardInput=tty StandardOutput=tty StandardError=tty TTYPath=/dev/pts/7 ");
        has("WorkingDirectory=/root ");
        assert_null(strstr(properties, "User="));
        assert_null(strstr(properties, "FileDescriptor"));
}

static void test_status(void **state UNUSED)
{
        status = 7;
        runs(7);
}

static void test_killed(void **state UNUSED)
{
        code = CLD_DUMPED;
        status = SIGSEGV;
        runs(128 + SIGSEGV);
}

/* The container's shutdown also ends the command with a signal. */
static void test_shutdown(void **state UNUSED)
{
        code = CLD_KILLED;
        status = SIGTERM;
        system_state = "stopping";
        fails(-ECONNRESET, "container 'demo' stopped");
}

static void test_not_started(void **state UNUSED)
{
        code = 0;
        fails(-EIO, "'echo' was not started in container 'demo'");
}

/* If the signal that the job has ended is lost, systemd is queried. */
static void test_lost_signal(void **state UNUSED)
{
        no_removed = true;
        status = 5;
        runs(5);
}

static void test_too_old(void **state UNUSED)
{
        int32_t got;

        refuse = SD_BUS_ERROR_PROPERTY_READ_ONLY;
        assert_int_equal(run(&got), 0);
        assert_int_equal(err.code, 0);
}

static void test_refused(void **state UNUSED)
{
        refuse = SD_BUS_ERROR_ACCESS_DENIED;
        fails(-EACCES, "cannot run 'echo' in container 'demo': No");
}

/* A container cannot interrupt the whole run, nor blame the host. */
static void test_refused_with_code(void **state)
{
        static const char *const names[] = { "System.Error.ECANCELED", "System.Error.ENOMEM", SD_BUS_ERROR_NO_MEMORY,
                                             "System.Error.ENFILE", "System.Error.EMFILE" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (i)
                        setup(state);
                refuse = names[i];
                fails(-EIO, "cannot run 'echo' in container 'demo': No");
                if (i + 1 < ARRAY_SIZE(names))
                        teardown(state);
        }
}

static void test_status_with_code(void **state)
{
        silent = "ExecMainCode";
        failing = "System.Error.ECANCELED";
        fails(-EIO, "the exit status of 'echo' in container 'demo' cannot be read: No");
        teardown(state);
        setup(state);
        silent = "ExecMainStatus";
        failing = "System.Error.ENFILE";
        fails(-EIO, "the exit status of 'echo' in container 'demo' cannot be read: No");
}

/* No process ends like this. */
static void test_forged_status(void **state)
{
        static const int32_t pairs[][2] = { { CLD_EXITED, 256 },       { CLD_EXITED, -ECANCELED }, { CLD_KILLED, -128 },
                                            { CLD_KILLED, INT32_MAX }, { CLD_DUMPED, 0 },          { 7, 0 } };

        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
                if (i)
                        setup(state);
                code = pairs[i][0];
                status = pairs[i][1];
                fails(-EIO, "the exit status of 'echo' in container 'demo' cannot be read: Input/output error");
                if (i + 1 < ARRAY_SIZE(pairs))
                        teardown(state);
        }
}

static void test_shutting_down(void **state UNUSED)
{
        refuse = BUS_SYSTEMD ".TransactionIsDestructive";
        fails(-EHOSTDOWN, "container 'demo' is shutting down");
}

static void test_time_limit(void **state UNUSED)
{
        hangs = true;
        x.deadline = clock_usec() + 50 * USEC_PER_MSEC;
        runs(128 + SIGTERM);
        assert_int_equal(x.failure, -ETIMEDOUT);
}

static void in_test_interrupt(void)
{
        int32_t got = -1;

        must(interrupt_init() == 0);
        hangs = true;
        must(kill(getpid(), SIGINT) == 0);
        must(run(&got) == 1 && got == 128 + SIGINT);
        must(x.failure == -ECANCELED);
}

/* Root of the container may run something else in place of the bus. */
static void in_test_silent(void)
{
        uint64_t start = clock_usec();
        int32_t got = -1;

        must(interrupt_init() == 0);
        hangs = true;
        silent = "ExecMainCode";
        must(kill(getpid(), SIGINT) == 0);
        must(run(&got) == -ETIMEDOUT && x.failure == -ECANCELED);
        must(!strcmp(err_msg(&err),
                     "the system bus of container 'demo' does not answer: it is not known how 'echo' ended"));
        must(clock_usec() - start < 50 * USEC_PER_SEC);
}

static void with_manager(void (*fn)(void))
{
        manager_stop(&fake); /* threads do not survive fork() */
        sd_bus_close_unref(fake.client);
        fflush(NULL);
        pid_t pid = fork();
        int wstatus;

        if (!pid) {
                alarm(CHILD_SECONDS);
                manager_start(&fake);
                fn();
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &wstatus, 0), pid);
        assert_int_equal(wstatus, 0);
}

static void test_interrupt(void **state UNUSED)
{
        with_manager(in_test_interrupt);
}

static void test_silent(void **state UNUSED)
{
        with_manager(in_test_silent);
}

/* The bus closes when the container ends. */
static void test_container_gone(void **state UNUSED)
{
        restarts = true;
        unit_state = "failed";
        fails(-ECONNRESET, "container 'demo' stopped");
}

static void test_lost_before_start(void **state UNUSED)
{
        fake.die_at = "StartTransientUnit";
        fails(-ECONNRESET, "the system bus of container 'demo' was lost while 'echo' was being started in it");
}

/* After it was connected to. */
static void test_lost_early(void **state UNUSED)
{
        lost_early = true;
        fails(-ECONNRESET, "the system bus of container 'demo' was lost while 'echo' was being started in it");
        lost_early = false;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_properties),    TEST(test_terminal),          TEST(test_status),
                TEST(test_killed),        TEST(test_shutdown),          TEST(test_not_started),
                TEST(test_lost_signal),   TEST(test_too_old),           TEST(test_refused),
                TEST(test_shutting_down), TEST(test_time_limit),        TEST(test_interrupt),
                TEST(test_silent),        TEST(test_container_gone),    TEST(test_lost_before_start),
                TEST(test_lost_early),    TEST(test_refused_with_code), TEST(test_status_with_code),
                TEST(test_forged_status),
        };

        return cmocka_run_group_tests_name("unit", tests, NULL, NULL);
}
