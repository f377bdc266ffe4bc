/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>

#include "model/shell_rc.h"
#include "svc/process/proc.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

static char dir[64], home[80];

static int setup(void **state)
{
        (void)state;
        strcpy(dir, "/tmp/extra-container-rc.XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        snprintf(home, sizeof(home), "%s/home", dir);
        setenv("HOME", home, 1);
        unsetenv("ZDOTDIR");
        return fs_mkdir_p(home, 0700);
}

static int teardown(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        return fs_remove_tree(dir, &err);
}

static void put(const char *name, const char *text)
{
        _cleanup_free_ char *path = fs_join(home, name);

        assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600), 0);
}

/* Runs an interactive shell, as a session would, with input on its standard input. */
static char *interactive(const char *shell, const char *interactive_option, const char *prompt, const char *input)
{
        _cleanup_strv_ char **argv = NULL, **env = NULL;
        struct ec_proc_result res = { .size = sizeof(res) };
        struct ec_proc p = { .size = sizeof(p),
                             .flags = EC_PROC_CAPTURE | EC_PROC_CAPTURE_ERR,
                             .in = input,
                             .in_len = strlen(input),
                             .timeout_ms = 20000 };
        struct ec_err err = { 0 };

        assert_int_equal(shell_rc_prepare(shell, dir, &argv, &env, &err), 0);
        assert_int_equal(strv_push(&argv, interactive_option), 0);
        assert_int_equal(strv_pushf(&env, prompt ? "EXTRA_CONTAINER_PROMPT=%s" : "EXTRA_CONTAINER_PROMPT", prompt), 0);
        p.argv = STRV_CONST(argv);
        p.env = STRV_CONST(env);
        if (proc_run(&p, &res, &err) < 0)
                fail_msg("%s", err_msg(&err));
        if (!*res.out)
                print_message("%s: %s\n", shell, res.err);
        free(res.err);
        return res.out;
}

static void expect(const char *shell, const char *out, const char *line)
{
        if (!strstr(out, line))
                fail_msg("%s: no '%s' in:\n%s", shell, line, out);
}

static void test_posix(void **state)
{
        static const char *const shells[] = { "bash", "dash", "zsh", "sh" };
        _cleanup_free_ char *path = str_printf("path=%s/bin:/usr/bin:/bin;", dir);

        (void)state;
        put(".bashrc", "PATH=/usr/bin:/bin; mine=yes; PS1='own> '; PROMPT_COMMAND='PS1=anew'\n");
        put(".zshrc", "PATH=/usr/bin:/bin; mine=yes; PROMPT='own> '\n");
        put(".zshenv", "early=yes\n");
        for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
                _cleanup_free_ char *out = NULL;
                bool rc = i == 0 || i == 2;

                if (!proc_find(shells[i], NULL))
                        continue;
                setenv("PATH", "/usr/bin:/bin", 1);
                out = interactive(shells[i], "-i", "web",
                                  "echo \"path=$PATH;\"; echo \"mine=$mine early=$early\"; echo "
                                  "\"zdotdir=${ZDOTDIR-none}\"; echo \"prompt=$PS1\"\n");
                expect(shells[i], out, path);
                expect(shells[i], out, rc ? "mine=yes" : "mine= ");
                expect(shells[i], out, i == 2 ? "early=yes" : "early=\n");
                expect(shells[i], out, "zdotdir=none");
                expect(shells[i], out, i == 0 ? "prompt=[web] anew" : i == 2 ? "prompt=[web] own> " : "prompt=[web] ");
        }
}

static void test_no_prompt(void **state)
{
        _cleanup_free_ char *out = NULL;

        (void)state;
        put(".bashrc", "PS1='own> '\n");
        out = interactive("bash", "-i", NULL, "echo \"prompt=$PS1;\"\n");
        expect("bash", out, "prompt=own> ;");
}

