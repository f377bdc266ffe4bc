/* SPDX-License-Identifier: MIT */
/* Commands in the namespaces of a "container": a process with namespaces of its own, made by root. */
#include "forbid.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/user.h>

#include "svc/machine/joiner.h"
#include "svc/machine/machine.h"
#include "svc/machine/setns.h"

#include "svc/systemd/systemd.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strv.h"

static const char *unit_state;

int systemd_get_string(struct systemd *s, const char *unit, const char *iface, const char *prop, char **ret,
                       struct ec_err *err)
{
        (void)s, (void)unit, (void)iface, (void)prop, (void)err;
        *ret = strdup(unit_state);
        return 0;
}

int machine_running(struct systemd *s, const char *name, struct ec_err *err)
{
        (void)s, (void)name, (void)err;
        return 0;
}

/* ---- the container ---------------------------------------------------------- */

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP)

static pid_t outer, leader;
static int leader_fd;
static int forged;            /* a system call that only seems to succeed in it; 0: none, */
static unsigned forged_errno; /* or that fails with this */

/* PID 1 of the container: reaps until it is killed. */
static void init(int ready)
{
        if (sethostname("inside", 6) < 0 || mount("none", "/mnt", "tmpfs", 0, NULL) < 0 ||
            mount("proc", "/proc", "proc", 0, NULL) < 0 || mkdir("/mnt/here", 0755) < 0 ||
            prctl(PR_CAPBSET_DROP, CAP_SYS_BOOT, 0, 0, 0) < 0)
                _exit(1);
        if (forged)
                forbid(forged, forged_errno);
        if (write(ready, "x", 1) != 1)
                _exit(1);
        close(ready);
        for (;;)
                if (waitpid(-1, NULL, 0) < 0)
                        usleep(1000);
}

