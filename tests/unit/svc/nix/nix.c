/* SPDX-License-Identifier: MIT */
/* Stub programs replace Nix; the last tests use the real one if it is installed. */
#include "nix_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "svc/nix/nix.h"
#include "svc/nix/store.h"
#include "svc/process/interrupt.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

#define HASH "3sd60ih5rjklrmxr7w30vsdfksn55vlx"

static char dir[] = "/tmp/nix-test-XXXXXX";
static char *tmp_dir, *path_before;

static char *in_dir(const char *name)
{
        char *p = fs_join(dir, name);
        assert_non_null(p);
        return p;
}

static void write_in_dir(const char *name, const char *text, mode_t mode)
{
        char *p = in_dir(name);
        assert_int_equal(fs_write_atomic(p, text, strlen(text), mode), 0);
        free(p);
}

static char *read_in_dir(const char *name)
{
        char *p = in_dir(name), *text = NULL;
        if (fs_read(p, 1 << 20, &text, NULL) < 0)
                text = strdup("");
        free(p);
        return text;
}

/* Writes its arguments to NAME.args, runs NAME.do, and creates the requested gc root. */
static void stub(const char *name)
{
        char *script = str_printf(
                "#!/bin/sh\nD=%s\nN=%s\nfor a; do printf '%%s\\n' \"$a\"; done >$D/$N.args\nenv >$D/$N.env\n"
                "root=\nprev=\nfor a; do\n        case $prev in --add-root | --out-link) root=$a ;; esac\n        "
                "prev=$a\ndone\n"
                "OUT=/nix/store/" HASH "-out\n. $D/$N.do\n"
                "[ -z \"$root\" ] || { ln -s \"$OUT\" \"$root\"; echo \"$root\"; }\n",
                dir, name);
        char *bin = str_printf("bin/%s", name), *todo = str_printf("%s.do", name);
        write_in_dir(bin, script, 0755);
        write_in_dir(todo, "", 0644);
        free(script);
        free(bin);
        free(todo);
}

static int setup(void **state)
{
        (void)state;
        if (!mkdtemp(dir) || interrupt_init() < 0)
                return -1;
        path_before = strdup(getenv("PATH"));
        char *bin = in_dir("bin"), *conf = in_dir("conf");
        tmp_dir = in_dir("tmp dir");
        if (fs_mkdir_p(bin, 0755) < 0 || fs_mkdir_p(tmp_dir, 0700) < 0)
                return -1;
        setenv("NIX_CONF_DIR", conf, 1);
        setenv("NIX_USER_CONF_FILES", "", 1);
        setenv("NIXOS_CONFIG", "/etc/nixos/other.nix", 1);
        unsetenv("NIX_CONFIG");
        unsetenv("NIX_STORE_DIR");
        free(bin);
        free(conf);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        struct ec_err err = { 0 };
        free(tmp_dir);
        free(path_before);
        return fs_remove_tree(dir, &err);
}

static int stubs(void **state)
{
        (void)state;
        char *bin = in_dir("bin"), *path = str_printf("%s:%s", bin, path_before);
        setenv("PATH", path, 1);
        free(path);
        free(bin);
        stub("nix-instantiate");
        stub("nix-store");
        stub("nix-build");
        stub("nix");
        return 0;
}

static struct nix new_nix(const char *const *build_args)
{
        struct nix n = { .tmp_dir = strdup(tmp_dir), .build_args = strv_copy(build_args) };

        assert_non_null(n.tmp_dir);
        return n;
}

static const struct nix_expr expr = {
        .file = "/data/eval config.nix",
        .attr = "etc",
        .args = (const char *const[]){ "--argstr", "file", "/dir/web \"1\".nix", "-I", "pwd=/a:b c", NULL },
        .what = "evaluating web.nix",
};
#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void has_words(const char *file, const char *words)
{
        char *text = read_in_dir(file);
        char *with = str_printf("\n%s", text), *wanted = str_printf("\n%s\n", words);
        if (!strstr(with, wanted))
                fail_msg("no '%s' in:\n%s", words, text);
        free(text);
        free(with);
        free(wanted);
}

