/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/elevate.h"
#include "util/err.h"
#include "util/strv.h"

static void test_argv(void **state)
{
        char *args[] = { (char *)"create", (char *)"a b", NULL };
        _cleanup_strv_ char **v = NULL;
        _cleanup_free_ char *s = NULL;
        struct ec_err err = { 0 };

        (void)state;
        clearenv();
        setenv("PATH", "/a:/b", 1);
        setenv("PATHETIC", "x", 1);
        setenv("HOME", "/home/me", 1);
        setenv("LD_PRELOAD", "x", 1);
        setenv("NIX_PATH", "nixpkgs=/n p", 1);
        setenv("NIX_REMOTE", "daemon", 1);
        setenv("EXTRA_CONTAINER_ETC", "/nix/store/x", 1);
        setenv("EXTRA_CONTAINER_PLUGIN_DIR", "/tmp", 1);
        setenv(ELEVATED_VARIABLE, "0", 1);
        assert_int_equal(elevate_argv("/bin/sudo", "/bin/env", "/bin/ec", args, &v, &err), 0);
        s = strv_join(STRV_CONST(v), "|");
        assert_string_equal(s, "/bin/sudo|-H|--|/bin/env|PATH=/a:/b|NIX_PATH=nixpkgs=/n "
                               "p|EXTRA_CONTAINER_ETC=/nix/store/x|" ELEVATED_VARIABLE "=1|/bin/ec|create|a b");
        /* env(1) would take such a path as a variable and run "create" as root. */
        assert_int_equal(elevate_argv("/bin/sudo", "/bin/env", "/opt/a=b/ec", args, &v, &err), -EINVAL);
        assert_non_null(strstr(err_msg(&err), "'/opt/a=b/ec'"));
        err_done(&err);
}

static void test_no_sudo(void **state)
{
        char *args[] = { (char *)"create", NULL };
        struct ec_err err = { 0 };

        (void)state;
        clearenv();
        setenv("PATH", "/nonexistent", 1);
        assert_int_equal(elevate("/bin/ec", args, &err), -EPERM);
        assert_string_equal(err_msg(&err), "this needs root, but sudo is not in PATH; run it as root");
        err_done(&err);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_argv), cmocka_unit_test(test_no_sudo) };

        /* The environment is cleared first. */
        if (getenv("CMOCKA_MESSAGE_OUTPUT"))
                cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