static void make_container(int ready, int number)
{
        pid_t pid;

        if (unshare(NAMESPACES) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                _exit(1);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pid = fork();
        if (!pid)
                init(ready);
        /* The test needs its process ID in this namespace. */
        if (pid < 0 || write(number, &pid, sizeof(pid)) != sizeof(pid))
                _exit(1);
        close(ready);
        close(number);
        waitpid(pid, NULL, 0);
        _exit(0);
}

static int setup(void **state UNUSED)
{
        int ready[2], number[2];
        bool made;
        char mark;

        unit_state = "active";
        assert_int_equal(pipe2(ready, O_CLOEXEC) | pipe2(number, O_CLOEXEC), 0);
        outer = fork();
        assert_true(outer >= 0);
        if (!outer) {
                close(ready[0]), close(number[0]);
                make_container(ready[1], number[1]);
        }
        close(ready[1]), close(number[1]);
        made = read(number[0], &leader, sizeof(leader)) == sizeof(leader) && read(ready[0], &mark, 1) == 1;
        close(ready[0]), close(number[0]);
        if (!made)
                return -1;
        leader_fd = syscall(SYS_pidfd_open, leader, 0);
        assert_true(leader_fd >= 0);
        return 0;
}

static int teardown(void **state UNUSED)
{
        if (leader > 0)
                kill(leader, SIGKILL);
        assert_int_equal(waitpid(outer, NULL, 0), outer);
        close(leader_fd);
        return 0;
}

/* ---- commands ----------------------------------------------------------------- */

static struct ec_err err;
static char out[4096];
static int32_t status;
static struct exec x;

static void command(const char *const *argv)
{
        static char *env[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };

        x = (struct exec){
                .name = "demo",
                .unit = (char *)"container@demo.service",
                .label = argv[0],
                .leader = { leader, leader_fd },
                .argv = (char **)argv,
                .env = env,
                .cwd = (char *)"/",
                .user = { .name = (char *)"root" },
                .deadline = UINT64_MAX,
        };
}
#define COMMAND(...) command((const char *const[]){ __VA_ARGS__, NULL })

/* The poll loop of a command. */
static void finish(struct join *j)
{
        for (;;) {
                uint64_t deadline = UINT64_MAX;
                struct pollfd fds[EXEC_FDS];

                if (!exec_setns_fill(j, fds, &deadline))
                        return;
                (void)poll(fds, EXEC_FDS, clock_timeout_ms(deadline));
                exec_setns_handle(j, fds);
        }
}

static int exec_setns(int32_t *ret_status)
{
        struct join *j;
        int r = exec_setns_begin(&x, &j, &err);

        if (r >= 0)
                finish(j);
        return r < 0 ? r : exec_setns_end(j, ret_status, &err);
}

/* Runs x; its stdout and stderr are in `out`. */
static int run(void)
{
        int o[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC), r;
        size_t len = 0;
        ssize_t n;

        assert_int_equal(pipe2(o, O_CLOEXEC), 0);
        x.fds[0] = null;
        x.fds[1] = x.fds[2] = o[1];
        /* Only for messages: the command writes to our pipe itself. */
        x.streams = streams_new(NULL, NULL);
        assert_non_null(x.streams);
        x.streams->out.ours = o[1];
        status = -1;
        r = exec_setns(&status);
        streams_finish(x.streams);
        streams_free(x.streams);
        x.streams = NULL;
        close(null);
        close(o[1]);
        while ((n = read(o[0], out + len, sizeof(out) - 1 - len)) > 0)
                len += n;
        out[len] = 0;
        close(o[0]);
        return r;
}

static void runs(int32_t expected, const char *output)
{
        int r = run();

        if (r < 0)
                fail_msg("%s", err_msg(&err));
        assert_string_equal(out, output);
        assert_int_equal(status, expected);
}

static void fails(int expected, const char *text)
{
        assert_int_equal(run(), expected);
        assert_string_equal(err_msg(&err), text);
        assert_int_equal(status, -1);
        err_done(&err);
}

static void test_inside(void **state UNUSED)
{
        COMMAND("/bin/sh", "-c",
                "uname -n; ls -d /mnt/here; ls /sys/class/net 2>/dev/null | wc -l; cat /proc/1/comm; exit 7");
        assert_int_equal(run(), 0);
        assert_int_equal(status, 7);
        assert_true(!strncmp(out, "inside\n/mnt/here\n", 17));
        COMMAND("/bin/sh", "-c", "kill -9 $$");
        runs(128 + 9, "");
        /* Only the streams are inherited. */
        COMMAND("/bin/sh", "-c", "ls /proc/self/fd; umask; pwd");
        runs(0, "0\n1\n2\n3\n0022\n/\n");
}

static void test_user(void **state UNUSED)
{
        gid_t groups[] = { 1, 5 };

        COMMAND("/bin/sh", "-c", "id -ru; id -rg; id -G; grep CapEff /proc/self/status");
        x.user = (struct machine_user){ .name = (char *)"daemon", .uid = 1, .gid = 1, .groups = groups, .n_groups = 2 };
        runs(0, "1\n1\n1 5\nCapEff:\t0000000000000000\n");
}

/* The command has no capability that the container's init lacks. */
static void test_capabilities(void **state UNUSED)
{
        unsigned long long bounding;

        COMMAND("/bin/sh", "-c", "sed -n 's/CapBnd:.//p' /proc/self/status");
        assert_int_equal(run(), 0);
        bounding = strtoull(out, NULL, 16);
        assert_int_equal(bounding >> CAP_SYS_BOOT & 1, 0);
        assert_int_equal(bounding >> CAP_CHOWN & 1, 1);
}

/* Nor has it higher limits. */
static void test_limits(void **state UNUSED)
{
        COMMAND("/bin/sh", "-c", "ulimit -Sn; ulimit -Hn; ulimit -Sc");
        assert_int_equal(prlimit(leader, RLIMIT_CORE, &(struct rlimit){ 0, 0 }, NULL), 0);
        /* systemd has a higher one than its services. */
        assert_int_equal(prlimit(leader, RLIMIT_NOFILE, &(struct rlimit){ 2000, 3000 }, NULL), 0);
        runs(0, "1024\n3000\n0\n");
        assert_int_equal(prlimit(leader, RLIMIT_NOFILE, &(struct rlimit){ 300, 400 }, NULL), 0);
        runs(0, "300\n400\n0\n");
}

#ifdef __x86_64__
/* The child of the container's init, which waits in a system call. */
static pid_t supervisor(void)
{
        _cleanup_free_ char *path = str_printf("/proc/%d/task/%d/children", (int)leader, (int)leader);
        pid_t pid = 0;

        /* Its parent may not have ended yet. */
        alarm(60);
        while (!pid) {
                _cleanup_free_ char *text = NULL;

                assert_int_equal(fs_read(path, 4096, &text, NULL), 0);
                pid = (pid_t)strtol(text, NULL, 10);
                sched_yield();
        }
        alarm(0);
        return pid;
}

/* Lets another process make a system call, as root of a container can with the processes in it. */
static long make_call(pid_t pid, long number, long a, long b)
{
        struct user_regs_struct before, regs;
        int wstatus;

        assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
        assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &wstatus, __WALL), pid);
        assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &before), 0);
        regs = before;
        regs.rip -= 2; /* the instruction of the call that was interrupted */
        regs.orig_rax = -1;
        regs.rax = number;
        regs.rdi = a;
        regs.rsi = b;
        regs.rdx = 0;
        assert_int_equal(ptrace(PTRACE_SETREGS, pid, NULL, &regs), 0);
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
        assert_int_equal(waitpid(pid, &wstatus, __WALL), pid);
        assert_int_equal(ptrace(PTRACE_GETREGS, pid, NULL, &regs), 0);
        assert_int_equal(ptrace(PTRACE_SETREGS, pid, NULL, &before), 0);
        assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
        return (long)regs.rax;
}

