/* SPDX-License-Identifier: MIT */
#include "capture.h"
#include "in_child.h"

#include "svc/process/env.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

static char **env(const char *const *delta)
{
        char **v = proc_environment(delta);

        assert_non_null(v);
        return v;
}

static const char *value(char **v, const char *key)
{
        const char *found = NULL;
        size_t n = strlen(key);

        for (; *v; v++) {
                if (strncmp(*v, key, n) || (*v)[n] != '=')
                        continue;
                assert_null(found); /* appears only once */
                found = *v + n + 1;
        }
        return found;
}

static void test_inherits(void **state)
{
        const char *const delta[] = { "EC_SET=1", "EC_GONE", "EC_CHANGED=new", "EC_EMPTY=", "EC_EQ=a=b", NULL };
        char **v;

        (void)state;
        setenv("EC_KEPT", "kept", 1);
        setenv("EC_GONE", "x", 1);
        setenv("EC_CHANGED", "old", 1);
        setenv("EC_CHANGED_TOO", "stays", 1);
        v = env(delta);
        assert_string_equal(value(v, "EC_KEPT"), "kept");
        assert_string_equal(value(v, "EC_SET"), "1");
        assert_null(value(v, "EC_GONE"));
        assert_string_equal(value(v, "EC_CHANGED"), "new");
        assert_string_equal(value(v, "EC_CHANGED_TOO"), "stays");
        assert_string_equal(value(v, "EC_EMPTY"), "");
        assert_string_equal(value(v, "EC_EQ"), "a=b");
        strv_free(v);
        v = env(NULL);
        assert_string_equal(value(v, "EC_GONE"), "x");
        strv_free(v);
}

static void test_last_value_wins(void **state)
{
        const char *const delta[] = { "A=1", "B=1", "A=2", "B", "C", "C=3", "=x", "", NULL };
        char **v = env(delta);

        (void)state;
        assert_string_equal(value(v, "A"), "2");
        assert_null(value(v, "B"));
        assert_string_equal(value(v, "C"), "3");
        for (char **e = v; *e; e++)
                assert_true(**e && **e != '=');
        strv_free(v);
}

static void test_dangerous(void **state)
{
        static const char *const names[] = { "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_X",      "BASH_ENV", "ENV",
                                             "IFS",        "CDPATH",          "GCONV_PATH" };
        char **v;

        (void)state;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
                setenv(names[i], "/evil", 1);
        setenv("ENVIRONMENT", "fine", 1);
        v = env(NULL);
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                assert_null(value(v, names[i]));
                unsetenv(names[i]);
        }
        assert_string_equal(value(v, "ENVIRONMENT"), "fine");
        strv_free(v);
}

static char *program(const char *dir, const char *name, mode_t mode)
{
        char *path = fs_join(dir, name);

        assert_int_equal(fs_mkdir_p(dir, 0755), 0);
        assert_int_equal(fs_write_atomic(path, "#!/bin/sh\n", 10, mode), 0);
        return path;
}

static int find(const char *name, const char *change, char **ret)
{
        const char *const argv[] = { name, NULL }, *const delta[] = { change, NULL };
        _cleanup_strv_ char **env = NULL;

        return proc_look_up(argv, delta, &env, ret, NULL);
}

static void test_find(void **state)
{
        char *top = temp_dir(), *a = fs_join(top, "a"), *b = fs_join(top, "b"), *found = NULL;
        char *in_a = program(a, "prog", 0644), *in_b = program(b, "prog", 0755), *only_a = program(a, "data", 0644);
        char *path = str_printf("PATH=relative:%s::%s:.", a, b), *dir = fs_join(b, "dir");
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(mkdir(dir, 0755), 0);
        /* A file that cannot be executed is skipped. */
        assert_int_equal(find("prog", path, &found), 0);
        assert_string_equal(found, in_b);
        free(found);
        found = NULL;
        assert_int_equal(find("data", path, &found), -EACCES);
        assert_int_equal(find("dir", path, &found), -EACCES);
        assert_int_equal(find("nothing", path, &found), -ENOENT);
        assert_int_equal(find("", path, &found), -ENOENT);
        assert_int_equal(find("sh", "PATH=", &found), -ENOENT);
        assert_null(found);
        assert_int_equal(find("sh", "PATH", &found), 0);
        assert_true(*found == '/');
        free(found);
        assert_int_equal(find("a/b", "PATH=", &found), 0);
        assert_string_equal(found, "a/b");
        free(found);

        /* Nothing from the current directory. */
        char *cwd = getcwd(NULL, 0);

        assert_int_equal(chdir(b), 0);
        char *dot = str_printf("PATH=.::%s", a);

        assert_int_equal(find("prog", dot, &found), -EACCES);
        assert_int_equal(chdir(cwd), 0);

        char *old = strdup(getenv("PATH"));

        setenv("PATH", path + 5, 1);
        found = NULL;
        assert_true(proc_find("prog", &found));
        assert_string_equal(found, in_b);
        assert_true(proc_find("prog", NULL));
        assert_false(proc_find("data", NULL));
        assert_true(proc_find(in_b, NULL));
        assert_false(proc_find(in_a, NULL)); /* not executable */
        assert_false(proc_find("/nowhere/prog", NULL));
        setenv("PATH", old, 1);
        free(old);
        free(found);
        assert_int_equal(fs_remove_tree(top, &err), 0);
        free(dot), free(cwd), free(dir), free(path), free(only_a), free(in_b), free(in_a), free(b), free(a), free(top);
}

