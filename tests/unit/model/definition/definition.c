/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "model/definition/definition.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "svc/process/interrupt.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

#define HASH       "3sd60ih5rjklrmxr7w30vsdfksn55vlx"
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_WORDS   ((const char *const[]){ NULL })

static char dir[] = "/tmp/definition-XXXXXX", *top, *before, *store;
static struct layout layout;

static void put(const char *name, const char *text)
{
        char *path = fs_join(top, name), *slash = strrchr(path, '/');
        *slash = '\0';
        assert_true(fs_mkdir_p(path, 0755) >= 0);
        *slash = '/';
        assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644), 0);
        free(path);
}

static int setup(void **state)
{
        (void)state;
        before = getcwd(NULL, 0);
        if (!mkdtemp(dir) || !(top = realpath(dir, NULL)) || chdir(top) < 0 || interrupt_init() < 0)
                return -1;
        store = fs_join(top, "store");
        layout.run_state = fs_join(top, "run");
        layout.tmp = fs_join(top, "run/tmp");
        setenv("NIX_STORE_DIR", store, 1);
        setenv("TMPDIR", top, 1);
        unsetenv("EXTRA_CONTAINER_ETC");
        put("web.nix", "{ }");
        put("empty.nix", "");
        put("blank.nix", " \n\t\r\n");
        put("project/default.nix", "{ }");
        put("bare/other.nix", "{ }");
        put("flake/flake.nix", "{ }");
        put("flake/sub/x", "");
        put("both/flake.nix", "{ }");
        put("both/default.nix", "{ }");
        put("odd #1/flake.nix", "{ }");
        put("file#web", "{ }");
        put("store/" HASH "-etc/etc/systemd/system/container@demo.service", "x");
        put("store/" HASH "-template/etc/systemd/system/container@.service", "x");
        put("store/" HASH "-nothing/bin/x", "x");
        put("store/" HASH "-source/default.nix", "{ }");
        put("store/" HASH "-source/etc/x", "x");
        put("store/" HASH "-file.nix", "{ }");
        put("store/" HASH "-flake/flake.nix", "{ }");
        char *target = fs_join(store, HASH "-etc");
        int r = symlink(target, "result");
        free(target);
        return r;
}

static int teardown(void **state)
{
        (void)state;
        struct ec_err err = { 0 };
        int r = chdir(before);
        r |= fs_remove_tree(dir, &err);
        free(before);
        free(store);
        free(layout.run_state);
        free(layout.tmp);
        free(top);
        return r;
}

static const struct ec_option expr_option = { .name = "expr", .arg = EC_ARG_ONE, .short_name = 'E' };
static const struct ec_option attr_option = { .name = "attr", .arg = EC_ARG_ONE, .short_name = 'A' };
static const struct ec_command command = { .name = "create" };

static int parse(const char *const *words, struct ec_op *op, struct definition *d, struct ec_err *err)
{
        struct option_set set = { 0 };
        *op = (struct ec_op)OP_INIT;
        op->command = &command;
        op->layout = &layout;
        assert_int_equal(option_set_add(&set, &expr_option, NULL, true), 0);
        assert_int_equal(option_set_add(&set, &attr_option, NULL, true), 0);
        assert_int_equal(options_parse(&set, &command, words, &op->options, err), 0);
        option_set_done(&set);
        memset(d, 0, sizeof(*d));
        return definition_parse(op, d, err);
}

static void check(const char *const *words, enum definition_kind kind, const char *path, const char *display,
                  const char *names)
{
        struct ec_op op;
        struct definition d;
        struct ec_err err = { 0 };
        int r = parse(words, &op, &d, &err);
        if (r < 0)
                fail_msg("%s: %s", *words ? *words : "-", err_msg(&err));
        char *joined = strv_join(STRV_CONST(d.names), " ");
        char *full = path ? fs_join(top, path) : NULL;
        assert_int_equal(d.kind, kind);
        if (path)
                assert_string_equal(d.path, *path ? full : top);
        assert_string_equal(d.display, display);
        assert_string_equal(joined, names);
        free(joined);
        free(full);
        definition_done(&d);
        op_done(&op);
}

