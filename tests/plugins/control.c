/* SPDX-License-Identifier: MIT */
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "fake_host.h"

extern const struct ec_plugin ec_plugin_v1_control;
#define PLUGIN (&ec_plugin_v1_control)

static struct fake fake;
static void *self;

static int setup(void **state)
{
        struct ec_container *c;

        (void)state;
        fake_init(&fake);
        fake_container(&fake, "db", "/x", 1)->active = 1;
        c = fake_container(&fake, "host", "/x", 1);
        c->origin = EC_ORIGIN_HOST;
        c = fake_container(&fake, "web", "/x", 1);
        c->active = 1;
        c->change = EC_CHANGE_UPDATE;
        c->failed[0] = "bad.service";
        c->failed[1] = "worse.service";
        fake_conf(c, "LOCAL_ADDRESS", "10.1.0.2/24");
        fake_conf(c, "LOCAL_ADDRESS6", "fd00::2");
        fake_conf(c, "SYSTEM_PATH", "/nowhere");
        fake_conf(c, "AUTO_START", "1");
        /* Without cgroups. */
        fake_path(&fake, "root", "/nowhere");
        self = fake_load(&fake, PLUGIN);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        fake_unload(PLUGIN, self);
        fake_done(&fake);
        return 0;
}

static void test_descriptor(void **state)
{
        static const char *const root[] = { "start",      "stop",  "terminate", "reload",       "run",
                                            "root-login", "login", "wait",      "show-host-key" };

        (void)state;
        fake_check_descriptor(PLUGIN);
        assert_string_equal(PLUGIN->name, "control");
        for (size_t i = 0; i < sizeof(root) / sizeof(*root); i++)
                assert_true(fake_find_command(PLUGIN, root[i])->flags & EC_CMD_ROOT);
        assert_false(fake_find_command(PLUGIN, "status")->flags & EC_CMD_ROOT);
        assert_ptr_equal(fake_find_command(PLUGIN, "exec"), fake_find_command(PLUGIN, "run"));
}

/* ---- start, stop -------------------------------------------------------- */

static void act(const char *command, const char *name, const char *calls)
{
        fake_reset(&fake);
        if (name)
                fake_args(&fake, name, (char *)NULL);
        else
                fake_option(&fake, "all", "");
        assert_int_equal(fake_run(&fake, PLUGIN, self, command), 0);
        assert_string_equal(fake.calls, calls);
        assert_string_equal(fake.out, "");
}

#define SELECT     "containers.select 2\n"
#define SELECT_ALL "containers.select 3\nsystemd.states container@*.service\n"

static void test_by_name(void **state)
{
        (void)state;
        act("start", "db", SELECT "deploy.start_installed db\n");
        act("stop", "*b", SELECT "deploy.stop db web\n");
        act("terminate", "host", SELECT "deploy.kill host\n");
        act("reload", "web", SELECT "deploy.update_installed web\n");
        /* Those for which there is something to do. */
        act("start", NULL, SELECT_ALL "deploy.start_installed host\n");
        act("stop", NULL, SELECT_ALL "deploy.stop db web\n");
        act("terminate", NULL, SELECT_ALL "deploy.kill db web\n");
        act("reload", NULL, SELECT_ALL "deploy.update_installed db web\n");
}

static void test_nothing_to_do(void **state)
{
        (void)state;
        for (struct ec_container *c = fake.containers; c; c = c->next)
                c->active = 1;
        act("start", NULL, SELECT_ALL);
}

static void test_failures(void **state)
{
        (void)state;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "stop"), -EINVAL);
        assert_true(fake.err.usage);
        assert_string_equal(fake.err.msg, "stop needs the name of a container, or --all");
        fake_reset(&fake);
        fake_args(&fake, "nope", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "stop"), -ENOENT);
        fake_reset(&fake);
        fake_args(&fake, "db", (char *)NULL);
        fake.fail_at = "deploy.stop";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "stop"), -EIO);
        /* It is not known which run. */
        fake_reset(&fake);
        fake_option(&fake, "all", "");
        fake.fail_at = "systemd.states";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "stop"), -EIO);
}

/* ---- status ------------------------------------------------------------- */

