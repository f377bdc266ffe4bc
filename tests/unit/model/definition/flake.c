/* SPDX-License-Identifier: MIT */
/* Tests flakes with stub programs in place of Nix and git. */
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
#include <unistd.h>

#include "model/definition/flake.h"
#include "svc/nix/nix.h"
#include "svc/process/interrupt.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

#define HASH "3sd60ih5rjklrmxr7w30vsdfksn55vlx"

static char dir[] = "/tmp/nix-flake-test-XXXXXX";
static char *tmp_dir, *store, *project;

static char *in_dir(const char *name)
{
        char *p = fs_join(dir, name);
        assert_non_null(p);
        return p;
}

static void put(const char *name, const char *text, mode_t mode)
{
        char *p = in_dir(name), *slash = strrchr(p, '/');
        *slash = '\0';
        assert_true(fs_mkdir_p(p, 0755) >= 0);
        *slash = '/';
        assert_int_equal(fs_write_atomic(p, text, strlen(text), mode), 0);
        free(p);
}

static char *get(const char *name)
{
        char *p = in_dir(name), *text = NULL;
        if (fs_read(p, 1 << 20, &text, NULL) < 0)
                text = strdup("");
        free(p);
        return text;
}

/* The stub records its arguments and working directory and runs NAME.do. */
static void stub(const char *name)
{
        char *script = str_printf("#!/bin/sh\nD=%s\nN=%s\n[ $N != nix ] || N=nix-$1\nfor a; do printf '%%s\\n' \"$a\"; "
                                  "done >$D/$N.args\npwd >$D/$N.cwd\n"
                                  "root=\nprev=\nfor a; do\n        case $prev in --add-root | --out-link) root=$a ;; "
                                  "esac\n        prev=$a\ndone\n"
                                  ". $D/$N.do\n[ -z \"$root\" ] || ln -s %s/" HASH "-out \"$root\"\n",
                                  dir, name, store);
        char *bin = str_printf("bin/%s", name);
        put(bin, script, 0755);
        free(script);
        free(bin);
}

static void answers(const char *name, const char *fmt, const char *value)
{
        char *file = str_printf("%s.do", name);
        char *text = str_printf(fmt, value);
        put(file, text, 0644);
        free(file);
        free(text);
}

static void known(void)
{
        char *text = str_printf("echo '{\"path\":\"%s/" HASH
                                "-source\",\"locks\":{},\"resolved\":{\"type\":\"path\",\"path\":\"%s\"}}'\n",
                                store, project);

        answers("nix-flake", "%s", text);
        free(text);
}

static int setup(void **state)
{
        (void)state;
        if (!mkdtemp(dir) || interrupt_init() < 0)
                return -1;
        char *bin = in_dir("bin"), *conf = in_dir("conf"), *path = str_printf("%s:%s", bin, getenv("PATH"));
        tmp_dir = in_dir("tmp");
        store = in_dir("store");
        project = in_dir("project");
        if (fs_mkdir_p(tmp_dir, 0700) < 0)
                return -1;
        setenv("PATH", path, 1);
        setenv("NIX_STORE_DIR", store, 1);
        setenv("NIX_STATE_DIR", dir, 1);
        setenv("NIX_CONF_DIR", conf, 1);
        setenv("NIX_USER_CONF_FILES", "", 1);
        unsetenv("NIX_CONFIG");
        unsetenv("SUDO_UID");
        put("project/flake.nix", "{ x = }\n", 0644);
        put("store/" HASH "-source/flake.nix", "{ x = }\n", 0644);
        put("nix-store.do", "", 0644);
        stub("nix");
        stub("nix-store");
        free(bin);
        free(conf);
        free(path);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        struct ec_err err = { 0 };
        free(tmp_dir);
        free(store);
        free(project);
        return fs_remove_tree(dir, &err);
}

