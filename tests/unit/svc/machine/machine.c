/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "fake_machined.h"
#include "in_child.h"
#include "svc/machine/machine.h"
#include "svc/systemd/systemd.h"
#include "util/fs_remove.h"

static void expect_err(int r, int code, const char *text)
{
        if (r != code)
                fail_msg("%d and not %d: %s", r, code, err_msg(&err));
        assert_string_equal(err_msg(&err), text);
        err_done(&err);
}

/* ---- machined -------------------------------------------------------------- */

static void test_unit(void **state)
{
        _cleanup_free_ char *unit = NULL;

        (void)state;
        begin();
        assert_int_equal(machine_unit(s, "other", &unit, &err), 0);
        assert_null(unit);
        assert_int_equal(machine_unit(s, NAME, &unit, &err), 1);
        assert_string_equal(unit, "other.service");
        /* It ends between the two calls. */
        object_gone = true;
        assert_int_equal(machine_unit(s, NAME, &unit, &err), 0);
        assert_int_equal(err.code, 0);
        assert_false(machine_registered(NAME));
        end();
}

static void test_running(void **state)
{
        uint32_t pid = 0;

        (void)state;
        begin();
        assert_int_equal(machine_running(s, NAME, &err), 1);
        assert_int_equal(machine_running(s, "other", &err), 0);
        assert_int_equal(machine_leader(s, NAME, &pid, &err), 0);
        assert_int_equal(pid, leader);
        expect_err(machine_leader(s, "other", &pid, &err), -EHOSTDOWN, "container 'other' is not running");
        object_gone = true; /* between the two queries */
        expect_err(machine_leader(s, NAME, &pid, &err), -EHOSTDOWN, "container '" NAME "' is not running");
        object_gone = false;
        leader = 0;
        expect_err(machine_leader(s, NAME, &pid, &err), -EHOSTDOWN, "container '" NAME "' is not running");
        end();
}

static void test_no_machined(void **state)
{
        (void)state;
        fake.error_at = "GetMachine";
        fake.error_name = SD_BUS_ERROR_SERVICE_UNKNOWN;
        fake.error_text = "The name is not activatable";
        begin();
        expect_err(machine_running(s, NAME, &err), -ENOSYS,
                   "cannot look for machine '" NAME "': this host has no systemd-machined");
        end();
}

/* On its private socket, systemd answers instead of machined. */
static void test_bus_down(void **state)
{
        uint32_t pid;

        (void)state;
        fake.error_at = "GetMachine";
        fake.error_name = SD_BUS_ERROR_UNKNOWN_OBJECT;
        fake.error_text = "Unknown object '/org/freedesktop/machine1'.";
        begin();
        expect_err(machine_leader(s, NAME, &pid, &err), -ENOTCONN,
                   "cannot look for machine '" NAME
                   "': the system bus of this host does not answer; start dbus.socket");
        end();
}

static void test_terminate(void **state)
{
        uint64_t start = clock_usec();

        (void)state;
        begin();
        assert_int_equal(machine_terminate(s, NAME, &err), 0);
        assert_false(there);
        assert_int_equal(machine_terminate(s, NAME, &err), 0); /* there is none */
        there = ends_late = true;
        answers = 1; /* gone at the first call */
        assert_int_equal(machine_terminate(s, NAME, &err), 0);
        assert_false(there);
        /* The signal that came with the reply is noticed, so this does not take the whole time limit. */
        assert_true(clock_usec() - start < 15 * USEC_PER_SEC);
        end();
}

static void test_terminate_ending(void **state)
{
        /* The second since systemd 262. */
        static const char *const errors[] = { "System.Error.EDEADLK", "System.Error.ESRCH" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                fake.error_at = "TerminateMachine";
                fake.error_name = errors[i];
                fake.error_text = "It is ending";
                there = ends_late = true;
                answers = 1;
                begin();
                assert_int_equal(machine_terminate(s, NAME, &err), 0);
                assert_false(there);
                end();
        }
}

/* Another run starts the container again. */
static void test_terminate_next(void **state)
{
        uint64_t start = clock_usec();

        (void)state;
        starts_again = true;
        begin();
        assert_int_equal(machine_terminate(s, NAME, &err), 0);
        assert_true(there);
        assert_true(clock_usec() - start < 15 * USEC_PER_SEC);
        end();
}