#define HOST_ROW                                                                                         \
        "name=host;state=stopped;addresses=;origin=host;activeState=inactive;subState=dead;autoStart=0;" \
        "unit=container@host.service;\n"

static void test_table(void **state)
{
        (void)state;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 0);
        assert_string_equal(
                fake.table,
                geteuid() ? "name=db;state=running;addresses=;origin=extra-container;activeState=active;"
                            "subState=running;autoStart=0;unit=container@db.service;\n" HOST_ROW
                            "name=web;state=running;addresses=10.1.0.2\nfd00::2;origin=extra-container;"
                            "outstanding=update;activeState=active;subState=running;autoStart=1;systemPath=/nowhere;"
                            "unit=container@web.service;"
                          : "name=db;state=running;addresses=;failedUnits=;origin=extra-container;activeState=active;"
                            "subState=running;autoStart=0;unit=container@db.service;\n" HOST_ROW
                            "name=web;state=running;addresses=10.1.0.2\nfd00::2;failedUnits=bad.service\n"
                            "worse.service;origin=extra-container;outstanding=update;activeState=active;"
                            "subState=running;autoStart=1;systemPath=/nowhere;unit=container@web.service;");
}

/* The start of a stopped container runs what is installed: nothing else is to be done. */
static void test_stopped(void **state)
{
        struct ec_container *web = fake.containers;

        (void)state;
        while (strcmp(web->name, "web") != 0)
                web = web->next;
        web->active = 0;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 0);
        assert_null(strstr(fake.table, "outstanding="));
}

static void test_restarting(void **state)
{
        (void)state;
        fake.containers->sub = "auto-restart";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 0);
        assert_non_null(strstr(fake.table, "state=restarting;"));
        assert_non_null(strstr(fake.table, "activeState=activating;subState=auto-restart;"));
        fake.containers->sub = "start";
        fake_reset(&fake);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 0);
        assert_non_null(strstr(fake.table, "state=starting;"));
        fake.containers->sub = NULL;
}

static void put(const char *dir, const char *name, const char *text)
{
        _cleanup_free_ char *path = str_printf("%s/%s", dir, name);
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        fputs(text, f);
        fclose(f);
}

/* What the kernel says of its cgroup; and this process is its systemd-nspawn. */
static void test_facts(void **state)
{
        char dir[] = "/tmp/ec-control.XXXXXX";
        const char *since;

        (void)state;
        assert_non_null(mkdtemp(dir));
        put(dir, "memory.current", "4096\n");
        put(dir, "pids.current", "12\n");
        put(dir, "cpu.stat", "nr_periods 1\nusage_usec 1500000\nuser_usec 1\n");
        fake.containers->cgroup = dir;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 0);
        assert_non_null(strstr(fake.table, ";memory=4096;cpuUSec=1500000;tasks=12;\n"));
        since = strstr(fake.table, "name=db;state=running;since=");
        assert_non_null(since);
        assert_in_range(strtoll(strstr(since, "since=") + 6, NULL, 10), time(NULL) - 3600, time(NULL) + 1);
        fake_reset(&fake);
        fake_args(&fake, "db", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 0);
        assert_non_null(strstr(fake.out, "State: running since "));
        assert_non_null(strstr(fake.out, "      Memory: 0.0 MiB\n         CPU: 1s\n       Tasks: 12\n"));
        for (const char *const *f = (const char *const[]){ "memory.current", "pids.current", "cpu.stat", NULL }; *f;
             f++) {
                _cleanup_free_ char *path = str_printf("%s/%s", dir, *f);

                unlink(path);
        }
        rmdir(dir);
}

/* One call to systemd, and one to all containers, however many there are. */
static void test_calls(void **state)
{
        (void)state;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 0);
        assert_string_equal(fake.calls, geteuid() ? SELECT_ALL "machine.cgroups\ntable.create\ntable.print\n"
                                                  : SELECT_ALL "machine.cgroups\nmachine.failed_units db web\n"
                                                               "table.create\ntable.print\n");
}

