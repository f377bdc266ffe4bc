/* SPDX-License-Identifier: MIT */
/* Tests the Nix command lines for a definition, with stub programs in place of Nix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "model/definition/evaluation.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "svc/process/interrupt.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

#define HASH      "3sd60ih5rjklrmxr7w30vsdfksn55vlx"
#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static char top[] = "/tmp/evaluation-XXXXXX";

static char *in_top(const char *name)
{
        char *p = fs_join(top, name);

        assert_non_null(p);
        return p;
}

static void put(const char *name, const char *text, mode_t mode)
{
        char *p = in_top(name), *slash = strrchr(p, '/');

        *slash = '\0';
        assert_true(fs_mkdir_p(p, 0755) >= 0);
        *slash = '/';
        assert_int_equal(fs_write_atomic(p, text, strlen(text), mode), 0);
        free(p);
}

static char *get(const char *name)
{
        char *p = in_top(name), *text = NULL;

        if (fs_read(p, 1 << 20, &text, NULL) < 0)
                text = strdup("");
        free(p);
        return text;
}

static void has(const char *file, const char *words)
{
        char *text = get(file), *with = str_printf("\n%s", text), *wanted = str_printf("\n%s\n", words);

        if (!strstr(with, wanted))
                fail_msg("no '%s' in:\n%s", words, text);
        free(text);
        free(with);
        free(wanted);
}

static void lacks(const char *file, const char *text)
{
        char *all = get(file);

        assert_null(strstr(all, text));
        free(all);
}

/* The stub records its arguments and environment, runs NAME.do and creates the requested gc root. */
static void stub(const char *name)
{
        char *script = str_printf("#!/bin/sh\nD=%s\nN=%s\n[ $N != nix ] || N=nix-$1\n"
                                  "for a; do printf '%%s\\n' \"$a\"; done >$D/$N.args\nenv >$D/$N.env\n"
                                  "root=\nprev=\nfor a; do\n        case $prev in --add-root | --out-link) root=$a ;; "
                                  "esac\n        prev=$a\ndone\n"
                                  ". $D/$N.do\n[ -z \"$root\" ] || ln -s $D/store/" HASH "-out \"$root\"\n",
                                  top, name);
        char *bin = str_printf("bin/%s", name), *todo = str_printf("%s.do", name);

        put(bin, script, 0755);
        put(todo, "", 0644);
        free(script);
        free(bin);
        free(todo);
}

static int group_setup(void **state)
{
        char *bin, *path, *dir;

        (void)state;
        if (!mkdtemp(top) || interrupt_init() < 0)
                return -1;
        bin = in_top("bin");
        path = str_printf("%s:%s", bin, getenv("PATH"));
        setenv("PATH", path, 1);
        dir = in_top("store");
        setenv("NIX_STORE_DIR", dir, 1);
        free(dir);
        dir = in_top("conf");
        setenv("NIX_CONF_DIR", dir, 1);
        setenv("NIX_USER_CONF_FILES", "", 1);
        setenv("NIX_STATE_DIR", top, 1);
        setenv("NIXOS_CONFIG", "/etc/nixos/other.nix", 1);
        setenv("TMPDIR", top, 1);
        unsetenv("NIX_CONFIG");
        unsetenv("LOCALE_ARCHIVE");
        free(dir);
        free(bin);
        free(path);
        put("plugins/other/feature.json", "{ \"feature\": \"other\", \"nixOptions\": [\"extra.enableWAN\"] }", 0644);
        put("data/nix/eval-config.nix", "", 0644);
        put("store/" HASH "-source/flake.nix", "{ }", 0644);
        put("nix-build.do", "", 0644);
        put("nix-flake.do",
            "echo \"{\\\"path\\\":\\\"$D/store/" HASH "-source\\\",\\\"locks\\\":{},\\\"resolved\\\":{\\\"type\\\":"
            "\\\"path\\\",\\\"path\\\":\\\"/my/tree\\\"}}\"\n",
            0644);
        stub("nix");
        stub("nix-store");
        return 0;
}

static int group_teardown(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        return fs_remove_tree(top, &err);
}

/* ---- an operation with one plugin ------------------------------------------ */

static int eval(void *self, struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        int (*fn)(struct ec_eval * ev, struct ec_err * err) = self;

        (void)op;
        return fn ? fn(ev, err) : 0;
}

static const struct ec_hooks hooks = { .size = sizeof(hooks), .eval = eval };
static const struct ec_plugin plugin = { .name = "one", .hooks = &hooks };
static const struct ec_option options[] = {
        { .name = "attr", .arg = EC_ARG_ONE },
        { .name = "nixpkgs-path", .arg = EC_ARG_ONE },
        { .name = "nixos-path", .arg = EC_ARG_ONE },
        { .name = "build-args", .arg = EC_ARG_REST },
        { .name = "show-trace" },
};
static const struct ec_command command = { .name = "create" };

