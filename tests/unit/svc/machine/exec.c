/* SPDX-License-Identifier: MIT */
/* Tests how a command is built and whether it can be sent over a bus. The container has the files of this machine. */
#include "other_mounts.h"

#include <systemd/sd-login.h>

#include <errno.h>

#include "svc/machine/exec.h"
#include "svc/machine/machine.h"
#include "svc/machine/state.h"
#include "svc/process/executed.h"
#include "svc/process/interrupt.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strv.h"

/* ---- the container ------------------------------------------------------------ */

static pid_t other, strange; /* the leader, and a process of another unit */
static char *way, *argv_seen, *env_seen;

int machine_leader(struct systemd *s, const char *name, uint32_t *ret_pid, struct ec_err *err)
{
        (void)s;
        if (strcmp(name, "demo"))
                return err_set(err, -EHOSTDOWN, "container '%s' is not running", name);
        *ret_pid = other;
        return 0;
}

char *exec_unit_state(struct exec *x)
{
        (void)x;
        return strdup("inactive");
}

/* ---- the tests --------------------------------------------------------------- */

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* "bus" or "namespaces", followed by the command. */
static int prepare(struct ec_exec in, const char *const *argv, struct ec_err *err)
{
        struct exec x = EXEC_INIT(NULL);
        uint64_t deadline = UINT64_MAX;
        struct pollfd fds[EXEC_FDS];
        int32_t status;
        int r;

        in.size = sizeof(in);
        in.machine = in.machine ?: "demo";
        in.argv = argv;
        r = exec_begin(&x, &in, err);
        while (r >= 0 && (r = exec_find(&x, fds, &deadline, err)) == 0)
                assert_true(poll(fds, EXEC_FDS, clock_timeout_ms(deadline)) >= 0);
        if (r >= 0)
                r = exec_look(&x, &in, err);
        while (r >= 0 && (r = exec_looked(&x, fds, &deadline, err)) == 0)
                assert_true(poll(fds, EXEC_FDS, clock_timeout_ms(deadline)) >= 0);
        if (r >= 0)
                r = exec_prepare(&x, &in, &status, err);
        free(way);
        free(argv_seen);
        free(env_seen);
        way = strdup(r == 0 && exec_fits_bus(&x) ? "bus" : "namespaces");
        argv_seen = strv_join(STRV_CONST(x.argv), "|");
        env_seen = strv_join(STRV_CONST(x.env), "|");
        exec_done(&x);
        return r;
}

static void goes(struct ec_exec x, const char *const *argv, const char *expected_way)
{
        struct ec_err err = { 0 };

        if (prepare(x, argv, &err) != 0)
                fail_msg("%s", err_msg(&err));
        assert_string_equal(way, expected_way);
}

static void fails(struct ec_exec x, const char *const *argv, int code, const char *text)
{
        struct ec_err err = { 0 };

        assert_int_equal(prepare(x, argv, &err), code);
        assert_string_equal(err_msg(&err), text);
        err_done(&err);
}

static void test_way(void **state UNUSED)
{
        goes((struct ec_exec){ 0 }, ARGV("true"), "bus");
        assert_string_equal(argv_seen, "/bin/sh|-c|exec \"$@\"|sh|true");
}

/* D-Bus strings are UTF-8; a command may be any bytes. */
static void test_bytes(void **state UNUSED)
{
        goes((struct ec_exec){ 0 }, ARGV("printf", "%s", "\303\251"), "bus");
        goes((struct ec_exec){ 0 }, ARGV("printf", "%s", "\377"), "namespaces");
        assert_string_equal(argv_seen, "/bin/sh|-c|exec \"$@\"|sh|printf|%s|\377");
        goes((struct ec_exec){ .env = ARGV("A=\377") }, ARGV("true"), "namespaces");
        assert_true(str_ends(env_seen, "|A=\377"));
}