static void check_text(const char *const *words, const char *text, size_t len, const char *display)
{
        struct ec_op op;
        struct definition d;
        struct ec_err err = { 0 };
        struct stat st;
        char *got = NULL;
        size_t got_len;
        int r = parse(words, &op, &d, &err);
        if (r < 0)
                fail_msg("%s", err_msg(&err));
        assert_int_equal(d.kind, DEFINITION_TEXT);
        assert_string_equal(d.display, display);
        assert_int_equal(stat(d.path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(fs_read(d.path, 1 << 24, &got, &got_len), 0);
        assert_int_equal(got_len, len);
        assert_memory_equal(got, text, len);
        char *path = strdup(d.path);
        free(got);
        definition_done(&d);
        op_done(&op);
        assert_int_equal(access(path, F_OK), -1); /* removed when the operation ends */
        free(path);
}

static void refused(const char *const *words, const char *message, bool usage)
{
        struct ec_op op;
        struct definition d;
        struct ec_err err = { 0 };
        assert_true(parse(words, &op, &d, &err) < 0);
        if (!strstr(err_msg(&err), message))
                fail_msg("'%s' does not contain '%s'", err_msg(&err), message);
        assert_int_equal(err.usage, usage);
        assert_null(d.path);
        assert_null(d.names);
        err_done(&err);
        op_done(&op);
}

/* Makes stdin a pipe or a file with this text. */
static int give_stdin(const char *text, size_t len)
{
        int saved = dup(0);
        FILE *f = tmpfile();
        assert_int_equal(fwrite(text, 1, len, f), len);
        fflush(f);
        assert_int_equal(lseek(fileno(f), 0, SEEK_SET), 0);
        assert_int_equal(dup2(fileno(f), 0), 0);
        fclose(f);
        return saved;
}

static void restore_stdin(int saved)
{
        assert_int_equal(dup2(saved, 0), 0);
        close(saved);
}

static void test_files(void **state)
{
        (void)state;
        check(WORDS("web.nix"), DEFINITION_FILE, "web.nix", "web.nix", "");
        check(WORDS("./web.nix"), DEFINITION_FILE, "web.nix", "./web.nix", "");
        check(WORDS("bare/../web.nix"), DEFINITION_FILE, "bare/../web.nix", "bare/../web.nix", "");
        check(WORDS("project"), DEFINITION_FILE, "project", "project", "");
        check(WORDS("project/"), DEFINITION_FILE, "project", "project/", "");
        check(WORDS("web.nix", "db", "cache", "db"), DEFINITION_FILE, "web.nix", "web.nix", "db cache");
        assert_int_equal(chdir("project"), 0);
        check(WORDS("."), DEFINITION_FILE, "project", ".", "");
        check(WORDS("./"), DEFINITION_FILE, "project", "./", "");
        check(WORDS("../web.nix"), DEFINITION_FILE, "project/../web.nix", "../web.nix", "");
        assert_int_equal(chdir(".."), 0);
}

static void test_files_refused(void **state)
{
        (void)state;
        refused(WORDS("nowhere.nix"), "no such file: 'nowhere.nix'", false);
        refused(WORDS("web.nix/x"), "no such file: 'web.nix/x'", false);
        refused(WORDS("nowhere"), "'nowhere' is not a file; give the definition first", false);
        refused(WORDS("empty.nix"), "'empty.nix' is empty", false);
        refused(WORDS("blank.nix"), "'blank.nix' is empty", false);
        refused(WORDS("bare"), "directory 'bare' has no default.nix and no flake.nix", false);
        refused(WORDS(""), "path is empty", true);
        refused(WORDS("/dev/null"), "/dev/null is empty", false);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "sock" };
        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        refused(WORDS("sock"), "is a socket", false);
        close(fd);
        if (geteuid()) {
                put("secret.nix", "{ }");
                chmod("secret.nix", 0);
                refused(WORDS("secret.nix"), "cannot read definition 'secret.nix': Permission denied", false);
        }
}

static void test_two_definitions(void **state)
{
        (void)state;
        refused(WORDS("web.nix", "project/"), "two definitions were given: 'web.nix' and 'project/'", true);
        refused(WORDS("web.nix", "b.nix"), "two definitions", true);
        refused(WORDS("web.nix", "-"), "two definitions", true);
        refused(WORDS("-E", "{ }", "web.nix"), "two definitions were given: --expr and 'web.nix'", true);
        refused(WORDS("-E", "{ }", "-"), "two definitions", true);
        refused(WORDS("web.nix", "a_b"), "a_b", true);
        refused(WORDS("web.nix", ""), "", true);
}

static void test_text(void **state)
{
        (void)state;
        const char *text = "{ containers.a = { }; }";
        check_text(WORDS("-E", text), text, strlen(text), "(--expr)");
        check(WORDS("-E", text, "a", "b"), DEFINITION_TEXT, NULL, "(--expr)", "a b");
        refused(WORDS("-E", ""), "(--expr) is empty", false);
        refused(WORDS("-E", " \n"), "(--expr) is empty", false);
}

static void test_stdin(void **state)
{
        (void)state;
        size_t n = 5 << 20;
        char *big = malloc(n);
        assert_non_null(big);
        memset(big, 'x', n);
        for (int dash = 0; dash < 2; dash++) {
                int saved = give_stdin(big, n);
                check_text(dash ? WORDS("-") : NO_WORDS, big, n, "(standard input)");
                restore_stdin(saved);
                saved = give_stdin("", 0);
                refused(dash ? WORDS("-") : NO_WORDS, "(standard input) is empty", false);
                restore_stdin(saved);
        }
        int saved = give_stdin("{ }", 3);
        check(WORDS("-", "a"), DEFINITION_TEXT, NULL, "(standard input)", "a");
        restore_stdin(saved);
        saved = give_stdin("{ \0 }", 5);
        refused(WORDS("-"), "zero byte", false);
        restore_stdin(saved);
        saved = dup(0);
        close(0);
        refused(WORDS("-"), "standard input", false);
        restore_stdin(saved);
        free(big);
}

static void test_pipe(void **state)
{
        (void)state;
        /* As in <(command). */
        int p[2];
        char path[40];
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        assert_int_equal(write(p[1], "{ }\n", 4), 4);
        close(p[1]);
        snprintf(path, sizeof(path), "/dev/fd/%d", p[0]);
        check_text(WORDS(path), "{ }\n", 4, path);
        close(p[0]);
}

static void test_terminal(void **state)
{
        (void)state;
        int master, slave, saved = dup(0);
        assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
        assert_int_equal(dup2(slave, 0), 0);
        refused(NO_WORDS, "no definition; give a file", true);
        assert_int_equal(write(master, "{ }\n\004", 5), 5);
        check_text(WORDS("-"), "{ }\n", 4, "(standard input)");
        restore_stdin(saved);
        close(master);
        close(slave);
}

static void test_outputs(void **state)
{
        (void)state;
        char full[300];
        check(WORDS("result"), DEFINITION_OUTPUT, "store/" HASH "-etc", "result", "");
        check(WORDS("store/" HASH "-etc", "demo"), DEFINITION_OUTPUT, "store/" HASH "-etc", "store/" HASH "-etc",
              "demo");
        check(WORDS("store/" HASH "-source"), DEFINITION_FILE, "store/" HASH "-source", "store/" HASH "-source", "");
        check(WORDS("store/" HASH "-file.nix"), DEFINITION_FILE, "store/" HASH "-file.nix", "store/" HASH "-file.nix",
              "");
        refused(WORDS("store/" HASH "-template"), "defines no containers", false);
        refused(WORDS("store/" HASH "-nothing"), "no etc directory", false);
        refused(WORDS("store/" HASH "-gone"), "no such file", false);

        snprintf(full, sizeof(full), "%s/%s-etc", store, HASH);
        setenv("EXTRA_CONTAINER_ETC", full, 1);
        check(NO_WORDS, DEFINITION_OUTPUT, "store/" HASH "-etc", full, "");
        check(WORDS("demo"), DEFINITION_OUTPUT, "store/" HASH "-etc", full, "demo");
        check(WORDS("web.nix", "demo"), DEFINITION_FILE, "web.nix", "web.nix", "demo"); /* an explicit argument wins */
        check(WORDS("-E", "{ }"), DEFINITION_TEXT, NULL, "(--expr)", "");
        refused(WORDS("demo", "web.nix"), "two definitions were given: EXTRA_CONTAINER_ETC and 'web.nix'", true);
        setenv("EXTRA_CONTAINER_ETC", "project", 1);
        refused(NO_WORDS, "EXTRA_CONTAINER_ETC: 'project' is not a store path", false);
        setenv("EXTRA_CONTAINER_ETC", "nowhere", 1);
        refused(NO_WORDS, "EXTRA_CONTAINER_ETC: cannot read 'nowhere'", false);
        snprintf(full, sizeof(full), "%s/%s-nothing", store, HASH);
        setenv("EXTRA_CONTAINER_ETC", full, 1);
        refused(NO_WORDS, "EXTRA_CONTAINER_ETC: '", false);
        unsetenv("EXTRA_CONTAINER_ETC");
}

static void flake(const char *const *words, const char *ref, const char *sub, const char *attr, const char *names)
{
        struct ec_op op;
        struct definition d;
        struct ec_err err = { 0 };
        int r = parse(words, &op, &d, &err);
        if (r < 0)
                fail_msg("%s: %s", *words, err_msg(&err));
        char *joined = strv_join(STRV_CONST(d.names), " "), *at = sub && *sub ? fs_join(top, sub) : strdup(top);
        assert_int_equal(d.kind, DEFINITION_FLAKE);
        assert_string_equal(d.path, ref);
        assert_string_equal(d.attr, attr);
        assert_string_equal(d.display, *words);
        assert_string_equal(joined, names);
        assert_int_equal(d.dir != NULL, sub != NULL);
        if (sub)
                assert_string_equal(d.dir, at);
        free(joined);
        free(at);
        definition_done(&d);
        op_done(&op);
}

static void test_flakes(void **state)
{
        (void)state;
        char full[300];
        flake(WORDS("./flake#web"), ".", "flake", "web", "");
        flake(WORDS("./flake#web", "db", "cache"), ".", "flake", "web", "db cache");
        flake(WORDS("./flake#"), ".", "flake", "", "");
        flake(WORDS("./flake#a.\"b#c\""), ".", "flake", "a.\"b#c\"", "");
        flake(WORDS("./flake/sub/..?dir=sub&ref=main#web"), ".?dir=sub&ref=main", "flake", "web", "");
        snprintf(full, sizeof(full), "%s/flake#web", top);
        flake(WORDS(full), ".", "flake", "web", "");
        flake(WORDS(".#web"), ".", "", "web", "");
        flake(WORDS("#web"), ".", "", "web", "");
        flake(WORDS("github:owner/repo"), "github:owner/repo", NULL, "", "");
        flake(WORDS("github:owner/repo/main?dir=x#web"), "github:owner/repo/main?dir=x", NULL, "web", "");
        flake(WORDS("git+ssh://host/repo?ref=main#web"), "git+ssh://host/repo?ref=main", NULL, "web", "");
        flake(WORDS("path:flake#web"), "path:flake", NULL, "web", "");
        flake(WORDS("https://host/x.tar.gz#web"), "https://host/x.tar.gz", NULL, "web", "");
        flake(WORDS("nixpkgs#web"), "nixpkgs", NULL, "web", "");
        flake(WORDS("nixpkgs/branch#web"), "nixpkgs/branch", NULL, "web", "");

        /* An existing file takes precedence. */
        flake(WORDS("flake#web"), ".", "flake", "web", "");
        flake(WORDS("bare#web"), "bare", NULL, "web", "");
        flake(WORDS("flake"), ".", "flake", "", "");
        flake(WORDS("./flake/"), ".", "flake", "", "");
        flake(WORDS("odd #1"), ".", "odd #1", "", "");
        flake(WORDS("store/" HASH "-flake"), ".", "store/" HASH "-flake", "", "");
        flake(WORDS("store/" HASH "-flake#web"), ".", "store/" HASH "-flake", "web", "");
        flake(WORDS("both#web"), ".", "both", "web", "");
        check(WORDS("both"), DEFINITION_FILE, "both", "both", "");
        check(WORDS("file#web"), DEFINITION_FILE, "file#web", "file#web", "");

        refused(WORDS("./nowhere#web"), "no such directory: './nowhere' (of flake reference './nowhere#web')", false);
        refused(WORDS("/nowhere#web"), "no such directory: '/nowhere'", false);
        refused(WORDS("./web.nix#web"), "'./web.nix' is a file", false);
        refused(WORDS("./web.nix/x#web"), "cannot read './web.nix/x'", false);
        refused(WORDS("flake", ".#web"), "two definitions were given: 'flake' and '.#web'", true);
        refused(WORDS("flake", "github:owner/repo"), "two definitions", true);
        refused(WORDS("./flake", "-A", "web"), "as in './flake#web'", true);
        refused(WORDS("./flake#a", "-A", "web"), "as in './flake#a.web'", true);
}

static void test_interrupted(void **state)
{
        (void)state;
        /* ^C while reading from a pipe without a writer. */
        int p[2], saved = dup(0);
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        assert_int_equal(dup2(p[0], 0), 0);
        raise(SIGINT);
        struct ec_op op;
        struct definition d;
        struct ec_err err = { 0 };
        assert_int_equal(parse(WORDS("-"), &op, &d, &err), -ECANCELED);
        err_done(&err);
        op_done(&op);
        restore_stdin(saved);
        close(p[0]);
        close(p[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_files_refused),
                cmocka_unit_test(test_two_definitions),
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_stdin),
                cmocka_unit_test(test_pipe),
                cmocka_unit_test(test_terminal),
                cmocka_unit_test(test_outputs),
                cmocka_unit_test(test_flakes),
                cmocka_unit_test(test_interrupted), /* last: stays interrupted */
        };
        return cmocka_run_group_tests_name("definition", tests, setup, teardown);
}