static void test_terminate_refused(void **state)
{
        (void)state;
        fake.error_at = "TerminateMachine";
        fake.error_name = SD_BUS_ERROR_ACCESS_DENIED;
        fake.error_text = "Permission denied.";
        begin();
        expect_err(machine_terminate(s, NAME, &err), -EACCES, "cannot terminate machine '" NAME "': Permission denied");
        end();
}

static void test_stale(void **state)
{
        pid_t pid = fork();

        (void)state;
        if (!pid)
                _exit(0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        begin();
        assert_int_equal(machine_clear_stale(s, NAME), 0); /* it is running */
        assert_true(there);
        leader = pid;
        assert_int_equal(machine_clear_stale(s, NAME), 1);
        assert_string_equal(manager_log(&fake), "unregister " NAME "\n");
        assert_int_equal(machine_clear_stale(s, NAME), 0); /* absent */
        end();
}

/* ---- commands, in the namespaces of another process ------------------------- */

struct result {
        int r;
        int32_t status;
        char out[8192], err[4096];
};

static void drain(int fd, char *buf, size_t size)
{
        size_t len = 0;
        ssize_t n;

        while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
                len += n;
        buf[len] = 0;
        close(fd);
}

static struct result *run(struct ec_exec x, const char *const *argv, const char *in)
{
        static struct result res;
        int i[2], o[2], e[2];

        assert_true(!pipe2(i, O_CLOEXEC) && !pipe2(o, O_CLOEXEC) && !pipe2(e, O_CLOEXEC));
        assert_int_equal(write(i[1], in ?: "", strlen(in ?: "")), strlen(in ?: ""));
        close(i[1]);
        x.size = x.size ?: sizeof(x);
        x.machine = x.machine ?: NAME;
        x.argv = argv;
        x.fds[0] = i[0];
        x.fds[1] = o[1];
        x.fds[2] = e[1];
        res.status = -1;
        res.r = machine_exec(s, &x, &res.status, &err);
        close(i[0]);
        close(o[1]);
        close(e[1]);
        drain(o[0], res.out, sizeof(res.out));
        drain(e[0], res.err, sizeof(res.err));
        if (res.r < 0 && !err.code)
                fail_msg("%d without a message", res.r);
        return &res;
}
#define RUN(...) run((struct ec_exec){ 0 }, ARGV(__VA_ARGS__), NULL)

static void expect(const struct result *r, int32_t status, const char *out)
{
        if (r->r < 0)
                fail_msg("%s", err_msg(&err));
        assert_int_equal(r->status, status);
        assert_string_equal(r->out, out);
}

static void test_commands(void **state)
{
        struct result *r;

        (void)state;
        if (!possible())
                skip();
        begin();
        expect(RUN("true"), 0, "");
        expect(RUN("sh", "-c", "exit 203"), 203, "");
        expect(RUN("sh", "-c", "kill -9 $$"), 137, "");
        r = RUN("sh", "-c", "echo out; echo err >&2");
        expect(r, 0, "out\n");
        assert_string_equal(r->err, "err\n");
        expect(run((struct ec_exec){ 0 }, ARGV("cat"), "input"), 0, "input");
        expect(RUN("printf", "<%s>", "", "a b", "$HOME", "%", "\\", "two\nlines", "-x"), 0,
               "<><a b><$HOME><%><\\><two\nlines><-x>");
        r = RUN("no-such-command-here");
        expect(r, 127, "");
        assert_non_null(strstr(r->err, "no-such-command-here"));
        expect(RUN("/etc/passwd"), 126, "");
        expect(RUN("/no/such/file"), 127, "");
        /* Returns even if a descendant is still running. */
        expect(RUN("sh", "-c", "sleep 1000 >/dev/null 2>&1 & kill $!; echo gone"), 0, "gone\n");
        end();
}

/* The message that a shell would print. */
static void test_not_by_a_shell(void **state)
{
        struct result *r;

        (void)state;
        if (!possible())
                skip();
        begin();
        r = RUN("-odd");
        expect(r, 127, "");
        assert_string_equal(r->err, "-odd: command not found\n");
        end();
}

static void test_surroundings(void **state)
{
        (void)state;
        if (!possible())
                skip();
        setenv("SECRET", "of the host", 1);
        begin();
        expect(RUN("sh", "-c", "echo $USER $LOGNAME $HOME ${SECRET-none} ${TERM-none}; pwd; umask"), 0,
               "root root /root none none\n/root\n0022\n");
        expect(run((struct ec_exec){ .env = ARGV("A=1", "HOME=/x", "A=2", "E="), .cwd = "/usr" },
                   ARGV("sh", "-c", "echo $A $HOME; pwd; env | grep -c ^A="), NULL),
               0, "2 /x\n/usr\n1\n");
        expect(run((struct ec_exec){ .user = "daemon" }, ARGV("sh", "-c", "id -un; id -ru; id -Gn"), NULL), 0,
               "daemon\n1\ndaemon\n");
        expect(run((struct ec_exec){ .user = "1" }, ARGV("id", "-un"), NULL), 0, "daemon\n");
        /* Signals and descriptors have their defaults; 32 and 33 are glibc's own. */
        signal(SIGPIPE, SIG_IGN);
        expect(RUN("sh", "-c",
                   "sed -n 's/[01]80000000$/000000000/; /^Sig[BI][lg][kn]/p' /proc/self/status; ls /proc/self/fd"),
               0, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n0\n1\n2\n3\n");
        end();
}

static void test_login(void **state)
{
        struct result *r;

        (void)state;
        if (!possible())
                skip();
        begin();
        expect(run((struct ec_exec){ .flags = EC_EXEC_LOGIN }, ARGV("printf", "<%s>", "a b", "it's", "", "$x"), NULL),
               0, "<a b><it's><><$x>");
        expect(run((struct ec_exec){ .flags = EC_EXEC_LOGIN }, (const char *const[]){ NULL },
                   "echo from-stdin; exit 4\n"),
               4, "from-stdin\n");
        r = run((struct ec_exec){ .flags = EC_EXEC_LOGIN }, ARGV("no-such-command-here"), NULL);
        expect(r, 127, "");
        /* The user's shell does not take commands, so root's is used. */
        expect(run((struct ec_exec){ .flags = EC_EXEC_LOGIN, .user = "nobody" }, ARGV("id", "-un"), NULL), 0,
               "nobody\n");
        end();
}

static void test_refused(void **state)
{
        struct ec_exec x = { .size = sizeof(x), .machine = NAME, .argv = ARGV("true") };
        int32_t status;

        (void)state;
        begin();
        expect_err(run((struct ec_exec){ .machine = "other" }, ARGV("true"), NULL)->r, -EHOSTDOWN,
                   "container 'other' is not running");
        expect_err(run((struct ec_exec){ 0 }, ARGV(""), NULL)->r, -EINVAL, "no command to run in container '" NAME "'");
        expect_err(run((struct ec_exec){ .cwd = "usr" }, ARGV("true"), NULL)->r, -EINVAL,
                   "directory 'usr' is not an absolute path");
        x = (struct ec_exec){ .size = sizeof(x),
                              .machine = NAME,
                              .argv = ARGV("true"),
                              .fds = { -1, -1, open("/", O_RDONLY | O_CLOEXEC) } };
        assert_int_equal(machine_exec(s, &x, &status, &err), -EISDIR);
        err_done(&err);
        close(x.fds[2]);
        x.fds[2] = 9999;
        assert_int_equal(machine_exec(s, &x, &status, &err), -EBADF);
        err_done(&err);
        if (possible()) {
                expect_err(run((struct ec_exec){ .user = "no-such-user" }, ARGV("true"), NULL)->r, -ENOENT,
                           "container '" NAME "' has no user 'no-such-user'");
                expect_err(run((struct ec_exec){ .cwd = "/no/such" }, ARGV("true"), NULL)->r, -ENOENT,
                           "container '" NAME "' has no directory '/no/such'");
                expect_err(run((struct ec_exec){ .env = ARGV("NOT") }, ARGV("true"), NULL)->r, -EINVAL,
                           "environment variable 'NOT' is not of the form NAME=VALUE");
        }
        end();
}

static void test_down(void **state)
{
        (void)state;
        if (!possible())
                skip();
        fake.units[0].active = "deactivating";
        begin();
        expect_err(RUN("true")->r, -EHOSTDOWN, "container '" NAME "' is shutting down");
        end();
}

static void test_timeout(void **state)
{
        (void)state;
        if (!possible())
                skip();
        begin();
        expect_err(run((struct ec_exec){ .timeout_ms = 200 }, ARGV("sleep", "1000"), NULL)->r, -ETIMEDOUT,
                   "'sleep' did not end within 200 ms in container '" NAME "'");
        expect(run((struct ec_exec){ .timeout_ms = 60000 }, ARGV("true"), NULL), 0, "");
        end();
}

/* The command gets the signal and may end in its own way; the caller gets the interruption. */
/* A process that interrupts us when something is written to its FIFO: the command has other process IDs. */
static pid_t interrupter(const char *fifo)
{
        pid_t parent = getpid(), pid = fork();

        if (!pid) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)!open(fifo, O_RDONLY | O_CLOEXEC);
                _exit(kill(parent, SIGINT) < 0);
        }
        return pid;
}

