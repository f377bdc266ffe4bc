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
#include "util/fs.h"
#include "util/fs_remove.h"
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
        setenv("EXTRA_CONTAINER_ANYTHING", "x", 1);
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

/* Each variable that the program or a library of it reads, alone. */
static void test_variables(void **state)
{
        static const struct {
                const char *name;
                bool kept;
        } cases[] = {
                { "PATH", true },
                { "NIX_PATH", true },
                { "SHELL", true },
                { "NO_COLOR", true },
                { "EXTRA_CONTAINER_ETC", true },
                { "EXTRA_CONTAINER_SESSION", true },
                { "EXTRA_CONTAINER_PLUGIN_DIR", false },
                { "EXTRA_CONTAINER_PROMPT", false },
                { "EXTRA_CONTAINER_ZDOTDIR", false },
                { ELEVATED_VARIABLE, false },
                { "HOME", false },
                { "LANG", false },
                { "LOCALE_ARCHIVE", false },
                { "TERM", false },
                { "TMPDIR", false },
                { "XDG_RUNTIME_DIR", false },
                { "XDG_CONFIG_HOME", false },
                { "NIX_CONFIG", false },
                { "NIX_CONF_DIR", false },
                { "NIX_REMOTE", false },
                { "NIX_STATE_DIR", false },
                { "NIX_STORE_DIR", false },
                { "NIX_USER_CONF_FILES", false },
                { "LD_PRELOAD", false },
                { "LD_LIBRARY_PATH", false },
                { "GCONV_PATH", false },
                { "BASH_ENV", false },
                { "ENV", false },
                { "IFS", false },
                { "CDPATH", false },
                { "ZDOTDIR", false },
                { "DBUS_SYSTEM_BUS_ADDRESS", false },
                { "SYSTEMD_LOG_LEVEL", false },
                { "SUDO_UID", false },
        };
        char *args[] = { (char *)"list", NULL };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_strv_ char **v = NULL;
                _cleanup_free_ char *assignment = str_printf("%s=value", cases[i].name);
                struct ec_err err = { 0 };

                clearenv();
                setenv(cases[i].name, "value", 1);
                assert_int_equal(elevate_argv("sudo", "env", "ec", args, &v, &err), 0);
                if (strv_contains(STRV_CONST(v), assignment) != cases[i].kept)
                        fail_msg("%s", cases[i].name);
        }
}

/* The NIX_PATH that root gets from a user without one; NULL: none. */
static char *nix_path(const char *home)
{
        char *args[] = { (char *)"create", NULL };
        _cleanup_strv_ char **v = NULL;
        struct ec_err err = { 0 };

        clearenv();
        setenv("HOME", home, 1);
        assert_int_equal(elevate_argv("sudo", "env", "ec", args, &v, &err), 0);
        for (char **s = v; *s; s++)
                if (str_after(*s, "NIX_PATH="))
                        return strdup(*s);
        return NULL;
}

/* Their own channels, as without sudo. */
static void test_channels(void **state)
{
        static const char *const dirs[] = { ".local/state/nix/defexpr/channels", ".nix-defexpr/channels" };
        char home[] = "/tmp/ec-test.XXXXXX";
        struct ec_err err = { 0 };

        (void)state;
        assert_non_null(mkdtemp(home));
        assert_null(nix_path(home));
        for (size_t i = 0; i < 2; i++) {
                _cleanup_free_ char *dir = str_printf("%s/%s", home, dirs[i]), *channel = fs_join(dir, "nixpkgs");
                _cleanup_free_ char *want = str_printf(
                        "NIX_PATH=%s:nixpkgs=/nix/var/nix/profiles/per-user/root/channels/"
                        "nixpkgs:/nix/var/nix/profiles/per-user/root/channels",
                        dir);
                _cleanup_free_ char *before = nix_path(home), *got = NULL, *other = NULL;

                /* An empty directory is none. */
                assert_int_equal(fs_mkdir_p(dir, 0755), 0);
                other = nix_path(home);
                assert_true(before ? other && !strcmp(before, other) : !other);
                assert_int_equal(fs_mkdir_p(channel, 0755), 0);
                got = nix_path(home);
                assert_string_equal(got, want);
        }
        assert_null(nix_path("relative"));
        assert_int_equal(fs_remove_tree(home, &err), 0);
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
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_argv), cmocka_unit_test(test_variables),
                                            cmocka_unit_test(test_no_sudo), cmocka_unit_test(test_channels) };

        /* The environment is cleared first. */
        if (getenv("CMOCKA_MESSAGE_OUTPUT"))
                cmocka_set_message_output(CM_OUTPUT_TAP);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
