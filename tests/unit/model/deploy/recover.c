/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/containers/pending.h"
#include "model/deploy/install.h"
#include "model/deploy/recover.h"

static char *calls;
static const char *fail_installed;

static void note(const char *what, const struct ec_container *c)
{
        char *s = str_printf("%s%s:%s ", calls, what, c->name);

        free(calls);
        calls = s;
}

static int on_installed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        (void)self, (void)op;
        note("installed", c);
        return fail_installed && !strcmp(fail_installed, c->name) ? err_set(err, -EIO, "refused") : 0;
}

static int on_removed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        (void)self, (void)op, (void)err;
        note("removed", c);
        return 0;
}

static const struct ec_hooks hooks = { .size = sizeof(hooks), .installed = on_installed, .removed = on_removed };
static const struct ec_plugin plugin = { .size = sizeof(plugin),
                                         .name = "noter",
                                         .provides = EC_PROVIDES_GCROOT,
                                         .hooks = &hooks };
static struct plugin_ref ref = { .plugin = &plugin };
static const struct ec_command command = { .name = "create", .scopes = EC_SCOPE_BUILD | EC_SCOPE_INSTALL };

static int setup(void **state)
{
        struct fixture *f = fx_new();
        char *p;

        *f->layout.root = 0;
        f->layout.nixos = true;
        f->registry = (struct registry){ .plugins = &ref, .n = 1 };
        f->op.command = &command;
        fail_installed = NULL;
        calls = strdup("");
        fake_reset();
        p = fx_path(f, "/etc/units/machines.target");
        fx_write(p, "");
        free(p);
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", true);
        fx_use(f, "etc", NULL);
        fx_capture(f);
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        free(fx_captured(f));
        free(calls);
        calls = strdup("");
        free(fake.log);
        fake.log = strdup("");
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        systemd_free(f->op.systemd);
        free(calls);
        fx_free(f);
        return 0;
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_nothing(void **state)
{
        struct fixture *f = *state;
        struct recovery r = { .names = (char **)1 };

        assert_int_equal(recover_run(&f->op, &r, &f->err), 0);
        assert_null(r.names);
        assert_null(r.left);
        assert_string_equal(calls, "");
        assert_string_equal(fake.log, "");
}

static void test_both(void **state)
{
        struct fixture *f = *state;
        struct recovery r;
        char *temp = fx_path(f, "/etc/nixos-containers/.#extra-container-1234");

        fx_link("x", temp);
        assert_int_equal(pending_set(&f->layout, "gone", EC_CHANGE_UPDATE, &f->err), 0);
        assert_int_equal(pending_reload_set(&f->layout, NAMES("a", "gone"), &f->err), 0);
        assert_int_equal(recover_run(&f->op, &r, &f->err), 0);
        assert_int_equal(strv_len(STRV_CONST(r.names)), 2);
        assert_null(r.left);
        assert_string_equal(calls, "installed:a removed:gone ");
        assert_string_equal(fake.log, "reset container@gone.service\nreload\n");
        assert_false(pending_reload(&f->layout));
        assert_int_equal(pending_get(&f->layout, "gone"), EC_CHANGE_NONE);
        assert_false(fx_exists(f, "/etc/nixos-containers/.#extra-container-1234"));
        recovery_done(&r);
        free(temp);
}

static void test_reload_alone(void **state)
{
        struct fixture *f = *state;
        struct recovery r;

        assert_int_equal(pending_reload_set(&f->layout, NULL, &f->err), 0);
        assert_int_equal(recover_run(&f->op, &r, &f->err), 0);
        recovery_done(&r);
        assert_string_equal(calls, "");
        assert_string_equal(fake.log, "reload\n");
        assert_false(pending_reload(&f->layout));
}

/* It stays noted until a run completes it. One container must not block the recovery of the others. */
static void test_hook_fails(void **state)
{
        struct fixture *f = *state;
        char **noted;
        struct recovery r;

        assert_int_equal(pending_reload_set(&f->layout, NAMES("a", "gone"), &f->err), 0);
        fail_installed = "a";
        assert_int_equal(recover_run(&f->op, &r, &f->err), 0);
        assert_string_equal(calls, "installed:a removed:gone ");
        assert_string_equal(fake.log, "reset container@gone.service\nreload\n");
        assert_int_equal(strv_len(STRV_CONST(r.left)), 1);
        assert_string_equal(r.left[0], "a");
        recovery_done(&r);
        assert_int_equal(pending_unfinished(&f->layout, &noted, &f->err), 0);
        assert_int_equal(strv_len(STRV_CONST(noted)), 1);
        assert_string_equal(noted[0], "a");
        strv_free(noted);

        fail_installed = NULL;
        assert_int_equal(recover_run(&f->op, &r, &f->err), 0);
        assert_null(r.left);
        recovery_done(&r);
        assert_false(pending_reload(&f->layout));
}

static void test_no_bus(void **state)
{
        struct fixture *f = *state;
        struct recovery r;

        assert_int_equal(pending_reload_set(&f->layout, NAMES("a"), &f->err), 0);
        fake.bus_error = -ENOENT;
        assert_int_equal(recover_run(&f->op, &r, &f->err), -ENOENT);
        recovery_done(&r);
        err_done(&f->err);
        assert_true(pending_reload(&f->layout));
        fake.bus_error = 0;
        assert_int_equal(recover_run(&f->op, &r, &f->err), 0);
        recovery_done(&r);
        assert_false(pending_reload(&f->layout));
}

static void test_excludes_current(void **state)
{
        struct fixture *f = *state;
        _cleanup_strv_ char **names = strv_copy(NAMES("a", "gone")), **left = NULL;

        assert_int_equal(recover_hooks(&f->op, names, &f->op.deployment->list, &left, &f->err), 0);
        assert_string_equal(calls, "removed:gone ");
        assert_int_equal(recover_hooks(&f->op, NULL, NULL, &left, &f->err), 0);
        assert_null(left);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_nothing),    T(test_both),   T(test_reload_alone),
                                            T(test_hook_fails), T(test_no_bus), T(test_excludes_current) };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