#define SESSION_KEYRING -3
/* The host's session keyring stays on the host. */
static void test_keyring(void **state UNUSED)
{
        long ours = syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, "ec-unit-test");
        int o[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        struct join *j;
        long theirs;
        char c;

        if (ours < 0)
                skip(); /* a kernel without keyrings */
        COMMAND("/bin/sh", "-c", "echo up; exec sleep 100");
        assert_int_equal(pipe2(o, O_CLOEXEC), 0);
        x.fds[0] = null;
        x.fds[1] = x.fds[2] = o[1];
        assert_int_equal(exec_setns_begin(&x, &j, &err), 0);
        assert_int_equal(read(o[0], &c, 1), 1);
        theirs = make_call(supervisor(), SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, SESSION_KEYRING);
        assert_true(theirs > 0);
        assert_int_not_equal(theirs, ours);
        x.deadline = clock_usec();
        finish(j);
        assert_int_equal(exec_setns_end(j, &status, &err), 0);
        close(null);
        close(o[0]);
        close(o[1]);
}
#else
static void test_keyring(void **state UNUSED)
{
        skip();
}
#endif

static void test_directory(void **state UNUSED)
{
        COMMAND("/bin/pwd");
        x.cwd = (char *)"/mnt/here";
        runs(0, "/mnt/here\n");
        x.cwd = (char *)"/no/such";
        fails(-ENOENT, "cannot enter directory '/no/such' in container 'demo': No such file or directory");
        x.cwd_optional = true;
        runs(0, "/\n");
}

static void test_cannot_run(void **state UNUSED)
{
        COMMAND("/no/such/program");
        runs(127, "/no/such/program: No such file or directory\n");
        COMMAND("/etc/passwd");
        runs(126, "/etc/passwd: Permission denied\n");
}

static void test_time_limit(void **state UNUSED)
{
        uint64_t begin = clock_usec();

        COMMAND("/bin/sleep", "100");
        x.deadline = begin + 100 * USEC_PER_MSEC;
        runs(128 + SIGTERM, "");
        assert_int_equal(x.failure, -ETIMEDOUT);
        assert_true(clock_usec() - begin < 60 * USEC_PER_SEC);
}

/* Returns even if a descendant is still running. */
static void test_background(void **state UNUSED)
{
        uint64_t begin = clock_usec();

        COMMAND("/bin/sh", "-c", "sleep 100 >/dev/null 2>&1 & echo done");
        runs(0, "done\n");
        assert_true(clock_usec() - begin < 60 * USEC_PER_SEC);
}

