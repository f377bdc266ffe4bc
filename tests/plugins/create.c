/* SPDX-License-Identifier: MIT */
#include "fake_host.h"

extern const struct ec_plugin ec_plugin_v1_create;
#define PLUGIN (&ec_plugin_v1_create)

static struct fake fake;
static void *self;

static int setup(void **state)
{
        (void)state;
        unsetenv("EXTRA_CONTAINER_ETC");
        fake_init(&fake);
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
        (void)state;
        fake_check_descriptor(PLUGIN);
        assert_string_equal(PLUGIN->name, "create");
        assert_ptr_equal(fake_find_command(PLUGIN, "add"), fake_find_command(PLUGIN, "create"));
        /* Commands that only read do not need root. */
        assert_false(fake_find_command(PLUGIN, "build")->flags & EC_CMD_ROOT);
        assert_false(fake_find_command(PLUGIN, "list")->flags & EC_CMD_ROOT);
        assert_true(fake_find_command(PLUGIN, "destroy")->flags & EC_CMD_ROOT);
}

static void create(const char *a, const char *b, const char *calls)
{
        fake_reset(&fake);
        if (a)
                fake_option(&fake, a, NULL);
        if (b)
                fake_option(&fake, b, NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "create"), 0);
        assert_string_equal(fake.calls, calls);
        assert_string_equal(fake.out, "");
}

static void test_create(void **state)
{
        (void)state;
        create(NULL, NULL, "deploy.build\ndeploy.install\nsystemd.states container@*.service\ncontainers.foreach\n");
        create("start", NULL, "deploy.build\ndeploy.install\ndeploy.start 3\n");
        create("update-changed", NULL, "deploy.build\ndeploy.install\ndeploy.start 2\n");
        create("restart-changed", NULL, "deploy.build\ndeploy.install\ndeploy.start 4\n");
        create("start", "restart-changed", "deploy.build\ndeploy.install\ndeploy.start 7\n");
}

/* What was installed, and is not what runs. */
static void test_create_outstanding(void **state)
{
        static const char *const names[] = { "db", "idle", "same", "web" };

        (void)state;
        for (size_t i = 0; i < 4; i++) {
                struct ec_container *c = fake_container(&fake, names[i], "/x", 1);

                c->active = i != 1;
                c->change = i == 2 ? EC_CHANGE_NONE : i == 3 ? EC_CHANGE_RESTART : EC_CHANGE_UPDATE;
        }
        assert_int_equal(fake_run(&fake, PLUGIN, self, "create"), 0);
        assert_string_equal(fake.log, "5: not yet applied to what runs: db web; use --update-changed, or restart it\n");
        /* It is installed all the same. */
        fake_reset(&fake);
        fake.fail_at = "systemd.states";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "create"), 0);
        assert_string_equal(fake.log, "7: states of units: systemd.states failed\n");
        fake_reset(&fake);
        fake_option(&fake, "start", NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "create"), 0);
        assert_string_equal(fake.log, "");
}

static void test_create_fails(void **state)
{
        const char *const phases[] = { "deploy.build", "deploy.install", "deploy.start" };

        (void)state;
        for (size_t i = 0; i < 3; i++) {
                fake_reset(&fake);
                fake_option(&fake, "start", NULL);
                fake.fail_at = phases[i];
                assert_int_equal(fake_run(&fake, PLUGIN, self, "create"), -EIO);
                assert_non_null(strstr(fake.err.msg, phases[i]));
                assert_true(i == 2 || !strstr(fake.calls, phases[i + 1]));
        }
}

static void test_build(void **state)
{
        (void)state;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "build"), 0);
        assert_string_equal(fake.out, "/nix/store/output\n");
        assert_string_equal(fake.calls, "deploy.build\n");
        fake_reset(&fake);
        fake.fail_at = "deploy.build";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "build"), -EIO);
        assert_string_equal(fake.out, "");
}