static void lacks(const char *file, const char *text)
{
        char *all = read_in_dir(file);
        assert_null(strstr(all, text));
        free(all);
}

static void test_arguments(void **state)
{
        struct nix n = new_nix(ARGS("--keep-failed", "--impure", "--check"));
        struct ec_err err = { 0 };
        char *out = NULL;

        (void)state;
        assert_int_equal(strv_push(&n.env, "NIXOS_CONFIG"), 0);
        assert_int_equal(strv_push(&n.env, "LOCALE_ARCHIVE=/l a"), 0);
        assert_int_equal(nix_build(&n, &expr, &out, &err), 0);
        assert_string_equal(out, "/nix/store/" HASH "-out");

        has_words("nix-instantiate.args", "/data/eval config.nix\n-A\netc\n--argstr\nfile\n/dir/web \"1\".nix");
        has_words("nix-instantiate.args", "-I\npwd=/a:b c");
        has_words("nix-instantiate.args", "--log-format\ninternal-json\n--show-trace");
        has_words("nix-instantiate.args", "--keep-failed\n--impure");
        has_words("nix-instantiate.args", "-j\nauto");
        lacks("nix-instantiate.args", "--check");
        lacks("nix-instantiate.args", "flakes");
        lacks("nix-instantiate.env", "NIXOS_CONFIG");
        has_words("nix-instantiate.env", "LOCALE_ARCHIVE=/l a");

        has_words("nix-store.args", "--keep-failed\n--check");
        has_words("nix-store.args", "-j\nauto");
        lacks("nix-store.args", "--impure");
        lacks("nix-store.args", "--argstr");
        lacks("nix-store.env", "NIXOS_CONFIG");
        free(out);
        nix_done(&n);
}

static void test_own_values_win(void **state)
{
        struct nix n = new_nix(ARGS("-j1", "--log-format", "bar"));
        struct ec_err err = { 0 };
        char *out = NULL;

        (void)state;
        assert_int_equal(nix_build(&n, &expr, &out, &err), 0);
        has_words("nix-store.args", "-j\n1");
        has_words("nix-store.args", "--log-format\nbar");
        lacks("nix-store.args", "auto");
        lacks("nix-store.args", "internal-json");
        free(out);
        nix_done(&n);
}

static void refuses(const char *const *build_args, const char *message)
{
        struct nix n = new_nix(build_args);
        struct ec_err err = { 0 };
        char *out = NULL;

        assert_int_equal(nix_build(&n, &expr, &out, &err), -EINVAL);
        assert_string_equal(err_msg(&err), message);
        assert_true(err.usage);
        assert_null(out);
        err_done(&err);
        nix_done(&n);
}

static void test_refused_input(void **state)
{
        (void)state;
        refuses(ARGS("file.nix"), "--build-args: 'file.nix' is not an option; give the definition before --build-args");
        refuses(ARGS("--override-input", "nixpkgs", "path:/n"),
                "--build-args: option '--override-input' is only for flake references");
}

static void test_unknown_option(void **state)
{
        struct nix n = new_nix(ARGS("--new-thing", "value"));
        char *out = NULL, *old = in_dir("nix-store.args");
        struct ec_err err = { 0 };

        (void)state;
        unlink(old);
        assert_int_equal(nix_build(&n, &expr, &out, &err), 0);
        assert_string_equal(out, "/nix/store/" HASH "-out");
        has_words("nix-build.args", "--new-thing\nvalue");
        has_words("nix-build.args", "-A\netc");
        assert_int_equal(access(old, F_OK), -1);
        free(old);
        free(out);
        nix_done(&n);
}

