/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"
#include "noter.h"

#include "model/containers/pending.h"
#include "model/deploy/by_name.h"
#include "model/deploy/install.h"

static const struct ec_command command = { .name = "create", .scopes = EC_SCOPE_INSTALL | EC_SCOPE_START };

/* a and b are installed. */
static int setup(void **state)
{
        struct fixture *f = fx_new();
        char *p;

        *f->layout.root = 0;
        f->layout.nixos = true;
        f->registry = (struct registry){ .plugins = &noter_ref, .n = 1 };
        f->op.command = &command;
        fake_reset();
        noter_reset();
        p = fx_path(f, "/etc/units/machines.target");
        fx_write(p, "");
        free(p);
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/1\n", false);
        fx_use(f, "etc", NULL);
        fx_capture(f);
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        free(fx_captured(f));
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        systemd_free(f->op.systemd);
        noter_done();
        fx_free(f);
        return 0;
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void expect(struct fixture *f, int (*act)(struct ec_op *, const char *const *, uint32_t, struct ec_err *),
                   const char *const *names, uint32_t flags, int result, const char *log, const char *lines,
                   const char *hooks)
{
        char *out;
        int r;

        err_done(&f->err);
        free(fake.log);
        fake.log = strdup("");
        noter_reset();
        fx_capture(f);
        r = act(&f->op, names, flags, &f->err);
        out = fx_captured(f);
        if (r != result)
                fail_msg("gave %d (%s), not %d", r, err_msg(&f->err), result);
        assert_string_equal(fake.log, log);
        assert_string_equal(out, lines);
        assert_string_equal(noted, hooks);
        free(out);
}

static void test_restart(void **state)
{
        struct fixture *f = *state;
        char *p;

        expect(f, deploy_restart, NAMES("b", "a", "b"), 0, 0, "restart container@a.service container@b.service\n",
               "Restarting containers:\na\nb\n", "started(a b) ");
        expect(f, deploy_restart, NAMES("a", "zzz"), 0, -ENOENT, "", "", "");
        assert_non_null(strstr(err_msg(&f->err), "'zzz'"));

        /* Created by nixos-container. */
        p = fx_path(f, "/etc/nixos-containers/other.conf");
        fx_write(p, "PRIVATE_NETWORK=1\n");
        free(p);
        expect(f, deploy_restart, NAMES("other"), 0, 0, "restart container@other.service\n",
               "Restarting containers:\nother\n", "started(other) ");

        fake.failing = "container@a.service";
        expect(f, deploy_restart, NAMES("a", "b"), 0, -EIO, "restart container@a.service container@b.service\n",
               "Restarting containers:\na\nb\n", "started(b) failed(a) ");
        assert_string_equal(err_msg(&f->err), "container 'a' did not restart: its job failed");
}

static void test_start(void **state)
{
        struct fixture *f = *state;

        fake.active[0] = "container@a.service";
        assert_int_equal(pending_set(&f->layout, "b", EC_CHANGE_RESTART, &f->err), 0);
        expect(f, deploy_start_installed, NAMES("a", "b"), 0, 0, "start container@b.service\n",
               "Starting containers:\nb\n", "started(b) ");
        assert_int_equal(pending_get(&f->layout, "b"), EC_CHANGE_NONE);
        expect(f, deploy_start_installed, NAMES("a"), 0, 0, "", "", "");
        /* Waits for a container that is still booting. */
        fake.active[0] = "container@a.service=activating";
        expect(f, deploy_start_installed, NAMES("a"), 0, 0, "start container@a.service\n", "Starting containers:\na\n",
               "started(a) ");
        fake.failing = "container@b.service";
        expect(f, deploy_start_installed, NAMES("b"), 0, -EIO, "start container@b.service\n",
               "Starting containers:\nb\n", "failed(b) ");
}

static void test_stop(void **state)
{
        struct fixture *f = *state;

        fake.active[0] = "container@a.service";
        fake.active[1] = "container@b.service";
        assert_int_equal(pending_set(&f->layout, "a", EC_CHANGE_UPDATE, &f->err), 0);
        fake.failing = "container@b.service";
        expect(f, deploy_stop, NAMES("a", "b"), 0, -EIO, "stop container@a.service container@b.service\n",
               "Stopping containers:\na\nb\n", "stopped(a) ");
        assert_string_equal(err_msg(&f->err), "container 'b' did not stop: its job failed");
        /* The next start must use the new system, so the note is kept. */
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_UPDATE);
        fake.active[0] = "container@a.service=failed";
        fake.active[1] = NULL;
        expect(f, deploy_stop, NAMES("a", "b"), 0, 0, "", "", "");
        expect(f, deploy_stop, NAMES("aa"), 0, -ENOENT, "", "", "");
        assert_non_null(strstr(err_msg(&f->err), "did you mean 'a'"));
}

static void test_terminate(void **state)
{
        struct fixture *f = *state;

        fake.active[0] = "container@a.service";
        expect(f, deploy_stop, NAMES("a", "b"), EC_STOP_KILL, 0, "kill container@a.service\n",
               "Terminating containers:\na\n", "stopped(a) ");
}

static void test_update(void **state)
{
        struct fixture *f = *state;

        fake.active[0] = "container@a.service";
        expect(f, deploy_update_installed, NAMES("a"), 0, 0, "exec a: /1/bin/switch-to-configuration test\n",
               "Updating containers:\na\n", "updated(a) ");
        expect(f, deploy_update_installed, NAMES("a", "b"), 0, -EIO, "exec a: /1/bin/switch-to-configuration test\n",
               "Updating containers:\na\n", "updated(a) failed(b) ");
        assert_string_equal(err_msg(&f->err), "container 'b' was not updated: it is not running");
        assert_int_equal(pending_set(&f->layout, "a", EC_CHANGE_RESTART, &f->err), 0);
        expect(f, deploy_update_installed, NAMES("a"), 0, -EIO, "", "", "failed(a) ");
        assert_string_equal(err_msg(&f->err), "container 'a' was not updated: its changed settings need a restart");
}

/* systemd must have loaded the installed units first. */
static void test_recovers(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(pending_reload_set(&f->layout, NAMES("a"), &f->err), 0);
        expect(f, deploy_start_installed, NAMES("b"), 0, 0, "reload\nstart container@b.service\n",
               "Starting containers:\nb\n", "started(b) ");
        assert_false(pending_reload(&f->layout));
}

static void test_offline(void **state)
{
        struct fixture *f = *state;

        free(f->layout.root);
        f->layout.root = strdup("/elsewhere");
        expect(f, deploy_stop, NAMES("a"), 0, -EOPNOTSUPP, "", "", "");
        assert_string_equal(err_msg(&f->err),
                            "containers below /elsewhere cannot be stopped: it is not the root of this host");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_restart), T(test_start),    T(test_stop),   T(test_terminate),
                                            T(test_update),  T(test_recovers), T(test_offline) };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
