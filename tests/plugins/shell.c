/* SPDX-License-Identifier: MIT */
#include "fake_host.h"

#include <fcntl.h>
#include <unistd.h>

extern const struct ec_plugin ec_plugin_v1_shell;
#define PLUGIN  (&ec_plugin_v1_shell)
#define SESSION "EXTRA_CONTAINER_SESSION"

static struct fake fake;
static void *self;
static struct ec_container *web;
static int saved_stdin;

static int setup(void **state)
{
        (void)state;
        unsetenv("EXTRA_CONTAINER_ETC");
        unsetenv(SESSION);
        fake_init(&fake);
        web = fake_container(&fake, "web", "/x", 0);
        self = fake_load(&fake, PLUGIN);
        fake_option(&fake, "expr", "{ }");
        saved_stdin = dup(STDIN_FILENO);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        dup2(saved_stdin, STDIN_FILENO);
        close(saved_stdin);
        fake_unload(PLUGIN, self);
        fake_done(&fake);
        return 0;
}

static void expect(int result, const char *calls)
{
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell"), result);
        assert_string_equal(fake.calls, calls);
        assert_string_equal(fake.out, "");
}

#define BEFORE "deploy.destroy 6\n  web\n"
#define AFTER  "deploy.destroy 14\n  web\n"
#define FIRST  "deploy.build\ncontainers.foreach\n"

static void test_descriptor(void **state)
{
        const struct ec_command *c;

        (void)state;
        fake_check_descriptor(PLUGIN);
        c = fake_find_command(PLUGIN, "shell");
        assert_true(c->scopes & EC_SCOPE_SHELL && c->flags & EC_CMD_ROOT);
        /* `extra-container` alone runs the first command of that scope. */
        c = fake_find_command(PLUGIN, "shell-exec");
        assert_int_equal(c->scopes, 0);
        assert_true(c->flags & EC_CMD_HIDDEN && c->flags & EC_CMD_WORDS && c->flags & EC_CMD_ROOT);
}

static void test_session(void **state)
{
        (void)state;
        fake.status = 7;
        expect(7, FIRST BEFORE "deploy.install\ndeploy.start 11\ndeploy.shell\n" AFTER);
        assert_non_null(strstr(fake.log, "Destroying container 'web'"));
}

static void test_run(void **state)
{
        (void)state;
        fake_option(&fake, "run", "c");
        fake_option(&fake, "run", "hostname");
        fake.status = 130;
        /* Nothing is detached from: the command needs its container. */
        expect(130, FIRST BEFORE "deploy.install\ndeploy.start 3\ndeploy.shell c hostname\n" AFTER);
        assert_string_equal(fake.log, "");
}

static void test_options(void **state)
{
        (void)state;
        fake_option(&fake, "no-destroy", NULL);
        fake_option(&fake, "restart-changed", NULL);
        expect(0, FIRST "deploy.install\ndeploy.start 15\ndeploy.shell\n");
        fake_option(&fake, "destroy", NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell"), -EINVAL);
        assert_true(fake.err.usage);
}

static void test_several(void **state)
{
        (void)state;
        fake_container(&fake, "zoo", "/x", 0);
        expect(-EINVAL, FIRST);
        assert_true(fake.err.usage);
        assert_non_null(strstr(fake.err.msg, "has 2: web, zoo;"));
}

static void test_failures(void **state)
{
        const char *const phases[] = { "deploy.build", "deploy.install", "deploy.start", "deploy.shell" };

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                fake_reset(&fake);
                fake_option(&fake, "expr", "{ }");
                fake.fail_at = phases[i];
                fake.fail_code = -ECANCELED;
                assert_int_equal(fake_run(&fake, PLUGIN, self, "shell"), -ECANCELED);
                assert_non_null(strstr(fake.err.msg, phases[i]));
                /* Whatever was begun is undone; before, nothing is. */
                assert_int_equal(strstr(fake.calls, AFTER) != NULL, i > 0);
        }
        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        fake.fail_code = 0;
        fake.fail_at = " "; /* deploy.destroy */
        expect(-EIO, FIRST BEFORE);
}