static void test_new_program(void **state)
{
        struct nix n = new_nix(ARGS("--override-input", "nixpkgs", "path:/n", "-k"));
        struct ec_err err = { 0 };
        char *out = NULL;

        (void)state;
        n.flakes = true;
        write_in_dir("nix.do", "echo '{}'", 0644);
        assert_int_equal(nix_flake_metadata(&n, ".?dir=x", dir, "fetching .", &out, &err), 0);
        assert_string_equal(out, "{}\n");
        free(out);
        has_words("nix.args", "flake\nmetadata\n--json\n--no-write-lock-file\n--extra-experimental-features\n"
                              "nix-command flakes\n--log-format\ninternal-json\n--show-trace\n"
                              "--override-input\nnixpkgs\npath:/n\n--\n.?dir=x");
        write_in_dir("nix.do", "pwd > $D/nix.cwd", 0644);
        assert_int_equal(nix_build_installable(&n, ".#web", dir, &out, &err), 0);
        assert_string_equal(out, "/nix/store/" HASH "-out");
        free(out);
        has_words("nix.args", "--max-jobs\nauto\n--override-input\nnixpkgs\npath:/n\n--keep-going\n--\n.#web");
        has_words("nix.cwd", dir);
        /* An evaluation that uses flakes. */
        assert_int_equal(nix_eval_json(&n, &expr, &out, &err), 0);
        has_words("nix-instantiate.args", "--extra-experimental-features\nflakes");
        free(out);
        nix_done(&n);
}

static void fails(const char *message, int code)
{
        struct nix n = new_nix(NULL);
        struct ec_err err = { 0 };
        char *out = NULL;

        n.names = (struct nix_names){
                .files = ARGS("/dir/web.nix"),
                .names = ARGS("(standard input)"),
                .definition = "/dir/web.nix",
        };
        assert_int_equal(nix_build(&n, &expr, &out, &err), code);
        assert_string_equal(err_msg(&err), message);
        assert_null(out);
        err_done(&err);
        nix_done(&n);
}

static void test_failures(void **state)
{
        (void)state;
        write_in_dir("nix-instantiate.do",
                     "echo '@nix {\"action\":\"msg\",\"level\":0,\"raw_msg\":\"extra-container: /dir/web.nix is "
                     "bad\"}' >&2; exit 1",
                     0644);
        fails("(standard input) is bad", -EINVAL);
        write_in_dir("nix-instantiate.do",
                     "echo '@nix "
                     "{\"action\":\"msg\",\"level\":0,\"raw_msg\":\"no\",\"file\":\"/dir/"
                     "web.nix\",\"line\":3,\"column\":5}' >&2; exit 1",
                     0644);
        fails("no\n  at (standard input):3:5", -EINVAL);
        write_in_dir("nix-instantiate.do", "kill -9 $$", 0644);
        fails("nix-instantiate was killed by signal 9; perhaps the machine ran out of memory", -EIO);
        write_in_dir("nix-instantiate.do", "root=", 0644);
        fails("nix-instantiate ended without printing a whole path; run the command again", -EIO);
        write_in_dir("nix-instantiate.do", "echo one; echo two; root=", 0644);
        fails("attribute 'etc' is not a single derivation", -EINVAL);
        write_in_dir("nix-instantiate.do", "", 0644);
        write_in_dir("nix-store.do", "exit 3", 0644);
        fails("nix-store failed with exit status 3", -EIO);
        write_in_dir("nix-store.do", "OUT=/elsewhere", 0644);
        fails("nix-store returned '/elsewhere', which is not a store path", -EINVAL);
}

static void test_json(void **state)
{
        struct nix n = new_nix(NULL);
        struct ec_err err = { 0 };
        char *out = NULL;

        (void)state;
        write_in_dir("nix-instantiate.do", "echo '[\"web\"]'", 0644);
        assert_int_equal(nix_eval_json(&n, &expr, &out, &err), 0);
        assert_string_equal(out, "[\"web\"]\n");
        has_words("nix-instantiate.args", "--eval\n--strict\n--json");
        lacks("nix-instantiate.args", "--add-root");
        free(out);
        nix_done(&n);
}

static void test_not_installed(void **state)
{
        (void)state;
        if (!access("/nix/var/nix/profiles/default/bin/nix-instantiate", X_OK) ||
            !access("/run/current-system/sw/bin/nix-instantiate", X_OK))
                skip();
        char *with = strdup(getenv("PATH"));
        setenv("PATH", "/nonexistent", 1);
        fails("Nix is not installed: 'nix-instantiate' is not in PATH", -ENOENT);
        setenv("PATH", with, 1);
        free(with);
}