static struct ec_op op;
static struct layout layout;
static struct registry registry;
static const char *plugin_dirs[2];
static struct definition def;

static int begin(void **state)
{
        (void)state;
        op = (struct ec_op)OP_INIT;
        op.command = &command;
        op.layout = &layout;
        op.registry = &registry;
        layout = (struct layout){ .data = in_top("data"), .run_state = in_top("run"), .tmp = in_top("run/tmp") };
        registry = (struct registry){ .plugins = calloc(1, sizeof(*registry.plugins)), .n = 1 };
        registry.plugins[0].plugin = &plugin;
        plugin_dirs[0] = in_top("plugins");
        registry.plugin_dirs = plugin_dirs;
        def = (struct definition){ .kind = DEFINITION_FILE,
                                   .path = strdup("/dir/web \"1\".nix"),
                                   .display = strdup("web \"1\".nix") };
        stub("nix-instantiate");
        return 0;
}

static int end(void **state)
{
        (void)state;
        op_done(&op);
        free((char *)plugin_dirs[0]);
        free(layout.data);
        free(layout.run_state);
        free(layout.tmp);
        registry_done(&registry);
        definition_done(&def);
        return 0;
}

static void parse(const char *const *words)
{
        struct option_set set = { 0 };
        struct ec_err err = { 0 };

        for (size_t i = 0; i < ARRAY_SIZE(options); i++)
                assert_int_equal(option_set_add(&set, &options[i], NULL, true), 0);
        if (options_parse(&set, &command, words, &op.options, &err) < 0)
                fail_msg("%s", err_msg(&err));
        option_set_done(&set);
}

static struct ec_eval *evaluation(void)
{
        struct ec_err err = { 0 };
        struct ec_eval *ev = NULL;

        if (evaluation_new(&op, &def, &ev, &err) < 0)
                fail_msg("%s", err_msg(&err));
        return ev;
}

static void build(struct ec_eval *ev)
{
        struct ec_err err = { 0 };
        char *out = NULL;

        if (evaluation_build(ev, &out, &err) < 0)
                fail_msg("%s", err_msg(&err));
        assert_non_null(strstr(out, HASH "-out"));
        free(out);
        evaluation_free(ev);
}

/* ---- the tests --------------------------------------------------------------- */

static int add_things(struct ec_eval *ev, struct ec_err *err)
{
        assert_int_equal(evaluation_add_module(ev, "/m/b.nix", err), 0);
        assert_int_equal(evaluation_add_module(ev, "/m/\"a\".nix", err), 0);
        assert_int_equal(evaluation_add_arg(ev, "sshKey", "ssh-ed25519 \"x\"\n", err), 0);
        assert_int_equal(evaluation_setenv(ev, "LOCALE_ARCHIVE", "/l a", err), 0);
        return evaluation_add_build_arg(ev, "--keep-failed", err);
}

static void test_file(void **state)
{
        char *cwd = getcwd(NULL, 0), *text;
        struct utsname u;

        (void)state;
        assert_int_equal(uname(&u), 0);
        put("nix-instantiate.do", "echo x", 0644);
        def.names = strv_copy(ARGS("web", "db"));
        registry.plugins[0].self = add_things;
        parse(ARGS("--attr", "a.b", "--nixpkgs-path", "<foo>", "--nixos-path", "/n", "--build-args", "--impure"));
        build(evaluation());
        text = str_printf("%s/data/nix/eval-config.nix\n-A\netc", top);
        has("nix-instantiate.args", text);
        free(text);
        has("nix-instantiate.args", "--argstr\ndefinitionFile\n/dir/web \"1\".nix");
        lacks("nix-instantiate.args", "definitionName");
        has("nix-instantiate.args", "--argstr\nattr\na.b");
        has("nix-instantiate.args", "--argstr\nnames\n[\"web\",\"db\"]");
        has("nix-instantiate.args", "--arg\nnixpkgsPath\n<foo>");
        has("nix-instantiate.args", "--arg\nnixosPath\n/n");
        has("nix-instantiate.args", "--argstr\nmodules\n[\"/m/b.nix\",\"/m/\\\"a\\\".nix\"]");
        has("nix-instantiate.args", "--argstr\nargs\n{\"sshKey\":\"ssh-ed25519 \\\"x\\\"\\n\"}");
        has("nix-instantiate.args", "--argstr\ndisabled\n{\"extra.enableWAN\":\"other\"}");
        has("nix-instantiate.args", "--keep-failed\n--impure");
        lacks("nix-instantiate.args", "legacyInstallDirs");
        lacks("nix-instantiate.env", "NIXOS_CONFIG");
        has("nix-instantiate.env", "LOCALE_ARCHIVE=/l a");
        text = str_printf("--argstr\nkernelVersion\n%s", u.release);
        has("nix-instantiate.args", text);
        free(text);
        text = str_printf("-I\npwd=%s", cwd);
        has("nix-instantiate.args", text);
        free(text);
        free(cwd);
}