static void in_test_interrupt(void)
{
        char dir[] = "/tmp/ec-test.XXXXXX";
        struct result *r;
        pid_t pid;

        if (!possible())
                return;
        must(mkdtemp(dir));
        /* If the machine is so busy that TERM comes before the shell has handled INT, INT is still handled. */
        _cleanup_free_ char *fifo = str_printf("%s/fifo", dir);
        _cleanup_free_ char *script = str_printf("trap 'echo cleaned; exit 3' INT; trap : TERM; : >%s; "
                                                 "while :; do sleep 0.01; done",
                                                 fifo);
        must(mkfifo(fifo, 0600) == 0);
        pid = interrupter(fifo);
        must(interrupt_init() == 0);
        begin();

        r = RUN("sh", "-c", script);
        must(r->r == -ECANCELED && !strcmp(err_msg(&err), "interrupted") && !strcmp(r->out, "cleaned\n"));
        err_done(&err);
        /* After that nothing is started, except steps that undo something. */
        must(RUN("true")->r == -ECANCELED);
        err_done(&err);
        interrupt_hold();
        must(RUN("true")->r == 0);
        interrupt_release();
        end();
        must(waitpid(pid, NULL, 0) == pid && unlink(fifo) == 0 && rmdir(dir) == 0);
}
CHILD_TEST(test_interrupt)

