/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/deploy/same_unit.h"

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

/* Writes a unit of NixOS, whose scripts are somewhere else. */
static char *nixos(struct fixture *f, const char *hash, const char *text)
{
        char *path = fx_path(f, "/store/%s-unit/container@a.service", hash);

        fx_write(path, text);
        return path;
}

/* Writes a unit of ours: after its text comes a line with its script. */
static char *ours(struct fixture *f, const char *hash, const char *text, const char *script)
{
        char *bin = fx_path(f, "/store/%s-unit/bin/start", hash);
        char *whole = str_printf("%sExecStart=%s \n", text, bin), *path = nixos(f, hash, whole);

        fx_write(bin, script);
        free(whole);
        free(bin);
        return path;
}

/* Frees the paths. */
static bool same(char *a, char *b, bool boot_only)
{
        bool r = same_unit(a, b, boot_only);

        free(a);
        free(b);
        return r;
}

static void test_text(void **state)
{
        struct fixture *f = *state;

        assert_true(same(nixos(f, "1", "A=1\nX-Restart-Triggers=/a\n"), nixos(f, "2", "A=1\n"), false));
        assert_false(same(nixos(f, "1", "A=1\n"), nixos(f, "2", "A=2\n"), false));
        assert_false(same(nixos(f, "1", "A=1\n"), nixos(f, "2", "A=1\nB=1\n"), false));
        assert_false(same(nixos(f, "1", "A=1\n"), nixos(f, "2", "A=11\n"), false));
        assert_false(same(nixos(f, "1", "A=1\n"), fx_path(f, "/nothing"), false));
        assert_true(same(fx_path(f, "/nothing"), fx_path(f, "/nothing"), false));
}

static void test_scripts(void **state)
{
        struct fixture *f = *state;
        char *other;

        assert_true(same(ours(f, "1", "A=1\n", "x"), ours(f, "2", "A=1\n", "x"), false));
        assert_false(same(ours(f, "1", "A=1\n", "x"), ours(f, "2", "A=1\n", "y"), false));
        assert_false(same(ours(f, "1", "A=1\n", "x"), nixos(f, "3", "A=1\n"), false));
        other = fx_path(f, "/store/2-unit/bin/stop");
        fx_write(other, "x");
        free(other);
        assert_false(same(ours(f, "1", "A=1\n", "x"), ours(f, "2", "A=1\n", "x"), false));
}

/* The triggers of our units are those of the user. */
static void test_triggers(void **state)
{
        struct fixture *f = *state;

        assert_false(same(ours(f, "1", "X-Restart-Triggers=a\n", "x"), ours(f, "2", "", "x"), false));
        assert_true(same(ours(f, "1", "X-Reload-Triggers=a\n", "x"), ours(f, "2", "", "x"), false));
        assert_false(same(ours(f, "1", "X-Reload-Triggers=a\n", "x"), ours(f, "2", "", "x"), true));
        assert_true(same(ours(f, "1", "X-RestartIfChanged=false\n", "x"), ours(f, "2", "", "x"), true));
}

static void test_boot(void **state)
{
        struct fixture *f = *state;
        static const char without[] = "[Unit]\nA=1\n\n[Service]\nX-RestartIfChanged=false\nB=1\n";
        static const char with[] = "[Unit]\nA=1\nAfter=network.target\nWants=network.target\nX-Restart-Triggers=/a\n"
                                   "\n[Service]\nB=1\n\n[Install]\nWantedBy=machines.target\n";

        assert_true(same(nixos(f, "1", without), nixos(f, "2", with), true));
        assert_true(same(nixos(f, "1", with), nixos(f, "2", without), true));
        assert_false(same(nixos(f, "1", without), nixos(f, "2", with), false));
        assert_false(same(nixos(f, "1", without), nixos(f, "2", "[Unit]\nA=1\n[Service]\nB=2\n"), true));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_text), T(test_scripts), T(test_triggers), T(test_boot) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