static void test_text(void **state)
{
        struct ec_eval *ev;
        struct ec_err err = { 0 };
        char *out = NULL;

        (void)state;
        free(def.path);
        free(def.display);
        def.kind = DEFINITION_TEXT;
        def.path = strdup("/private/definition.nix");
        def.display = strdup("(standard input)");
        layout.legacy = true;
        ev = evaluation();
        assert_false(evaluation_is_prebuilt(ev));
        put("nix-instantiate.do",
            "echo '@nix {\"action\":\"msg\",\"level\":0,\"raw_msg\":\"no\",\"file\":\"/private/definition.nix\","
            "\"line\":3,\"column\":5}' >&2; exit 1",
            0644);
        assert_int_equal(evaluation_build(ev, &out, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "no\n  at (standard input):3:5");
        has("nix-instantiate.args", "--argstr\ndefinitionFile\n/private/definition.nix");
        has("nix-instantiate.args", "--argstr\ndefinitionName\n(standard input)");
        has("nix-instantiate.args", "--argstr\nlegacyInstallDirs\n1");
        lacks("nix-instantiate.args", "nixpkgsPath");
        lacks("nix-instantiate.args", "\nnames\n");
        lacks("nix-instantiate.args", "\nmodules\n");
        err_done(&err);
        evaluation_free(ev);
}

static void test_names(void **state)
{
        struct ec_eval *ev = evaluation();
        struct ec_err err = { 0 };
        char **names = NULL, *text;

        (void)state;
        put("nix-instantiate.do", "echo '[\"web\",\"db\"]'", 0644);
        assert_int_equal(evaluation_names(ev, &names, &err), 0);
        has("nix-instantiate.args", "-A\nnames");
        text = strv_join(STRV_CONST(names), " ");
        assert_string_equal(text, "web db");
        free(text);
        strv_free(names);
        names = NULL;
        put("nix-instantiate.do", "echo '{}'", 0644);
        assert_int_equal(evaluation_names(ev, &names, &err), -EBADMSG);
        assert_string_equal(err_msg(&err), "the evaluation did not return a list of containers: {}\n");
        assert_null(names);
        err_done(&err);
        evaluation_free(ev);
}

static void use_flake(const char *ref, const char *dir)
{
        free(def.path);
        free(def.display);
        def.kind = DEFINITION_FLAKE;
        def.path = strdup(ref);
        def.dir = dir ? strdup(dir) : NULL;
        def.attr = strdup("web");
        def.display = strdup(".#web");
}

static void test_flake(void **state)
{
        struct ec_eval *ev;

        (void)state;
        use_flake(".", top);
        parse(ARGS("--build-args", "--override-input", "nixpkgs", "path:/n"));
        put("nix-instantiate.do", "echo '{}'", 0644);
        ev = evaluation();
        assert_false(evaluation_is_prebuilt(ev) || evaluation_is_fixed(ev));
        has("nix-flake.args", "--override-input\nnixpkgs\npath:/n\n--\n.");
        has("nix-instantiate.args", "-A\nflake");
        put("nix-instantiate.do", "echo x", 0644);
        build(ev);
        has("nix-instantiate.args", "-A\netc");
        has("nix-instantiate.args", "--argstr\nflakeAttr\nweb");
        has("nix-instantiate.args", "--argstr\ndefinitionName\n.#web");
        has("nix-instantiate.args", "--extra-experimental-features\nflakes");
        lacks("nix-instantiate.args", "definitionFile");
}

static void test_flake_names(void **state)
{
        struct ec_err err = { 0 };
        struct ec_eval *ev;
        char *out = NULL;

        (void)state;
        use_flake(".", top);
        put("nix-instantiate.do", "echo '{}'", 0644);
        ev = evaluation();
        /* Positions in the store are shown in the user's source tree, or without one, with the flake reference. */
        put("nix-instantiate.do",
            "echo \"@nix "
            "{\\\"action\\\":\\\"msg\\\",\\\"level\\\":0,\\\"raw_msg\\\":\\\"no\\\",\\\"file\\\":\\\"$D/store/" HASH
            "-source/a.nix\\\",\\\"line\\\":3,\\\"column\\\":5}\" >&2; exit 1",
            0644);
        assert_int_equal(evaluation_build(ev, &out, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "no\n  at /my/tree/a.nix:3:5");
        err_done(&err);
        put("nix-instantiate.do", "echo '@nix {\"action\":\"msg\",\"level\":0,\"raw_msg\":\"no\"}' >&2; exit 1", 0644);
        assert_int_equal(evaluation_build(ev, &out, &err), -EINVAL);
        assert_string_equal(err_msg(&err), ".#web: no");
        err_done(&err);
        evaluation_free(ev);
}

static void test_prebuilt(void **state)
{
        struct ec_eval *ev;

        (void)state;
        use_flake("github:a/b", NULL);
        put("nix-instantiate.do", "echo '{\"build\":\"packages.x.web\"}'", 0644);
        ev = evaluation();
        assert_true(evaluation_is_prebuilt(ev) && evaluation_is_fixed(ev));
        build(ev);
        has("nix-build.args", "--max-jobs\nauto\n--\ngithub:a/b#packages.x.web");
}

static void test_configuration(void **state)
{
        struct ec_eval *ev;

        (void)state;
        use_flake("github:a/b", NULL);
        put("nix-instantiate.do", "echo '{\"configuration\":true}'", 0644);
        ev = evaluation();
        assert_true(!evaluation_is_prebuilt(ev) && evaluation_is_fixed(ev));
        put("nix-instantiate.do", "echo x", 0644);
        build(ev);
        has("nix-instantiate.args", "-A\netc");
}

/* ---- invalid input ---------------------------------------------------------------- */

static const char *const bad_names[] = { "",    "1a",   "-a", "'a", "a.b", "a b",     "a\n",      "\303\244",
                                         "let", "with", "if", "in", "rec", "inherit", "settings", NULL };

static int add_bad(struct ec_eval *ev, struct ec_err *err)
{
        assert_int_equal(evaluation_add_module(ev, "m.nix", err), -EINVAL);
        assert_int_equal(evaluation_add_module(ev, "/\377", err), -EINVAL);
        assert_int_equal(evaluation_add_arg(ev, "a", "\377", err), -EINVAL);
        for (const char *const *name = bad_names; *name; name++)
                assert_int_equal(evaluation_add_arg(ev, *name, "x", err), -EINVAL);
        assert_int_equal(evaluation_setenv(ev, "", "x", err), -EINVAL);
        return evaluation_setenv(ev, "a=b", "x", err);
}

static int add_twice(struct ec_eval *ev, struct ec_err *err)
{
        const char *const good[] = { "a", "_", "a1", "A-b'_2", "setting", "letter", NULL };

        for (const char *const *name = good; *name; name++)
                assert_int_equal(evaluation_add_arg(ev, *name, "x", err), 0);
        return evaluation_add_arg(ev, "A-b'_2", "y", err);
}

static void test_clash(void **state)
{
        struct ec_err err = { 0 };
        struct ec_eval *ev = NULL;

        (void)state;
        registry.plugins[0].self = add_twice;
        assert_int_equal(evaluation_new(&op, &def, &ev, &err), -EEXIST);
        assert_non_null(strstr(err_msg(&err), "argument 'A-b'_2' of feature modules is already set"));
        assert_null(ev);
        err_done(&err);
}

/* Root does not evaluate what another user can change. */
static void test_untrusted_data(void **state)
{
        char *file = in_top("data/nix/eval-config.nix");
        struct ec_err err = { 0 };
        struct ec_eval *ev = NULL;

        (void)state;
        if (geteuid() == 0) {
                assert_int_equal(chown(file, 65534, 0), 0);
                assert_int_equal(evaluation_new(&op, &def, &ev, &err), -EPERM);
                assert_non_null(strstr(err_msg(&err), "data/nix/eval-config.nix' belongs to user 65534, not to root"));
                assert_null(ev);
                assert_int_equal(chown(file, 0, 0), 0);
                err_done(&err);
        }
        free(file);
}

static void test_refused(void **state)
{
        struct ec_err err = { 0 };
        struct ec_eval *ev = NULL;

        (void)state;
        registry.plugins[0].self = add_bad;
        assert_int_equal(evaluation_new(&op, &def, &ev, &err), -EINVAL);
        assert_non_null(strstr(err_msg(&err), "'a=b' is not the name of an environment variable"));
        assert_null(ev);
        err_done(&err);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_file, begin, end),
                cmocka_unit_test_setup_teardown(test_text, begin, end),
                cmocka_unit_test_setup_teardown(test_names, begin, end),
                cmocka_unit_test_setup_teardown(test_flake, begin, end),
                cmocka_unit_test_setup_teardown(test_flake_names, begin, end),
                cmocka_unit_test_setup_teardown(test_prebuilt, begin, end),
                cmocka_unit_test_setup_teardown(test_configuration, begin, end),
                cmocka_unit_test_setup_teardown(test_refused, begin, end),
                cmocka_unit_test_setup_teardown(test_clash, begin, end),
                cmocka_unit_test_setup_teardown(test_untrusted_data, begin, end),
        };

        return cmocka_run_group_tests_name("evaluation", tests, group_setup, group_teardown);
}
