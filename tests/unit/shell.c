/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "model/deploy/deployment.h"
#include "model/operation/hooks.h"
#include "model/operation/op.h"
#include "model/shell.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

static char dir[64]; /* of one test */
static bool hook_fails;
static struct ec_op op;

static int hook(void *self, struct ec_op *o, struct ec_shell *sh, struct ec_err *err)
{
        struct ec_err e = { 0 };
        struct stat st;
        int r;

        (void)self, (void)o;
        if (hook_fails)
                return err_set(err, -EIO, "no key");
        assert_string_equal(shell_container(sh)->name, "web");
        assert_int_equal(stat(shell_dir(sh), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);

        assert_int_equal(shell_setenv(sh, "a=b", "x", &e), -EINVAL);
        err_done(&e);
        assert_int_equal(shell_setenv(sh, "", "x", &e), -EINVAL);
        err_done(&e);
        assert_int_equal(shell_command(sh, "../x", "#!/bin/sh\n", NULL, &e), -EINVAL);
        err_done(&e);
        r = shell_setenv(sh, "ip", "10.0.0.1", err);
        if (r >= 0)
                r = shell_setenv(sh, "ip", NULL, err);
        if (r >= 0)
                r = shell_setenv(sh, "ip", "10.0.0.2", err); /* the last one counts */
        if (r >= 0)
                r = shell_setenv(sh, "stale", NULL, err);
        if (r >= 0)
                r = shell_command(sh, "greet", "#!/bin/sh\necho \"hello $1 from $ip\"\n", "greet NAME\tSay 'hello'",
                                  err);
        assert_int_equal(shell_command(sh, "greet", "#!/bin/sh\n", NULL, &e), -EEXIST);
        err_done(&e);
        return r;
}

static const struct ec_hooks hooks = { .size = sizeof(hooks), .shell = hook };
static const struct ec_plugin plugin = { .name = "test", .hooks = &hooks };
static struct plugin_ref ref = { .plugin = &plugin };
static struct registry reg = { .plugins = &ref, .n = 1 };

/* An operation that has built its containers. */
static void with_containers(const char *const *names)
{
        struct deployment *d = calloc(1, sizeof(*d));
        size_t n = strv_len(names);

        d->parsed = d->built = d->loaded = true;
        d->output = strdup("/nix/store/x");
        d->list.items = calloc(n + 1, sizeof(*d->list.items));
        d->changes = calloc(n + 1, sizeof(*d->changes));
        for (size_t i = 0; i < n; i++) {
                d->list.items[i] = calloc(1, sizeof(*d->list.items[i]));
                d->list.items[i]->name = strdup(names[i]);
                d->list.items[i]->state_path = strdup("/var/lib/x");
                d->changes[i].c = d->list.items[i];
        }
        d->list.n = n;
        op.deployment = d;
        op.deployment_free = deployment_free;
}

static int setup(void **state)
{
        (void)state;
        op = (struct ec_op)OP_INIT;
        op.registry = &reg;
        hook_fails = false;
        strcpy(dir, "/tmp/extra-container-shell.XXXXXX");
        return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        op_done(&op);
        return fs_remove_tree(dir, &err);
}

#define ONE ((const char *const[]){ "web", NULL })

/* Runs a script in a session; what it writes to $OUT. */
static char *session(const char *script, int32_t expected)
{
        const char *argv[] = { "sh", "-c", script, NULL };
        _cleanup_free_ char *file = fs_join(dir, "out");
        struct ec_err err = { 0 };
        char *text = NULL;
        int32_t status = -1;

        setenv("OUT", file, 1);
        if (deploy_shell(&op, argv, &status, &err) < 0)
                fail_msg("%s", err_msg(&err));
        assert_int_equal(status, expected);
        assert_int_equal(fs_read(file, 1 << 20, &text, NULL), 0);
        return text;
}

static void test_session(void **state)
{
        _cleanup_free_ char *text = NULL;

        (void)state;
        with_containers(ONE);
        setenv("stale", "of a session around this one", 1);
        text = session("{ greet you; echo \"$name $ip${stale-}\"; h; } > \"$OUT\"; exit 7", 7);
        unsetenv("stale");
        assert_string_equal(text, "hello you from 10.0.0.2\nweb 10.0.0.2\n"
                                  "Container web ($name)\nFilesystem /var/lib/x\n$ip is 10.0.0.2\n\nCommands:\n"
                                  "  greet NAME  Say 'hello'\n  h           Show this help\n");
}

static void test_path_is_kept(void **state)
{
        _cleanup_free_ char *text = NULL, *expected = str_printf(":%s\n", getenv("PATH"));

        (void)state;
        with_containers(ONE);
        text = session("echo \"$PATH\" > \"$OUT\"", 0);
        assert_true(str_ends(text, expected));
        assert_true(*text == '/');
}

static void test_own_shell(void **state)
{
        _cleanup_free_ char *shell = fs_join(dir, "shell"), *file = fs_join(dir, "out"), *text = NULL, *old = NULL;
        static const char script[] = "#!/bin/sh\necho own $# > \"$OUT\"\n";
        struct ec_err err = { 0 };
        int32_t status = -1;

        (void)state;
        old = getenv("SHELL") ? strdup(getenv("SHELL")) : NULL;
        with_containers(ONE);
        assert_int_equal(fs_write_atomic(shell, script, strlen(script), 0755), 0);
        setenv("SHELL", shell, 1);
        setenv("OUT", file, 1);
        assert_int_equal(deploy_shell(&op, NULL, &status, &err), 0);
        assert_int_equal(status, 0);
        assert_int_equal(fs_read(file, 1024, &text, NULL), 0);
        assert_string_equal(text, "own 0\n");
        if (old)
                setenv("SHELL", old, 1);
}

static void test_no_such_command(void **state)
{
        const char *argv[] = { "no-such-command-here", NULL };
        struct ec_err err = { 0 };
        int32_t status = -1;

        (void)state;
        with_containers(ONE);
        assert_int_equal(deploy_shell(&op, argv, &status, &err), 0);
        assert_int_equal(status, 127);
}

static void test_one_container(void **state)
{
        struct ec_err err = { 0 };
        int32_t status;

        (void)state;
        with_containers((const char *const[]){ "db", "web", NULL });
        assert_int_equal(deploy_shell(&op, NULL, &status, &err), -EINVAL);
        assert_true(err.usage);
        assert_string_equal(
                err_msg(&err),
                "a session is for one container, this definition has 2: db, web; name one of them behind it");
        err_done(&err);
}

static void test_hook_fails(void **state)
{
        struct ec_err err = { 0 };
        int32_t status;

        (void)state;
        hook_fails = true;
        with_containers(ONE);
        assert_int_equal(deploy_shell(&op, NULL, &status, &err), -EIO);
        assert_string_equal(err_msg(&err), "plugin test: no key");
        err_done(&err);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_session),         TEST(test_path_is_kept),  TEST(test_own_shell),
                TEST(test_no_such_command), TEST(test_one_container), TEST(test_hook_fails),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