static void test_page(void **state)
{
        (void)state;
        fake_args(&fake, "web", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 0);
        assert_non_null(strstr(fake.out, "Container 'web'\n       State: running\n"));
        assert_non_null(
                strstr(fake.out, "\n    Outdated: the installed system does not run, or not completely; 'reload'"));
        assert_non_null(strstr(fake.out, "\n   Addresses: 10.1.0.2, fd00::2\n"));
        assert_non_null(strstr(fake.out, "\n     At boot: starts\n     Made by: extra-container\n"));
        if (geteuid() == 0)
                assert_non_null(strstr(fake.out, "\nFailed units: bad.service, worse.service\n"));
        /* The exit status of systemctl. */
        fake_reset(&fake);
        fake_args(&fake, "web", "host", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 3);
        assert_non_null(strstr(fake.out, "\n\nContainer 'host'\n"));
}

static void test_quiet(void **state)
{
        (void)state;
        fake_option(&fake, "quiet", "");
        fake_args(&fake, "db", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 0);
        fake_reset(&fake);
        fake_option(&fake, "quiet", "");
        fake_args(&fake, "host", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 3);
        assert_string_equal(fake.out, "");
        assert_string_equal(fake.table, "");
}

/* What does not depend on systemd is shown. */
static void test_no_systemd(void **state)
{
        (void)state;
        fake.fail_at = "systemd.states";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "status"), 0);
        assert_non_null(strstr(fake.table, "name=web;addresses=10.1.0.2\nfd00::2;origin="));
        assert_null(strstr(fake.table, "state="));
        assert_string_equal(fake.log, "4: systemd does not answer: systemd.states failed\n");
}

/* ---- commands in containers --------------------------------------------- */

#define ASKED SELECT "systemd.get_string container@db.service\n"

static void test_run(void **state)
{
        (void)state;
        fake.status = 7;
        fake_args(&fake, "db", "--", "ls", "-l", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "run"), 7);
        assert_string_equal(fake.calls, ASKED "machine.exec db\n  ls -l\n");
        fake_reset(&fake);
        fake_args(&fake, "db", "ls", "--", (char *)NULL);
        fake_option(&fake, "user", "bob");
        fake_option(&fake, "cwd", "/tmp");
        fake_option(&fake, "env", "A=b");
        assert_int_equal(fake_run(&fake, PLUGIN, self, "exec"), 7);
        assert_string_equal(fake.calls, ASKED "machine.exec db\n  ls --\n  user bob, cwd /tmp\n  env A=b\n");
}

static void test_root_login(void **state)
{
        (void)state;
        fake.status = 3;
        fake_args(&fake, "db", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "root-login"), 3);
        assert_string_equal(fake.calls, ASKED "machine.exec db\n \n");
}

static void fails(const char *command, const char *a, const char *b, int code, const char *text)
{
        fake_reset(&fake);
        if (a)
                fake_args(&fake, a, b, (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, command), code);
        assert_string_equal(fake.err.msg, text);
        assert_null(strstr(fake.calls, "machine.exec"));
}

static void test_run_failures(void **state)
{
        (void)state;
        fails("run", NULL, NULL, -EINVAL, "run needs the name of a container");
        fails("run", "db", NULL, -EINVAL, "run needs a command; 'root-login db' opens a shell");
        fails("run", "db", "--", -EINVAL, "run needs a command; 'root-login db' opens a shell");
        fails("run", "*b", "ls", -EINVAL, "run is for one container; '*b' matches several");
        fails("run", "host", "ls", -EHOSTDOWN,
              "container 'host' is not running; start it with 'extra-container start host'");
        fails("run", "nope", "ls", -ENOENT, "no container named 'nope' is installed");
        fails("root-login", "db", "web", -EINVAL, "root-login takes one name");
        fails("login", "db", "web", -EINVAL, "login takes one name");
        fake_reset(&fake);
        fake_args(&fake, "db", "ls", (char *)NULL);
        fake_option(&fake, "env", "=b");
        assert_int_equal(fake_run(&fake, PLUGIN, self, "run"), -EINVAL);
        assert_string_equal(fake.err.msg, "--env =b: not of the form KEY=VALUE");
}

/* ---- wait --------------------------------------------------------------- */

static void start_host(struct fake *f)
{
        f->containers->next->active = 1;
}