static void test_tmp_dir_gone(void **state)
{
        struct nix n = { .tmp_dir = strdup("/nonexistent") };
        struct ec_err err = { 0 };
        char *out = NULL;

        (void)state;
        assert_int_equal(nix_build(&n, &expr, &out, &err), -ENOENT);
        assert_non_null(strstr(err_msg(&err), "/nonexistent"));
        err_done(&err);
        nix_done(&n);
}

static void test_interrupted(void **state)
{
        (void)state;
        /* The stub interrupts us like ^C, and would run for a long time. */
        char *script = str_printf("kill -INT %d; exec sleep 100", (int)getpid());
        write_in_dir("nix-instantiate.do", script, 0644);
        free(script);
        struct nix n = new_nix(NULL);
        struct ec_err err = { 0 };
        char *out = NULL;
        assert_int_equal(nix_build(&n, &expr, &out, &err), -ECANCELED);
        err_done(&err);
        nix_done(&n);
}

/* ---- real Nix ------------------------------------------------------------ */

static int real_nix(void **state)
{
        (void)state;
        setenv("PATH", path_before, 1);
        static const char *const places[][2] = {
                { "NIX_STORE_DIR", "store" },      { "NIX_STATE_DIR", "state" }, { "NIX_LOG_DIR", "log" },
                { "NIX_LOCALSTATE_DIR", "state" }, { "NIX_CONF_DIR", "conf" },
        };
        char *real = realpath(dir, NULL);
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
                char *p = fs_join(real, places[i][1]);
                setenv(places[i][0], p, 1);
                fs_mkdir_p(p, 0755);
                free(p);
        }
        free(real);
        unsetenv("NIX_REMOTE");
        unsetenv("NIX_PATH");
        write_in_dir("conf/nix.conf", "sandbox = false\nsubstitute = false\nbuild-users-group =\n", 0644);
        write_in_dir("eval.nix",
                     "{ definitionFile, ... }:\n"
                     "let\n"
                     "  make = name: script: derivation { inherit name; system = builtins.currentSystem; builder = "
                     "\"/bin/sh\"; args = [ \"-c\" script ]; };\n"
                     "in rec {\n"
                     "  etc = make \"etc\" \"echo hello > $out\";\n"
                     "  bad = make \"bad\" \"echo to the log; exit 7\";\n"
                     "  top = derivation { name = \"top\"; system = builtins.currentSystem; builder = \"/bin/sh\"; "
                     "inherit bad; };\n"
                     "  list = [ 1 ];\n"
                     "  definition = import (/. + definitionFile);\n"
                     "}\n",
                     0644);
        return 0;
}

/* Evaluates attribute attr of eval.nix, with a definition from standard input. */
struct real {
        struct nix nix;
        struct nix_expr expr;
        char *eval, *def;
        const char *files[2], *names[2], *args[4];
};

static void real_begin(struct real *x, const char *attr, const char *definition)
{
        *x = (struct real){ .nix = new_nix(NULL), .eval = in_dir("eval.nix"), .def = in_dir("def.nix") };
        if (definition)
                write_in_dir("def.nix", definition, 0644);
        x->files[0] = x->def;
        x->names[0] = "(standard input)";
        x->args[0] = "--argstr";
        x->args[1] = "definitionFile";
        x->args[2] = x->def;
        x->nix.names = (struct nix_names){ .files = x->files, .names = x->names, .definition = x->def };
        x->expr = (struct nix_expr){ .file = x->eval, .attr = attr, .args = x->args, .what = "evaluating" };
}

static void real_end(struct real *x)
{
        nix_done(&x->nix);
        free(x->eval);
        free(x->def);
}

static bool have_nix(void)
{
        struct ec_err err = { 0 };
        struct real x;
        char *out = NULL;
        bool have;

        real_begin(&x, "list", NULL);
        have = nix_eval_json(&x.nix, &x.expr, &out, &err) >= 0;
        free(out);
        err_done(&err);
        real_end(&x);
        return have;
}