static void test_environment(void **state UNUSED)
{
        goes((struct ec_exec){ .env = ARGV("HOME=/x", "B=1", "B=2") }, ARGV("true"), "bus");
        assert_non_null(strstr(env_seen, "|HOME=/x|USER=root|LOGNAME=root|SHELL="));
        assert_true(str_ends(env_seen, "|B=2"));
        assert_null(strstr(env_seen, "B=1"));
        assert_null(strstr(env_seen, "TERM="));
        fails((struct ec_exec){ .env = ARGV("=x") }, ARGV("true"), -EINVAL,
              "environment variable '=x' is not of the form NAME=VALUE");
}

static void test_login(void **state UNUSED)
{
        goes((struct ec_exec){ .flags = EC_EXEC_LOGIN }, NULL, "bus");
        assert_true(str_ends(argv_seen, "|-l"));
        goes((struct ec_exec){ .flags = EC_EXEC_LOGIN }, ARGV("a", "b c"), "bus");
        assert_non_null(strstr(argv_seen, "|-l|-c|exec \"$@\"|"));
        assert_true(str_ends(argv_seen, "|a|b c"));
}

static void test_refused(void **state UNUSED)
{
        fails((struct ec_exec){ .machine = "other" }, ARGV("true"), -EHOSTDOWN, "container 'other' is not running");
        fails((struct ec_exec){ .user = "no-such-user" }, ARGV("true"), -ENOENT,
              "container 'demo' has no user 'no-such-user'");
        fails((struct ec_exec){ .cwd = "/no/such/dir" }, ARGV("true"), -ENOENT,
              "container 'demo' has no directory '/no/such/dir'");
        fails((struct ec_exec){ .cwd = "etc" }, ARGV("true"), -EINVAL, "directory 'etc' is not an absolute path");
        fails((struct ec_exec){ 0 }, ARGV(""), -EINVAL, "no command to run in container 'demo'");
}

/* It is only forked. */
int proc_executed(const char *stat)
{
        (void)stat;
        return 1;
}

int sd_pid_get_unit(pid_t pid, char **ret)
{
        *ret = strdup(pid == strange ? "other.service" : "container@demo.service");
        return *ret ? 0 : -ENOMEM;
}

/* A number that belongs to a process of the host or of another container is not a container's, however machined came by
 * it. */
static void test_leader(void **state UNUSED)
{
        pid_t right = other, wrong[] = { getpid(), other };
        char text[160];

        strange = other;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                other = wrong[i];
                snprintf(text, sizeof(text),
                         "cannot enter container 'demo': process %d, which systemd-machined names, is not in "
                         "container@demo.service; if it has just stopped, try again",
                         (int)other);
                fails((struct ec_exec){ 0 }, ARGV("true"), -EHOSTDOWN, text);
        }
        other = right;
        strange = 0;
}

static void test_read_file(void **state UNUSED)
{
        struct ec_err err = { 0 };
        char *text = NULL, *same = NULL;

        assert_int_equal(machine_read_file(NULL, "demo", "/etc/passwd", 1 << 20, &text, &err), 0);
        assert_true(fs_read("/etc/passwd", 1 << 20, &same, NULL) >= 0);
        assert_string_equal(text, same);
        free(text);
        free(same);
        assert_int_equal(machine_read_file(NULL, "demo", "/no/such", 100, &text, &err), -ENOENT);
        assert_string_equal(err_msg(&err), "cannot read '/no/such' in container 'demo': No such file or directory");
        err_done(&err);
        assert_int_equal(machine_read_file(NULL, "none", "/etc/passwd", 100, &text, &err), -EHOSTDOWN);
        assert_string_equal(err_msg(&err), "container 'none' is not running");
        err_done(&err);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_way),       cmocka_unit_test(test_bytes),   cmocka_unit_test(test_environment),
                cmocka_unit_test(test_login),     cmocka_unit_test(test_refused), cmocka_unit_test(test_leader),
                cmocka_unit_test(test_read_file),
        };

        /* only root may open /proc/PID/root */
        if (geteuid())
                return 0;
        other = other_mounts();
        return cmocka_run_group_tests_name("exec", tests, NULL, NULL);
}
