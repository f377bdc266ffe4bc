/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/operation/hooks.h"
#include "model/operation/shell.h"

static bool hook_fails;

static void refused(int r, int expected, struct ec_err *e)
{
        assert_int_equal(r, expected);
        assert_string_not_equal(err_msg(e), "");
        err_done(e);
}

static int hook(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        struct ec_err e = { 0 };
        struct stat st;
        int r;

        (void)self, (void)op;
        if (hook_fails)
                return err_set(err, -EIO, "no key");
        assert_string_equal(shell_container(sh)->name, "web");
        assert_int_equal(stat(shell_dir(sh), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        assert_null(shell_env(sh)[0]);
        assert_null(shell_help(sh)[0]);

        refused(shell_setenv(sh, "a=b", "x", &e), -EINVAL, &e);
        refused(shell_setenv(sh, "", "x", &e), -EINVAL, &e);
        refused(shell_setenv(sh, "1a", "x", &e), -EINVAL, &e);
        refused(shell_command(sh, "../x", "#!/bin/sh\n", NULL, &e), -EINVAL, &e);
        refused(shell_command(sh, "", "#!/bin/sh\n", NULL, &e), -EINVAL, &e);
        r = shell_setenv(sh, "ip", "10.0.0.1", err);
        if (r >= 0)
                r = shell_setenv(sh, "stale", NULL, err);
        if (r >= 0)
                r = shell_setenv(sh, "ip", NULL, err);
        if (r >= 0)
                r = shell_setenv(sh, "ip", "10.0.0.2", err); /* the last one wins */
        if (r >= 0)
                r = shell_setenv(sh, "ip6", "fd00::2", err);
        if (r >= 0)
                r = shell_command(sh, "greet", "#!/bin/sh\necho hello\n", "greet\tSay hello", err);
        if (r >= 0)
                r = shell_command(sh, "silent", "#!/bin/sh\n", NULL, err);
        refused(shell_command(sh, "greet", "#!/bin/sh\n", NULL, &e), -EEXIST, &e);
        return r;
}

static const struct ec_hooks hooks = { .size = sizeof(hooks), .shell = hook };
static const struct ec_plugin plugin = { .name = "test", .hooks = &hooks };
static struct plugin_ref ref = { .plugin = &plugin };
static struct registry reg = { .plugins = &ref, .n = 1 };
static const struct ec_container web = { .name = (char *)"web" };

static int setup(void **state)
{
        struct fixture *f = fx_new();

        *state = f;
        hook_fails = false;
        return 0;
}

static int teardown(void **state)
{
        fx_free(*state);
        return 0;
}

static void test_open(void **state)
{
        struct fixture *f = *state;
        _cleanup_free_ char *dir = NULL, *file = NULL, *text = NULL;
        struct ec_op op = OP_INIT;
        struct ec_shell *sh = NULL;
        struct stat st;

        op.layout = &f->layout;
        op.registry = &reg;
        if (shell_open(&op, &web, &sh, &f->err) < 0)
                fail_msg("%s", err_msg(&f->err));
        assert_string_equal(shell_env(sh)[0], "ip=10.0.0.2");
        assert_string_equal(shell_env(sh)[1], "stale"); /* unsets the variable */
        assert_string_equal(shell_env(sh)[2], "ip6=fd00::2");
        assert_null(shell_env(sh)[3]);
        assert_string_equal(shell_help(sh)[0], "greet\tSay hello");
        assert_null(shell_help(sh)[1]);
        dir = strdup(shell_dir(sh));
        file = fs_join(dir, "bin/greet");
        assert_int_equal(fs_read(file, 1024, &text, NULL), 0);
        assert_string_equal(text, "#!/bin/sh\necho hello\n");
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        op_done(&op);
        assert_int_equal(access(dir, F_OK), -1);
}

static void test_hook_fails(void **state)
{
        struct fixture *f = *state;
        struct ec_op op = OP_INIT;
        struct ec_shell *sh = NULL;

        op.layout = &f->layout;
        op.registry = &reg;
        hook_fails = true;
        assert_int_equal(shell_open(&op, &web, &sh, &f->err), -EIO);
        assert_string_equal(err_msg(&f->err), "plugin test: no key");
        assert_null(sh);
        op_done(&op);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { TEST(test_open), TEST(test_hook_fails) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
