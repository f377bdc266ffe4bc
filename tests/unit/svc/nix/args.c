/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "svc/nix/args.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void assert_joined(char **v, const char *expected)
{
        char *s = strv_join(STRV_CONST(v), " ");
        assert_string_equal(s, expected);
        free(s);
}

static void sort(const char *const *args, struct nix_args *ret)
{
        struct ec_err err = { 0 };
        int r = nix_args_sort(args, ret, &err);
        if (r < 0)
                fail_msg("%s", err_msg(&err));
}

static void check(const char *const *args, const char *eval, const char *realise)
{
        struct nix_args a;
        sort(args, &a);
        assert_false(a.unknown);
        assert_joined(a.eval, eval);
        assert_joined(a.realise, realise);
        nix_args_done(&a);
}

static void test_sorted(void **state)
{
        (void)state;
        check((const char *const[]){ NULL }, "", "");
        check(NULL, "", "");
        check(ARGS("--arg", "a", "1", "-I", "x=/y", "--argstr", "b", "--check"), "--arg a 1 -I x=/y --argstr b --check",
              "");
        check(ARGS("--check", "--keep-failed"), "--keep-failed", "--check --keep-failed");
        check(ARGS("--builders", "ssh://worker - - 8"), "--builders ssh://worker - - 8",
              "--builders ssh://worker - - 8");
        check(ARGS("--option", "sandbox", "false", "--impure"), "--option sandbox false --impure",
              "--option sandbox false");
        check(ARGS("--max-jobs", "0", "--fallback", "-v"), "--max-jobs 0 --fallback -v", "--max-jobs 0 --fallback -v");
        check(ARGS("--no-out-link", "--no-gc-warning"), "", "");
}

static void test_flakes(void **state)
{
        (void)state;
        struct nix_args a;
        sort(ARGS("-kKj4", "--override-input", "nixpkgs", "path:/x", "--check", "-Q", "-L", "--option", "cores", "1",
                  "--arg", "a", "1", "--no-write-lock-file", "--refresh"),
             &a);
        assert_joined(a.flake, "--override-input nixpkgs path:/x --option cores 1 --refresh");
        assert_joined(a.build, "--keep-going --keep-failed -j 4 --override-input nixpkgs path:/x --rebuild --option "
                               "cores 1 --arg a 1 --refresh");
        assert_joined(a.eval, "-k -K -j 4 -Q --option cores 1 --arg a 1 --refresh");
        assert_joined(a.realise, "-k -K -j 4 --check -Q --option cores 1 --refresh");
        assert_joined(a.all, "-k -K -j 4 --check -Q --option cores 1 --arg a 1 --refresh");
        assert_string_equal(a.flake_only, "--override-input");
        nix_args_done(&a);
        assert_null(a.flake_only);
        sort(ARGS("--refresh", "--new-thing", "x"), &a);
        assert_null(a.flake_only);
        assert_joined(a.flake, "--refresh");
        assert_joined(a.build, "--refresh --new-thing x");
        nix_args_done(&a);
}

static void test_compact(void **state)
{
        (void)state;
        check(ARGS("-kKj4"), "-k -K -j 4", "-k -K -j 4");
        check(ARGS("-j4", "-I/x"), "-j 4 -I /x", "-j 4");
        check(ARGS("-Inixpkgs=/x"), "-I nixpkgs=/x", "");
        check(ARGS("--argstr", "a", "-kK"), "--argstr a -kK", ""); /* a value is not changed */
}

static void test_flags(void **state)
{
        (void)state;
        assert_true(nix_takes_option("-K"));
        assert_false(nix_takes_option("-K --keep-going")); /* one word */
        assert_false(nix_takes_option("-A"));
        struct nix_args a;
        sort(ARGS("-j2", "--log-format", "raw", "-L", "-Q", "--show-trace"), &a);
        assert_true(a.jobs && a.format && a.logs && a.no_logs && a.show_trace && !a.unknown);
        assert_joined(a.eval, "-j 2 --log-format raw -Q --show-trace");
        nix_args_done(&a);
        sort(ARGS("--option", "max-jobs", "3"), &a);
        assert_true(a.jobs);
        nix_args_done(&a);
        sort(ARGS("--option", "cores", "3"), &a);
        assert_false(a.jobs || a.format || a.logs || a.no_logs || a.show_trace);
        nix_args_done(&a);
}