/* Root of a container may have put anything in the place of the device that makes terminals. */
static void in_test_no_terminal(void)
{
        struct ec_exec x = { .size = sizeof(x), .machine = NAME, .argv = ARGV("true"), .flags = EC_EXEC_TTY };
        int32_t status;
        int ready[2];
        pid_t pid;
        char c;

        if (!possible())
                return;
        must(pipe2(ready, O_CLOEXEC) == 0);
        pid = fork_container();
        if (!pid) {
                must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) == 0 &&
                     mount("x", "/dev/pts", "tmpfs", 0, NULL) == 0);
                must(mkfifo("/dev/pts/ptmx", 0600) == 0 && write(ready[1], "x", 1) == 1);
                for (;;)
                        pause();
        }
        must(read(ready[0], &c, 1) == 1);
        leader = pid;
        begin();
        must(machine_exec(s, &x, &status, &err) == -ENOTTY);
        must(!strcmp(err_msg(&err), "cannot open a terminal in container '" NAME "': Inappropriate ioctl for device"));
        end();
        must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
}
CHILD_TEST(test_no_terminal)

/* No descriptor stays open, and no child is left. */
static void test_nothing_left(void **state)
{
        int before, after;

        (void)state;
        if (!possible())
                skip();
        begin();
        expect(RUN("true"), 0, "");
        before = dup(0);
        close(before);
        for (int i = 0; i < 20; i++)
                expect(RUN("true"), 0, "");
        after = dup(0);
        close(after);
        assert_int_equal(before, after);
        kill(other, SIGKILL);
        assert_int_equal(waitpid(other, NULL, 0), other);
        other = 0;
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        end();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
        const struct CMUnitTest tests[] = {
                TEST(test_unit),           TEST(test_running),           TEST(test_no_machined),
                TEST(test_bus_down),       TEST(test_terminate),         TEST(test_terminate_ending),
                TEST(test_terminate_next), TEST(test_terminate_refused), TEST(test_stale),
                TEST(test_commands),       TEST(test_not_by_a_shell),    TEST(test_surroundings),
                TEST(test_login),          TEST(test_refused),           TEST(test_down),
                TEST(test_timeout),        TEST(test_interrupt),         TEST(test_no_terminal),
                TEST(test_nothing_left),
        };

        return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