static void test_container_ends(void **state UNUSED)
{
        COMMAND("/bin/sh", "-c", "kill -9 1; kill -TERM 1; exec sleep 100");
        /* Killed from the outside, because PID 1 cannot be killed from the inside. */
        fflush(NULL);
        pid_t killer = fork();

        if (!killer) {
                usleep(300000);
                kill(leader, SIGKILL);
                _exit(0);
        }
        unit_state = "deactivating";
        fails(-ECONNRESET, "container 'demo' stopped while '/bin/sh' was running in it");
        assert_int_equal(waitpid(killer, NULL, 0), killer);
        /* Afterwards there is no container. */
        COMMAND("/bin/true");
        for (int i = 0; i < 1000 && !kill(leader, 0); i++)
                usleep(1000);
        fails(-EHOSTDOWN, "container 'demo' is not running");
}

/* It has ended while the command was put into it: its cgroup is gone. */
static void test_ends_meanwhile(void **state UNUSED)
{
        struct join *j = calloc(1, sizeof(*j));
        struct exec x = { .name = "demo" };
        int32_t status;
        pid_t pid = fork();

        if (!pid)
                _exit(0);
        x.leader = (struct leader){ (uint32_t)pid, (int)syscall(SYS_pidfd_open, pid, 0) };
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        *j = (struct join)JOIN_INIT(&x);
        j->got = true;
        j->report = (struct report){ REPORT_CGROUP, ENOENT };
        assert_int_equal(exec_setns_end(j, &status, &err), -EHOSTDOWN);
        assert_string_equal(err_msg(&err), "container 'demo' is not running");
        err_done(&err);
        leader_close(&x.leader);
}

static int setup_forged(void **state)
{
        forged = SYS_clone;
        return setup(state);
}

static int teardown_forged(void **state)
{
        forged = 0;
        forged_errno = 0;
        return teardown(state);
}

/* Only a fork enters the PID namespace. One that seems to be made would run the command outside. */
static void test_forged_fork(void **state UNUSED)
{
        COMMAND("sh", "-c", "echo ran");
        assert_true(run() < 0);
        assert_string_equal(out, "");
        assert_string_equal(err_msg(&err), "'sh' in container 'demo' ended without a status");
        err_done(&err);
}

/* A filter of the container's chooses the error. */
static void fork_fails(unsigned number, const char *text)
{
        forged_errno = number;
        setup_forged(NULL);
        COMMAND("sh", "-c", "echo ran");
        fails(-EIO, text);
        teardown_forged(NULL);
}

static void test_forged_errno(void **state UNUSED)
{
        fork_fails(ECANCELED, "cannot run 'sh' in container 'demo': Operation canceled");
        fork_fails(ENOMEM, "cannot run 'sh' in container 'demo': Cannot allocate memory");
        fork_fails(EAGAIN, "cannot run 'sh' in container 'demo': Resource temporarily unavailable");
}

/* A container may send any report. */
static void test_forged_report(void **state UNUSED)
{
        static const struct {
                struct report report;
                bool valid;
        } cases[] = {
                { { REPORT_STATUS, 0 }, true },
                { { REPORT_STATUS, 255 }, true },
                { { REPORT_STATUS, 256 }, false },
                { { REPORT_STATUS, -1 }, false },
                { { REPORT_EXEC, ENOENT }, true },
                { { REPORT_USER, 0 }, false },
                { { REPORT_CWD, INT32_MIN }, false },
                { { REPORT_CWD, 4095 }, true },
                { { REPORT_CWD, INT32_MAX }, false },
                { { REPORT_EXEC + 1, 1 }, false },
                { { -1, 1 }, false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_int_equal(report_valid(&cases[i].report), cases[i].valid);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_inside),
                TEST(test_user),
                TEST(test_capabilities),
                TEST(test_directory),
                TEST(test_limits),
                TEST(test_keyring),
                TEST(test_cannot_run),
                TEST(test_time_limit),
                TEST(test_background),
                TEST(test_container_ends),
                cmocka_unit_test_setup_teardown(test_forged_fork, setup_forged, teardown_forged),
                cmocka_unit_test(test_forged_errno),
                cmocka_unit_test(test_ends_meanwhile),
                cmocka_unit_test(test_forged_report),
        };

        if (geteuid())
                return 0; /* only root can create such a container */
        return cmocka_run_group_tests_name("setns", tests, NULL, NULL);
}