/* His own shell may refuse variables that are not set. */
static void test_no_unset(void **state)
{
        static const char *const shells[] = { "bash", "zsh" };

        (void)state;
        put(".bashrc", "exec 2>&1; set -u\n");
        put(".zshrc", "exec 2>&1; setopt nounset\n");
        for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
                const char *shell = shells[i];
                _cleanup_free_ char *out = NULL;

                if (!proc_find(shell, NULL))
                        continue;
                out = interactive(shell, "-i", NULL, "echo here;\n");
                expect(shell, out, "here");
                if (strstr(out, "EXTRA_CONTAINER"))
                        fail_msg("%s: %s", shell, out);
        }
}

static void test_prompt_commands(void **state)
{
        _cleanup_free_ char *out = NULL;

        (void)state;
        put(".bashrc", "PROMPT_COMMAND=(one two)\n");
        out = interactive("bash", "-i", "web", "echo \"commands=${PROMPT_COMMAND[*]};\"\n");
        expect("bash", out, "commands=one two __extra_container_prompt;");
}

static void test_zdotdir(void **state)
{
        _cleanup_free_ char *other = fs_join(home, "other"), *line = str_printf("zdotdir=%s mine=yes;", other),
                            *out = NULL;

        (void)state;
        if (!proc_find("zsh", NULL))
                skip();
        fs_mkdir_p(other, 0700);
        put("other/.zshrc", "mine=yes\n");
        setenv("ZDOTDIR", other, 1);
        out = interactive("zsh", "-i", "web", "echo \"zdotdir=$ZDOTDIR mine=$mine;\"\n");
        expect("zsh", out, line);
}

static void test_fish(void **state)
{
        _cleanup_free_ char *path = str_printf("path=%s/bin", dir), *config = fs_join(home, ".config/fish"),
                            *out = NULL;

        (void)state;
        if (!proc_find("fish", NULL))
                skip();
        assert_int_equal(fs_mkdir_p(config, 0700), 0);
        put(".config/fish/config.fish", "set -gx PATH /usr/bin /bin\nfunction fish_prompt; echo -n own $status; end\n");
        out = interactive("fish", "-i", "web", "echo path=$PATH[1]; false; echo prompt=(fish_prompt)!\n");
        expect("fish", out, path);
        expect("fish", out, "prompt=[web] own 1!");
}

static void test_choice(void **state)
{
        static const char *const useless[] = { NULL, "", "/usr/sbin/nologin", "/bin/false", "/no/such/shell" };
        _cleanup_free_ char *odd = fs_join(home, "odd");

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(useless); i++) {
                _cleanup_strv_ char **argv = NULL, **env = NULL;
                struct ec_err err = { 0 };

                assert_int_equal(shell_rc_prepare(useless[i], dir, &argv, &env, &err), 0);
                assert_string_equal(argv[0], "bash");
                assert_string_equal(argv[1], "--rcfile");
        }
        put("odd", "#!/bin/sh\n");
        assert_int_equal(chmod(odd, 0700), 0);
        {
                _cleanup_strv_ char **argv = NULL, **env = NULL;
                struct ec_err err = { 0 };

                assert_int_equal(shell_rc_prepare(odd, dir, &argv, &env, &err), 0);
                assert_string_equal(argv[0], odd);
                assert_null(argv[1]);
                assert_null(env);
        }
}

static void test_failure(void **state)
{
        _cleanup_strv_ char **argv = NULL, **env = NULL;
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(shell_rc_prepare("bash", "/nonexistent", &argv, &env, &err), -ENOENT);
        assert_string_equal(err_msg(&err), "cannot write /nonexistent/bashrc: No such file or directory");
        assert_null(argv);
        err_done(&err);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_posix),   TEST(test_no_prompt), TEST(test_no_unset), TEST(test_prompt_commands),
                TEST(test_zdotdir), TEST(test_fish),      TEST(test_choice),   TEST(test_failure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
