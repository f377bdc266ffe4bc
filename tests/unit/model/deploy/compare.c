/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/deploy/compare.h"
#include "model/deploy/deploy.h"
#include "model/deploy/install.h"

static int setup(void **state)
{
        *state = fx_new();
        return 0;
}

static int teardown(void **state)
{
        fx_free(*state);
        return 0;
}

static void install(struct fixture *f, const char *output)
{
        fx_use(f, output, NULL);
        fx_capture(f);
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        free(fx_captured(f));
}

static struct change *compare(struct fixture *f, const char *output, int result)
{
        struct deployment *d;

        fx_use(f, output, NULL);
        assert_int_equal(deploy_load(&f->op, &d, &f->err), 0);
        assert_int_equal(compare_all(&f->layout, d, &f->err), result);
        return d->changes;
}

static void test_kinds(void **state)
{
        struct fixture *f = *state;
        struct change *ch;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\nB=2\n", true);
        fx_container(f, "system", "a", 1, "SYSTEM_PATH=/2\nB=2\n", true);
        fx_container(f, "unit", "a", 2, "SYSTEM_PATH=/1\nB=2\n", true);
        fx_container(f, "value", "a", 1, "SYSTEM_PATH=/1\nB=3\n", true);
        fx_container(f, "boot", "a", 1, "SYSTEM_PATH=/1\nB=2\n", false);

        ch = compare(f, "etc", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_NEW);
        assert_true(ch->unit_differs && ch->wants_differs);
        /* Comparing changes no files. */
        assert_false(fx_exists(f, "/etc"));

        install(f, "etc");
        ch = compare(f, "etc", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_NONE);
        assert_false(ch->unit_differs || ch->wants_differs);
        ch = compare(f, "system", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_UPDATE);
        assert_false(ch->unit_differs);
        ch = compare(f, "unit", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_RESTART);
        assert_true(ch->unit_differs);
        ch = compare(f, "value", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_RESTART);
        assert_false(ch->unit_differs);
        ch = compare(f, "boot", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_NONE);
        assert_true(ch->unit_differs && ch->wants_differs);
}

/* NixOS notes in the settings, and in the unit, whether it starts at boot. */
static void test_boot(void **state)
{
        struct fixture *f = *state;
        struct change *ch;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\nB=2\n", false);
        fx_container(f, "boot", "a", 1, "SYSTEM_PATH=/1\nB=2\nAUTO_START=1\n", true);
        fx_container(f, "system", "a", 1, "SYSTEM_PATH=/2\nB=2\nAUTO_START=1\n", true);
        fx_container(f, "value", "a", 1, "SYSTEM_PATH=/1\nB=3\nAUTO_START=1\n", true);
        fx_container(f, "unit", "a", 2, "SYSTEM_PATH=/1\nB=2\nAUTO_START=1\n", true);
        fx_container(f, "flake", "a", 1, "FLAKE=x\n", false);
        fx_container(f, "flake-boot", "a", 1, "FLAKE=x\nAUTO_START=1\n", true);

        install(f, "etc");
        assert_false(compare(f, "etc", 0)->boot_only);
        ch = compare(f, "boot", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_UPDATE);
        assert_true(ch->boot_only && ch->unit_differs && ch->wants_differs);
        ch = compare(f, "system", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_UPDATE);
        assert_false(ch->boot_only);
        ch = compare(f, "value", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_RESTART);
        ch = compare(f, "unit", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_RESTART);

        install(f, "boot");
        assert_int_equal(compare(f, "boot", 0)->c->change, EC_CHANGE_NONE);
        assert_true(compare(f, "etc", 0)->boot_only);
        assert_int_equal(compare(f, "flake-boot", 0)->c->change, EC_CHANGE_RESTART);
        install(f, "flake-boot");
        assert_true(compare(f, "flake", 0)->boot_only);
}

/* A run was killed when it had changed the settings, and not the unit. */
static void test_boot_half(void **state)
{
        struct fixture *f = *state;
        struct change *ch;

        fx_container(f, "half", "a", 1, "SYSTEM_PATH=/1\nAUTO_START=1\n", true);
        fx_container(f, "boot", "a", 3, "SYSTEM_PATH=/1\nAUTO_START=1\n", true);
        free(fx_store(f, "unit-a-3", "[Service]\nUnit=1\n\n[Install]\nWantedBy=machines.target\n"));
        install(f, "half");
        ch = compare(f, "boot", 0);
        assert_int_equal(ch->c->change, EC_CHANGE_UPDATE);
        assert_true(ch->boot_only && ch->unit_differs);
}

static void test_not_ours(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/nixos-containers/a.conf");

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_write(p, "");
        compare(f, "etc", -EEXIST);
        assert_non_null(strstr(err_msg(&f->err), "is not a link into the store"));
        free(p);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_kinds), T(test_boot), T(test_boot_half), T(test_not_ours) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