static void test_inside(void **state)
{
        char *value;

        (void)state;
        assert_true(asprintf(&value, "web=/ db=/no/such/session") > 0);
        setenv(SESSION, value, 1);
        free(value);
        expect(0, FIRST "deploy.install\ndeploy.start 3\n");
        assert_non_null(strstr(fake.log, "this session goes on"));

        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        fake_option(&fake, "run", "true");
        expect(0, FIRST "deploy.install\ndeploy.start 3\ndeploy.shell true\n");

        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        fake_option(&fake, "destroy", NULL);
        expect(0, FIRST BEFORE "deploy.install\ndeploy.start 11\ndeploy.shell\n" AFTER);

        /* One that has ended, and one of another container. */
        setenv(SESSION, "web=/no/such/session webb=/ we=/ =/ web", 1);
        fake_reset(&fake);
        fake_option(&fake, "expr", "{ }");
        expect(0, FIRST BEFORE "deploy.install\ndeploy.start 11\ndeploy.shell\n" AFTER);
}

static void test_stdin(void **state)
{
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        (void)state;
        assert_true(null >= 0 && dup2(null, STDIN_FILENO) == STDIN_FILENO);
        close(null);
        if (open("/dev/tty", O_RDONLY | O_CLOEXEC) < 0) {
                fake_reset(&fake);
                expect(-EINVAL, "");
                assert_true(fake.err.usage);
                fake_reset(&fake);
                fake_args(&fake, "-", (char *)NULL);
                expect(-EINVAL, "");
        }
        fake_reset(&fake);
        fake_option(&fake, "run", "true");
        expect(0, FIRST BEFORE "deploy.install\ndeploy.start 3\ndeploy.shell true\n" AFTER);
        fake_reset(&fake);
        setenv("EXTRA_CONTAINER_ETC", "/nix/store/x", 1);
        expect(0, FIRST BEFORE "deploy.install\ndeploy.start 11\ndeploy.shell\n" AFTER);
}

static void hook(const char *calls)
{
        fake_reset(&fake);
        assert_int_equal(PLUGIN->hooks->shell(self, &fake.op, &fake.shell, &fake.err), 0);
        assert_string_equal(fake.calls, calls);
}

#define COMMAND                                                                                \
        "shell.command c\n#!/bin/sh\nexec '/it'\\''s/extra-container' shell-exec web \"$@\"\n" \
        "c [CMD...]\tRun a command in the container; without one, a root shell\n"

static void test_hook(void **state)
{
        (void)state;
        fake.host.program = "/it's/extra-container";
        fake_setting(&fake, "prompt", "yes");
        hook("shell.setenv " SESSION "\n  = web=/session\nshell.setenv ip\n  unset\n"
             "shell.setenv EXTRA_CONTAINER_PROMPT\n  = web\n" COMMAND);
        setenv(SESSION, "db=/ old=/no/such/session", 1);
        fake_conf(web, "LOCAL_ADDRESS6", "fd00::2/64");
        hook("shell.setenv " SESSION "\n  = db=/ web=/session\nshell.setenv ip\n  = fd00::2\n"
             "shell.setenv EXTRA_CONTAINER_PROMPT\n  = web\n" COMMAND);
        fake_conf(web, "LOCAL_ADDRESS", "10.0.0.2/24");
        fake_setting(&fake, "prompt", "no");
        hook("shell.setenv " SESSION "\n  = db=/ web=/session\nshell.setenv ip\n  = 10.0.0.2\n"
             "shell.setenv EXTRA_CONTAINER_PROMPT\n  unset\n" COMMAND);
}

static void test_hook_fails(void **state)
{
        const char *const at[] = { "shell.setenv", "shell.command" };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                fake_reset(&fake);
                fake.fail_at = at[i];
                assert_int_equal(PLUGIN->hooks->shell(self, &fake.op, &fake.shell, &fake.err), -EIO);
        }
}

static void test_exec(void **state)
{
        (void)state;
        fake_reset(&fake);
        fake_args(&fake, "web", "ls", "-l", (char *)NULL);
        fake.status = 3;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell-exec"), 3);
        assert_string_equal(fake.calls, "machine.exec web\n  ls -l\n");
        fake_reset(&fake);
        fake_args(&fake, (char *)NULL, (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell-exec"), -EINVAL);
        assert_true(fake.err.usage);
        fake_reset(&fake);
        fake_args(&fake, "web", (char *)NULL);
        fake.fail_at = "machine.exec";
        fake.fail_code = -EHOSTDOWN;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "shell-exec"), -EHOSTDOWN);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_descriptor), TEST(test_session),    TEST(test_run),    TEST(test_options),
                TEST(test_several),    TEST(test_failures),   TEST(test_inside), TEST(test_stdin),
                TEST(test_hook),       TEST(test_hook_fails), TEST(test_exec),
        };

        return cmocka_run_group_tests_name("shell", tests, NULL, NULL);
}