static void test_list(void **state)
{
        struct ec_container *c;

        (void)state;
        fake_container(&fake, "absent", "/x", 0);
        c = fake_container(&fake, "db", "/x", 1);
        fake_conf(c, "SYSTEM_PATH", "/nix/store/s");
        fake_conf(c, "AUTO_START", "1");
        c->active = 1;
        fake_container(&fake, "web", "/x", 1);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "list"), 0);
        assert_string_equal(fake.out, "db\nweb\n");
        assert_string_equal(fake.calls, "containers.foreach_installed\n");

        fake_reset(&fake);
        fake_option(&fake, "json", NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "list"), 0);
        assert_string_equal(fake.out, "");
        assert_string_equal(
                fake.table,
                "name=db;state=active;autoStart=1;systemPath=/nix/store/s;unit=container@db.service;"
                "unitPath=/x/units/container@db.service;confPath=/x/conf/db.conf;statePath=/x/state/db;\n"
                "name=web;state=inactive;autoStart=0;unit=container@web.service;"
                "unitPath=/x/units/container@web.service;confPath=/x/conf/web.conf;statePath=/x/state/web;");

        /* A table on a terminal. */
        fake_reset(&fake);
        fake.is_tty = 1;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "list"), 0);
        assert_string_equal(fake.out, "");
        assert_non_null(strstr(fake.table, "name=db;state=active;"));
        fake.is_tty = 0;

        /* Without systemd, everything but the state is listed. */
        fake_reset(&fake);
        fake_option(&fake, "json", NULL);
        fake.fail_at = "systemd.states";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "list"), 0);
        assert_null(strstr(fake.table, ";state="));
        assert_non_null(strstr(fake.table, "name=web"));
        assert_string_equal(fake.calls, "table.create\nsystemd.states container@*.service\n"
                                        "containers.foreach_installed\ntable.print\n");

        /* An interruption is passed on. */
        fake_reset(&fake);
        fake_option(&fake, "json", NULL);
        fake.fail_code = -ECANCELED;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "list"), -ECANCELED);

        fake_reset(&fake);
        fake.fail_at = "containers.foreach_installed";
        fake.fail_code = 0;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "list"), -EIO);
}

static void test_restart(void **state)
{
        (void)state;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "restart"), -EINVAL);
        assert_true(fake.err.usage);
        fake_reset(&fake);
        fake_container(&fake, "a", "/x", 1)->active = 1;
        fake_container(&fake, "b", "/x", 1);
        fake_args(&fake, "a", "b", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "restart"), 0);
        assert_string_equal(fake.calls, "containers.select 2\ndeploy.restart a b\n");
        fake_reset(&fake);
        fake_option(&fake, "all", "");
        assert_int_equal(fake_run(&fake, PLUGIN, self, "restart"), 0);
        assert_string_equal(fake.calls, "containers.select 3\nsystemd.states container@*.service\ndeploy.restart a\n");
        fake_reset(&fake);
        fake_args(&fake, "a", (char *)NULL);
        fake.fail_at = "deploy.restart";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "restart"), -EIO);
}

static void destroy(const char *arg, const char *option, const char *calls)
{
        fake_reset(&fake);
        if (arg)
                fake_args(&fake, arg, (char *)NULL);
        if (option)
                fake_option(&fake, option, "x");
        assert_int_equal(fake_run(&fake, PLUGIN, self, "destroy"), 0);
        assert_string_equal(fake.calls, calls);
}

static void test_destroy(void **state)
{
        const char definition[] = "deploy.destroy 0 (definition)\ndeploy.destroyed\n";

        (void)state;
        destroy("web", NULL, "deploy.destroy 0\n  web\n");
        destroy("./web.nix", NULL, definition);
        destroy(".", NULL, definition);
        destroy("/nix/store/x", NULL, definition);
        destroy("-", NULL, definition);
        destroy("nixpkgs#web", NULL, definition);
        destroy("github:owner/repo", NULL, definition);
        destroy(NULL, "expr", definition);
        destroy(NULL, "all", "deploy.destroy 1 (definition)\ndeploy.destroyed\n");
        setenv("EXTRA_CONTAINER_ETC", "/nix/store/x", 1);
        destroy(NULL, NULL, definition);
        destroy("web", NULL, "deploy.destroy 0\n  web\n");
        destroy(NULL, "all", "deploy.destroy 1 (definition)\ndeploy.destroyed\n");
}

static void test_destroy_usage(void **state)
{
        (void)state;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "destroy"), -EINVAL);
        assert_true(fake.err.usage);
        assert_string_equal(fake.calls, "");
        fake_reset(&fake);
        fake_args(&fake, "web", (char *)NULL);
        fake_option(&fake, "all", NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "destroy"), -EINVAL);
        assert_string_equal(fake.calls, "");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_descriptor), T(test_create),  T(test_create_fails), T(test_create_outstanding), T(test_build),
                T(test_list),       T(test_restart), T(test_destroy),      T(test_destroy_usage),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