/* Fetches the flake `ref`, relative to a directory, as "REF". */
static int fetch(const char *ref, const char *from, struct flake *ret, struct ec_err *err)
{
        struct nix n = { .tmp_dir = strdup(tmp_dir), .flakes = true };
        struct definition def = {
                .kind = DEFINITION_FLAKE,
                .path = (char *)ref,
                .dir = (char *)from,
                .attr = (char *)"web",
                .display = (char *)"REF",
        };
        int r = flake_fetch(&n, &def, ret, err);

        nix_done(&n);
        return r;
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

static void test_fetch(void **state)
{
        struct ec_err err = { 0 };
        struct flake f = { 0 };
        char *real = realpath(dir, NULL), *text;

        (void)state;
        known();
        assert_int_equal(fetch(".", project, &f, &err), 0);
        text = str_printf("%s/" HASH "-source", store);
        assert_string_equal(f.source, text);
        free(text);
        assert_string_equal(f.original, project);
        has("nix-flake.args", "flake\nmetadata\n--json\n--no-write-lock-file");
        has("nix-flake.args", "--\n.");
        text = str_printf("%s/project", real);
        has("nix-flake.cwd", text);
        free(text);
        text = get("tmp/flake.json");
        assert_non_null(strstr(text, "\"locks\":{}"));
        free(text);
        text = str_printf("%s/flake.json", tmp_dir);
        assert_string_equal(f.file, text);
        free(text);
        free(real);
        flake_done(&f);
}

/* Location of the user's source tree. */
static void original(const char *resolved, const char *path)
{
        char *text = str_printf("echo '{\"path\":\"%s/" HASH "-source\",\"locks\":{},\"resolved\":%s}'\n", store,
                                resolved);
        struct ec_err err = { 0 };
        struct flake f = { 0 };

        answers("nix-flake", "%s", text);
        assert_int_equal(fetch("x", NULL, &f, &err), 0);
        if (path)
                assert_string_equal(f.original, path);
        else
                assert_null(f.original);
        flake_done(&f);
        free(text);
}

static void test_original(void **state)
{
        (void)state;
        original("{\"type\":\"git\",\"url\":\"file:///a/b?ref=x\"}", "/a/b");
        original("{\"type\":\"git\",\"url\":\"https://a/b\"}", NULL);
        original("{\"type\":\"github\",\"owner\":\"a\"}", NULL);
        original("null", NULL);
}

static void fails(const char *ref, const char *from, const char *message, int code)
{
        struct ec_err err = { 0 };
        struct flake f = { 0 };

        assert_int_equal(fetch(ref, from, &f, &err), code);
        assert_string_equal(err_msg(&err), message);
        assert_null(f.source);
        err_done(&err);
}

static void works(const char *ref, const char *from)
{
        struct ec_err err = { 0 };
        struct flake f = { 0 };

        assert_int_equal(fetch(ref, from, &f, &err), 0);
        flake_done(&f);
}

static void test_failures(void **state)
{
        (void)state;
        char *text;
        /* A Nix without flakes reports that itself. */
        put("nix-flake.do", "echo \"error: 'flake' is not a recognised command\" >&2; exit 1\n", 0644);
        fails(".", project, "'REF': nix failed with exit status 1", -EIO);
        put("nix-flake.do", "echo '@nix {\"action\":\"msg\",\"level\":0,\"raw_msg\":\"no registry\"}' >&2; exit 1\n",
            0644);
        fails("x", NULL, "'REF': no registry", -EINVAL);
        put("nix-flake.do", "echo '{}'\n", 0644);
        fails(".", project, "'REF': Nix did not say where this flake is: {}\n", -EBADMSG);
        put("nix-flake.do", "echo nonsense\n", 0644);
        fails(".", project, "'REF': Nix did not say where this flake is: nonsense\n", -EBADMSG);

        /* The copy in the store is reported under its original's name, but only paths inside that copy. */
        text = str_printf("echo '@nix {\"action\":\"msg\",\"level\":0,\"raw_msg\":\"bad at %s/" HASH
                          "-source/flake.nix:1:7\"}' >&2; exit 1\n",
                          store);
        put("nix-flake.do", text, 0644);
        free(text);
        text = str_printf("'REF': bad at %s/flake.nix:1:7", project);
        fails(".", project, text, -EINVAL);
        free(text);
        put("project/flake.nix", "{ y = }\n", 0644);
        text = str_printf("'REF': bad at %s/" HASH "-source/flake.nix:1:7", store);
        fails(".", project, text, -EINVAL);
        free(text);

        /* Git does not track the file. */
        put("project/.git/config", "", 0644);
        put("nix-flake.do",
            "echo \"@nix {\\\"action\\\":\\\"msg\\\",\\\"level\\\":0,\\\"raw_msg\\\":\\\"getting status of "
            "'/x/flake.nix': No such file or directory\\\"}\" >&2; exit 1\n",
            0644);
        fails(".", project,
              "'REF': Nix does not see flake.nix; git does not track it, and Nix reads only tracked files of a "
              "repository: "
              "git "
              "add flake.nix",
              -EINVAL);
}

static void test_owner(void **state)
{
        (void)state;
        if (geteuid())
                skip(); /* only root can create files of other users */
        char *git = in_dir("project/.git"), *sub = in_dir("project/sub"), *text,
             *url = str_printf("git+file://%s?ref=x", project);
        assert_int_equal(fs_mkdir_p(git, 0755) < 0, 0);
        assert_int_equal(fs_mkdir_p(sub, 0755) < 0, 0);
        assert_int_equal(chown(project, 7654, 7654), 0);
        known();
        put("bin/git", "#!/bin/sh\nexit 128\n", 0755);
        text = str_printf("'REF': git does not read '%s', because it belongs to another user: run this as its "
                          "owner, write the reference as path:, or set git's safe.directory",
                          project);
        fails(".", project, text, -EPERM);
        fails(".", sub, text, -EPERM);
        fails(url, NULL, text, -EPERM);
        free(text);

        /* Accepted: run through sudo by the owner, git's safe.directory, and path: references. */
        setenv("SUDO_UID", "7654", 1);
        works(".", project);
        unsetenv("SUDO_UID");
        put("bin/git", "#!/bin/sh\nexit 0\n", 0755);
        works(".", project);
        put("bin/git", "#!/bin/sh\nexit 128\n", 0755);
        text = str_printf("path:%s", project);
        works(text, NULL);
        free(text);
        free(url);
        free(git);
        free(sub);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fetch),
                cmocka_unit_test(test_original),
                cmocka_unit_test(test_failures),
                cmocka_unit_test(test_owner),
        };
        return cmocka_run_group_tests_name("flake", tests, setup, teardown);
}