static void in_test_exec(void)
{
        const char *const delta[] = { "EC_X=y", NULL };
        struct ec_err err = { 0 };

        setenv("LD_AUDIT", "", 1);
        const char *const argv[] = {
                "sh",  "-c", "test \"$1$2\" = 'a b' && test \"$EC_X\" = y && test -z \"${LD_AUDIT+x}\"", "sh", "",
                "a b", NULL
        };

        proc_exec(argv, delta, &err);
        must(false);
}
CHILD_TEST(test_exec)

/* exec() keeps masks and ignored signals. */
static void in_test_exec_signals(void)
{
        const char *const argv[] = { "sh", "-c",
                                     "grep -q '^SigBlk:[[:blank:]]*0*$' /proc/self/status && grep -q "
                                     "'^SigIgn:[[:blank:]]*0*\\(18\\)\\?0*$' /proc/self/status",
                                     NULL }; /* 32 and 33 are glibc's own */
        struct ec_err err = { 0 };
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, NULL);
        signal(SIGPIPE, SIG_IGN);
        proc_exec(argv, NULL, &err);
        must(false);
}
CHILD_TEST(test_exec_signals)

static void test_exec_failures(void **state)
{
        char *top = temp_dir(), *script = program(top, "broken", 0755), *plain = program(top, "plain", 0644);
        const char *const none[] = { NULL }, *const missing[] = { "no-such-program", NULL },
                          *broken[] = { script, NULL }, *not_x[] = { plain, NULL };
        struct ec_err err = { 0 };
        sigset_t before, after;

        (void)state;
        sigprocmask(SIG_BLOCK, NULL, &before);
        assert_int_equal(proc_exec(none, NULL, &err), -EINVAL);
        assert_err(&err, -EINVAL, "no program");
        assert_int_equal(proc_exec(missing, NULL, &err), -ENOENT);
        assert_err(&err, -ENOENT, "program 'no-such-program' not found in PATH");
        assert_int_equal(fs_write_atomic(script, "#!/no/such/interpreter\n", 23, 0755), 0);
        assert_int_equal(proc_exec(broken, NULL, &err), -ENOENT);
        assert_err(&err, -ENOENT, script);
        assert_int_equal(proc_exec(not_x, NULL, &err), -EACCES);
        assert_err(&err, -EACCES, plain);
        sigprocmask(SIG_BLOCK, NULL, &after);
        for (int sig = 1; sig < NSIG; sig++)
                assert_int_equal(sigismember(&before, sig), sigismember(&after, sig));
        assert_int_equal(fs_remove_tree(top, &err), 0);
        free(plain), free(script), free(top);
}

static void test_tell(void **state)
{
        static const char *const argv[] = { "/bin/x", "--a=b", "a b", "it's", "", "$HOME", NULL };
        struct capture c;
        char *got;

        (void)state;
        capture_begin(&c, STDERR_FILENO);
        proc_tell("running", argv);
        got = capture_end(&c);
        assert_string_equal(got, "");
        free(got);
        log_set_level(LOG_DEBUG);
        capture_begin(&c, STDERR_FILENO);
        proc_tell("running", argv);
        proc_tell("nothing", NULL);
        got = capture_end(&c);
        log_set_level(LOG_NOTICE);
        assert_string_equal(got, "running: /bin/x --a=b 'a b' 'it'\\''s' '' '$HOME'\n");
        free(got);
}

static void test_set(void **state)
{
        char **env = strv_split("A=1 B=2 AB=3 A=4", " "), *all;

        (void)state;
        assert_int_equal(env_set(&env, "A=5"), 0);
        assert_int_equal(env_set(&env, "C=6"), 0);
        assert_int_equal(env_set(&env, "B"), 0);
        assert_int_equal(env_set(&env, "none"), 0);
        assert_int_equal(env_set(&env, "=x"), 0);
        assert_int_equal(env_set(&env, ""), 0);
        all = strv_join(STRV_CONST(env), " ");
        assert_string_equal(all, "A=5 AB=3 C=6");
        free(all);
        strv_free(env);
        env = NULL;
        assert_int_equal(env_set(&env, "A"), 0);
        assert_null(env);
        assert_int_equal(env_set(&env, "A=1"), 0);
        assert_string_equal(env[0], "A=1");
        strv_free(env);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_inherits),      cmocka_unit_test(test_last_value_wins),
                cmocka_unit_test(test_dangerous),     cmocka_unit_test(test_find),
                cmocka_unit_test(test_exec),          cmocka_unit_test(test_exec_signals),
                cmocka_unit_test(test_exec_failures), cmocka_unit_test(test_tell),
                cmocka_unit_test(test_set),
        };
        return cmocka_run_group_tests_name("proc_env", tests, NULL, NULL);
}