static void stop_db(struct fake *f)
{
        f->containers->active = 0;
}

static void succeed(struct fake *f)
{
        f->status = 0;
}

#define LOOK "systemd.states container@*.service\n"
#define WAIT "systemd.wait\n"

static void waits(const char *name, const char *what, int result, const char *calls)
{
        fake_reset(&fake);
        fake_args(&fake, name, (char *)NULL);
        fake_option(&fake, "for", what);
        fake_option(&fake, "timeout", "60000");
        assert_int_equal(fake_run(&fake, PLUGIN, self, "wait"), result);
        assert_string_equal(fake.calls, calls);
}

static void test_wait(void **state)
{
        (void)state;
        waits("db", "running", 0, SELECT LOOK);
        fake.waited = start_host;
        waits("host", "running", 0, SELECT LOOK WAIT LOOK);
        fake.waited = stop_db;
        waits("db", "stopped", 0, SELECT LOOK WAIT LOOK);
        /* In a container. */
        fake.waited = succeed;
        fake.status = 3;
#define ASK LOOK "machine.exec web\n  systemctl --quiet is-active nginx.service\n"
        waits("web", "unit=nginx.service", 0, SELECT ASK WAIT ASK);
}

static void test_wait_failures(void **state)
{
        static const char *const wrong[] = { "nothing", "unit=",      "unit=--help", "port=",
                                             "port=0",  "port=65536", "port=1x" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
                fake_reset(&fake);
                fake_args(&fake, "db", (char *)NULL);
                fake_option(&fake, "for", wrong[i]);
                assert_int_equal(fake_run(&fake, PLUGIN, self, "wait"), -EINVAL);
                assert_true(fake.err.usage);
        }
        fake_reset(&fake);
        fake_args(&fake, "host", (char *)NULL);
        fake_option(&fake, "timeout", "1");
        assert_int_equal(fake_run(&fake, PLUGIN, self, "wait"), -ETIMEDOUT);
        assert_string_equal(fake.err.msg, "timed out: container 'host' is not running: its unit is inactive");
}

/* ---- top, host keys ----------------------------------------------------- */

static void test_top(void **state)
{
        (void)state;
        fake.containers->cgroup = "/nowhere";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "top"), 0);
        assert_string_equal(fake.calls, "machine.cgroups\ntable.create\ntable.print\n");
        assert_non_null(strstr(fake.table, "name=db;since="));
        fake_reset(&fake);
        fake_option(&fake, "interval", "0");
        assert_int_equal(fake_run(&fake, PLUGIN, self, "top"), -EINVAL);
}

static void test_host_key(void **state)
{
        static const char *const forged[] = { "\033[2Jforged\n", "*,!x @cert-authority key\n", "ssh-rsa \n",
                                              "ssh-rsa AAAA\tx\n", "ssh-rsa \303\244\n" };

        (void)state;
        fake_args(&fake, "db", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "show-host-key"), -ENOENT);
        assert_string_equal(fake.err.msg, "container 'db' has no SSH host key in /etc/ssh");
        fake_path(&fake, "/etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAA root@db\nmore\n");
        fake_reset(&fake);
        fake_args(&fake, "db", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "show-host-key"), 0);
        assert_string_equal(fake.out, "ssh-rsa AAAA\n");
        for (size_t i = 0; i < ARRAY_SIZE(forged); i++) {
                fake_path(&fake, "/etc/ssh/ssh_host_ed25519_key.pub", forged[i]);
                fake_reset(&fake);
                fake_args(&fake, "db", (char *)NULL);
                assert_int_equal(fake_run(&fake, PLUGIN, self, "show-host-key"), -EBADMSG);
                assert_string_equal(fake.out, "");
        }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_descriptor),    T(test_by_name),    T(test_nothing_to_do), T(test_failures),
                T(test_table),         T(test_stopped),    T(test_restarting),    T(test_calls),
                T(test_facts),         T(test_page),       T(test_quiet),         T(test_no_systemd),
                T(test_run),           T(test_root_login), T(test_run_failures),  T(test_wait),
                T(test_wait_failures), T(test_top),        T(test_host_key),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