static size_t entries(const char *name)
{
        char *command = in_dir(name);
        size_t n = 0;
        DIR *d = opendir(command);
        for (struct dirent *e; d && (e = readdir(d));)
                n += *e->d_name != '.';
        if (d)
                closedir(d);
        free(command);
        return n;
}

static void test_real_build(void **state)
{
        (void)state;
        if (!have_nix())
                skip();
        struct ec_err err = { 0 };
        struct real x;
        char *out = NULL, *text = NULL;
        real_begin(&x, "etc", NULL);
        int r = nix_build(&x.nix, &x.expr, &out, &err);
        assert_string_equal(err_msg(&err), "");
        assert_int_equal(r, 0);
        assert_true(nix_is_store_path(out));
        assert_int_equal(fs_read(out, 100, &text, NULL), 0);
        assert_string_equal(text, "hello\n");
        real_end(&x); /* the root is kept */
        assert_true(entries("state/gcroots/auto") > 0);

        assert_int_equal(nix_hold_path(out, tmp_dir, &err), 0);
        memcpy(strrchr(out, '/') + 1, "00000000000000000000000000000000", 32);
        assert_int_equal(nix_hold_path(out, tmp_dir, &err), -ENOENT);
        assert_non_null(strstr(err_msg(&err), "' is gone, perhaps because of a garbage collection; build it again"));
        err_done(&err);
        nix_forget_roots(tmp_dir);
        char *real = realpath(tmp_dir, NULL);
        nix_forget_roots(real);
        free(real);
        assert_int_equal(entries("state/gcroots/auto"), 0);
        free(text);
        free(out);
}

static void real_fails(const char *attr, const char *definition, const char *part, const char *not_part)
{
        struct ec_err err = { 0 };
        struct real x;
        char *out = NULL;

        real_begin(&x, attr, definition);
        assert_true(nix_build(&x.nix, &x.expr, &out, &err) < 0);
        if (!strstr(err_msg(&err), part) || (not_part && strstr(err_msg(&err), not_part)))
                fail_msg("%s", err_msg(&err));
        err_done(&err);
        real_end(&x);
}

static void test_real_failures(void **state)
{
        (void)state;
        if (!have_nix())
                skip();
        real_fails("bad", NULL, "-bad.drv' failed with exit code 7\n  its log:\n    to the log", "while evaluating");
        real_fails("top", NULL, "-bad.drv' failed with exit code 7\n  its log:\n    to the log", "dependenc");
        real_fails("definition", "{ hello = 1; }.helo",
                   "'helo' missing\nDid you mean hello?\n  at (standard input):1:1\n", NULL);
        real_fails("list", NULL, "derivation", "show-trace");
        real_fails("definition", "{ a = 1;\n  b = foo; }", "undefined variable 'foo'\n  at (standard input):2:7\n",
                   "def.nix");
        real_fails("definition", "{ a = ", "at (standard input):1:", "def.nix");
        real_fails("definition", "throw \"extra-container: said so\"", "said so", "extra-container");
        real_fails("definition", "throw \"users\"", "users", "show-trace");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_arguments, stubs),
                cmocka_unit_test_setup(test_own_values_win, stubs),
                cmocka_unit_test_setup(test_refused_input, stubs),
                cmocka_unit_test_setup(test_unknown_option, stubs),
                cmocka_unit_test_setup(test_new_program, stubs),
                cmocka_unit_test_setup(test_failures, stubs),
                cmocka_unit_test_setup(test_json, stubs),
                cmocka_unit_test_setup(test_not_installed, stubs),
                cmocka_unit_test_setup(test_tmp_dir_gone, stubs),
                cmocka_unit_test_setup(test_real_build, real_nix),
                cmocka_unit_test(test_real_failures),
                /* Last, because the interruption remains. */
                cmocka_unit_test_setup(test_interrupted, stubs),
        };
        return cmocka_run_group_tests_name("nix", tests, setup, teardown);
}