static void test_unknown(void **state)
{
        (void)state;
        struct nix_args a;
        sort(ARGS("-k", "--new-setting", "-some value", "--arg", "x", "1", "word"), &a);
        assert_true(a.unknown);
        assert_joined(a.all, "-k --new-setting -some value --arg x 1 word");
        nix_args_done(&a);
}

static void refused(const char *const *args, const char *part)
{
        struct ec_err err = { 0 };
        struct nix_args a = { 0 };
        assert_int_equal(nix_args_sort(args, &a, &err), -EINVAL);
        assert_true(err.usage);
        assert_non_null(strstr(err_msg(&err), part));
        assert_null(a.all);
        err_done(&err);
}

static void test_refused(void **state)
{
        (void)state;
        refused(ARGS("web.nix"), "'web.nix'");
        refused(ARGS("-k", "web.nix"), "'web.nix'");
        refused(ARGS("--arg", "x"), "two values");
        refused(ARGS("--option", "x"), "'--option'");
        refused(ARGS("--max-jobs"), "a value");
        refused(ARGS("-j"), "'-j'");
        refused(ARGS("-A", "x"), "'-A'");
        refused(ARGS("-o", "x"), "'-o'");
        refused(ARGS("--dry-run"), "'--dry-run'");
}

static char dir[] = "/tmp/nix-args-XXXXXX";

static void conf(const char *name, const char *text)
{
        char *path = fs_join(dir, name);
        char *slash = strrchr(path, '/');
        *slash = '\0';
        assert_int_equal(fs_mkdir_p(path, 0755) < 0, 0);
        *slash = '/';
        assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644), 0);
        free(path);
}

static int in_dir(void **state)
{
        (void)state;
        if (!mkdtemp(dir))
                return -1;
        char path[200];
        unsetenv("NIX_CONFIG");
        unsetenv("NIX_USER_CONF_FILES");
        unsetenv("XDG_CONFIG_HOME");
        setenv("NIX_CONF_DIR", dir, 1);
        snprintf(path, sizeof(path), "%s/home", dir);
        setenv("HOME", path, 1);
        snprintf(path, sizeof(path), "%s/xdg1:%s/xdg2", dir, dir);
        setenv("XDG_CONFIG_DIRS", path, 1);
        return 0;
}

static int remove_dir(void **state)
{
        (void)state;
        struct ec_err err = { 0 };
        return fs_remove_tree(dir, &err);
}

static void test_jobs_configured(void **state)
{
        (void)state;
        assert_false(nix_args_jobs_configured());
        conf("nix.conf",
             "# max-jobs = 2\ncores = 2\n\n!include nowhere\ninclude more/extra.conf\nmax-jobs\nmax-jobsx = 2");
        assert_false(nix_args_jobs_configured());
        conf("more/extra.conf", "\tmax-jobs =  4 # four\n");
        assert_true(nix_args_jobs_configured());
        conf("more/extra.conf", "include extra.conf\n"); /* a circular include */
        assert_false(nix_args_jobs_configured());
        conf("nix.conf", "build-max-jobs = 3");
        assert_true(nix_args_jobs_configured());
        conf("nix.conf", "");
        setenv("NIX_CONFIG", "cores = 1\nmax-jobs = auto", 1);
        assert_true(nix_args_jobs_configured());
        setenv("NIX_CONFIG", "cores = 1", 1);
        assert_false(nix_args_jobs_configured());
        conf("home/.config/nix/nix.conf", "max-jobs = 1");
        assert_true(nix_args_jobs_configured());
        setenv("NIX_USER_CONF_FILES", "/nonexistent:", 1);
        assert_false(nix_args_jobs_configured());
        unsetenv("NIX_USER_CONF_FILES");
        conf("home/.config/nix/nix.conf", "");
        conf("xdg2/nix/nix.conf", "max-jobs = 1");
        assert_true(nix_args_jobs_configured());
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sorted),
                cmocka_unit_test(test_flakes),
                cmocka_unit_test(test_compact),
                cmocka_unit_test(test_flags),
                cmocka_unit_test(test_unknown),
                cmocka_unit_test(test_refused),
                cmocka_unit_test_setup_teardown(test_jobs_configured, in_dir, remove_dir),
        };
        return cmocka_run_group_tests_name("nix_args", tests, NULL, NULL);
}
