/* SPDX-License-Identifier: MIT */
#include "nix_fixture.h"

#include <errno.h>
#include <sys/stat.h>

#include "svc/nix/error.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

static char dir[] = "/tmp/nix-error-XXXXXX";
static char definition[100], library[100];

static void write_file(const char *name, const char *text, char *ret, size_t size)
{
        snprintf(ret, size, "%s/%s", dir, name);
        assert_int_equal(fs_write_atomic(ret, text, strlen(text), 0600), 0);
}

static int setup(void **state)
{
        (void)state;
        if (!mkdtemp(dir))
                return -1;
        write_file("web.nix", "{\n\tcontainers.web = foo;\n  é = bar;\n}\n", definition, sizeof(definition));
        char nixos[120];
        snprintf(nixos, sizeof(nixos), "%s/nixpkgs/nixos/modules", dir);
        if (fs_mkdir_p(nixos, 0755) < 0)
                return -1;
        write_file("nixpkgs/lib.nix", "a\nb\nc\n", library, sizeof(library));
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        struct ec_err err = { 0 };
        return fs_remove_tree(dir, &err);
}

static void error_at(struct nix_log *l, const char *text, const char *file, int line, int column, const char *trace)
{
        if (file)
                feedf(l,
                      "@nix "
                      "{\"action\":\"msg\",\"level\":0,\"raw_msg\":\"%s\",\"file\":\"%s\",\"line\":%d,\"column\":%d,"
                      "\"trace\":[%s]}",
                      text, file, line, column, trace);
        else
                feedf(l, "@nix {\"action\":\"msg\",\"level\":0,\"raw_msg\":\"%s\",\"trace\":[%s]}", text, trace);
}

static void check_full(struct nix_log *l, const struct nix_names *n, int status, bool show_trace, int code,
                       const char *expected)
{
        const char *program = n->definition || n->files ? "nix-instantiate" : "nix-store";
        struct ec_err err = { 0 };
        assert_int_equal(nix_error_set(l, n, program, status, show_trace, &err), code);
        assert_string_equal(err_msg(&err), expected);
        assert_false(err.usage);
        err_done(&err);
        nix_log_done(l);
        nix_log_init(l);
}

static void test_deliberate(void **state)
{
        (void)state;
        struct nix_log l;
        nix_log_init(&l);
        struct nix_names n = { .files = (const char *const[]){ "/tmp/x/definition.nix", NULL },
                               .names = (const char *const[]){ "(standard input)", NULL } };
        error_at(&l, "extra-container: /tmp/x/definition.nix: some\\n  text", "/nix/e.nix", 3, 1, "");
        check_full(&l, &n, 1, false, -EINVAL, "(standard input): some\n  text");
        error_at(&l, "extra-container: text", NULL, 0, 0,
                 "{\"raw_msg\":\"while calling\",\"file\":\"/e.nix\",\"line\":3,\"column\":1}");
        check_full(&l, &n, 1, true, -EINVAL, "text\n  … while calling\n    at /e.nix:3:1");
}

static void test_position(void **state)
{
        (void)state;
        struct nix_log l;
        char expected[500];
        nix_log_init(&l);
        struct nix_names n = { .definition = definition };

        error_at(&l, "undefined variable 'foo'", definition, 2, 19, "");
        snprintf(expected, sizeof(expected),
                 "undefined variable 'foo'\n  at %s:2:19\n      1| {\n      2|  containers.web = foo;\n"
                 "       |                   ^\n      3|   é = bar;",
                 definition);
        check_full(&l, &n, 1, false, -EINVAL, expected);

        /* The caret's column is in characters, Nix's is in bytes. */
        error_at(&l, "x", definition, 3, 8, "");
        snprintf(expected, sizeof(expected),
                 "x\n  at %s:3:8\n      2|  containers.web = foo;\n      3|   é = bar;\n"
                 "       |       ^\n      4| }",
                 definition);
        check_full(&l, &n, 1, false, -EINVAL, expected);
}

/* A binary, or a generated file. */
static void test_long_lines(void **state)
{
        (void)state;
        char path[] = "/tmp/extra-container-error.XXXXXX", text[1000], expected[1000];
        int fd = mkstemp(path);
        struct nix_names n = { .definition = path };
        struct nix_log l;

        nix_log_init(&l);
        memset(text, 'a', sizeof(text));
        text[299] = 'X';
        assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
        close(fd);
        error_at(&l, "x", path, 1, 300, "");
        snprintf(expected, sizeof(expected), "x\n  at %s:1:300\n      1| ...%.99sX%.100s...\n       | %102s^", path,
                 text, text, "");
        check_full(&l, &n, 1, false, -EINVAL, expected);
        error_at(&l, "x", path, 1, 2, "");
        snprintf(expected, sizeof(expected), "x\n  at %s:1:2\n      1| %.200s...\n       |  ^", path, text);
        check_full(&l, &n, 1, false, -EINVAL, expected);
        unlink(path);
}

/* A definition that has a different name in messages. */
#define NAMED                                                                                 \
        {                                                                                     \
                .definition = definition, .files = (const char *const[]){ definition, NULL }, \
                .names = (const char *const[])                                                \
                {                                                                             \
                        "(--expr)", NULL                                                      \
                }                                                                             \
        }

static void test_position_named(void **state)
{
        (void)state;
        struct nix_log l;
        char trace[500];
        nix_log_init(&l);
        struct nix_names named = NAMED;

        /* After the last line. */
        error_at(&l, "x", definition, 9, 1, "");
        check_full(&l, &named, 1, false, -EINVAL, "x\n  at (--expr):9:1");
        error_at(&l, "x", "/nonexistent.nix", 9, 0, "");
        check_full(&l, &named, 1, false, -EINVAL, "x\n  at /nonexistent.nix:9");

        /* In nixpkgs: the option, and the file that defines it. */
        snprintf(trace, sizeof(trace),
                 "{\"raw_msg\":\"while evaluating definitions from `/n/a.nix':\"},"
                 "{\"raw_msg\":\"while evaluating the option `containers.web.a.\\\"b'c\\\"':\"},"
                 "{\"raw_msg\":\"while evaluating definitions from `%s':\"},"
                 "{\"raw_msg\":\"while evaluating the option `containers':\"}",
                 definition);
        error_at(&l, "infinite recursion encountered", "/nonexistent.nix", 9, 0, trace);
        check_full(&l, &named, 1, false, -EINVAL,
                   "infinite recursion encountered\n  while evaluating option 'containers.web.a.\"b'c\"', defined in "
                   "(--expr)\n  at /nonexistent.nix:9");

        /* No position in the user's files: the definition is named. */
        error_at(&l, "y", NULL, 0, 0, "");
        check_full(&l, &named, 1, false, -EINVAL, "(--expr): y");
        error_at(&l, "\\nFailed assertions:\\n- z", NULL, 0, 0,
                 "{\"raw_msg\":\"some\"},{\"raw_msg\":\"while evaluating container 'web'\"}");
        check_full(&l, &named, 1, false, -EINVAL, "(--expr): container 'web': Failed assertions:\n- z");
        error_at(&l, "'web' is bad", NULL, 0, 0, "{\"raw_msg\":\"while evaluating container 'web'\"}");
        check_full(&l, &named, 1, false, -EINVAL, "(--expr): 'web' is bad");
        snprintf(trace, sizeof(trace), "bad %s", definition);
        error_at(&l, trace, NULL, 0, 0, "");
        check_full(&l, &named, 1, false, -EINVAL, "bad (--expr)");

        /* A relative path in a definition that is not a file. */
        snprintf(trace, sizeof(trace), "path '%.*s/a/b.nix' does not exist",
                 (int)(strrchr(definition, '/') - definition), definition);
        error_at(&l, trace, NULL, 0, 0, "");
        check_full(
                &l, &named, 1, false, -EINVAL,
                "(--expr): path './a/b.nix' does not exist (this definition is not in a directory; use <pwd/a/b.nix> "
                "for a path relative to the working directory)");
}

static void test_position_frames(void **state)
{
        (void)state;
        struct nix_log l;
        char expected[500], trace[500];
        nix_log_init(&l);
        struct nix_names named = NAMED;

        /* Raised in nixpkgs, which is next to the definition here: the innermost frame in the user's files is shown. */
        snprintf(trace, sizeof(trace),
                 "{\"raw_msg\":\"inner\",\"file\":\"%s\",\"line\":3,\"column\":1},"
                 "{\"raw_msg\":\"user\",\"file\":\"%s\",\"line\":4,\"column\":1},"
                 "{\"raw_msg\":\"outer\",\"file\":\"%s\",\"line\":1,\"column\":1}",
                 library, definition, definition);
        error_at(&l, "not a set", library, 1, 1, trace);
        snprintf(expected, sizeof(expected),
                 "not a set\n  at (--expr):4:1\n      3|   é = bar;\n      4| }\n       | ^\n  raised at %s:1:1",
                 library);
        check_full(&l, &named, 1, false, -EINVAL, expected);

        /* The definition is a directory; the error is in a file that it imports. */
        struct nix_names in_dir = { .definition = dir };
        char other[100];
        write_file("other.nix", "x", other, sizeof(other));
        error_at(&l, "z", other, 1, 1, trace);
        snprintf(expected, sizeof(expected), "z\n  at %s:1:1\n      1| x\n       | ^", other);
        check_full(&l, &in_dir, 1, false, -EINVAL, expected);
}

static void test_build(void **state)
{
        (void)state;
        struct nix_log l;
        struct nix_names n = { 0 };
        nix_log_init(&l);

        /* The order of Nix 2.8 and 2.26: the cause comes first. */
        start_build(&l, 1, DRV);
        log_line(&l, 1, "oops");
        stop(&l, 1);
        error_at(&l, "builder for '" DRV "' failed with exit code 3", NULL, 0, 0, "");
        error_at(&l, "1 dependencies of derivation '" DRV2 "' failed to build", NULL, 0, 0, "");
        check_full(&l, &n, 100, false, -EIO, "builder for '" DRV "' failed with exit code 3\n  its log:\n    oops");

        /* Several builds failed: each one that has a log is shown once. */
        start_build(&l, 1, DRV);
        for (int i = 0; i < 25; i++)
                log_line(&l, 1, "line");
        start_build(&l, 2, DRV2);
        log_line(&l, 2, "two");
        error_at(&l, "builder for '" DRV "' failed with exit code 1", NULL, 0, 0, "");
        error_at(&l, "builder for '" DRV2 "' failed with exit code 2", NULL, 0, 0, "");
        error_at(&l, "builder for '" DRV "' failed with exit code 1", NULL, 0, 0, "");
        struct ec_err err = { 0 };
        assert_int_equal(nix_error_set(&l, &n, "nix-store", 100, false, &err), -EIO);
        assert_memory_equal(err_msg(&err), "builder for '" DRV "' failed with exit code 1\n  the end of its log:\n",
                            strlen("builder for '" DRV "' failed with exit code 1\n  the end of its log:\n"));
        assert_non_null(strstr(err_msg(&err), "    line\n  the whole log: nix-store --read-log " DRV
                                              "\nbuilder for '" DRV2 "' failed with exit code 2\n  its log:\n    two"));
        assert_true(str_ends(err_msg(&err), "\n    two"));
        err_done(&err);
        nix_log_done(&l);
        nix_log_init(&l);

        /* The daemon's message already contains the log. */
        start_build(&l, 1, DRV);
        log_line(&l, 1, "one");
        error_at(&l,
                 "builder for '" DRV "' failed with exit code 1;\\n       last 1 log lines:\\n       > one\\n"
                 "       For full logs, run 'nix log " DRV "'.",
                 NULL, 0, 0, "");
        check_full(&l, &n, 100, false, -EIO,
                   "builder for '" DRV "' failed with exit code 1;\n       last 1 log lines:\n       > one\n"
                   "       For full logs, run 'nix log " DRV "'.");

        /* A build during the evaluation. */
        start_build(&l, 1, DRV);
        log_line(&l, 1, "oops");
        error_at(&l, "builder for '" DRV "' failed with exit code 1", NULL, 0, 0, "");
        struct ec_err e = { 0 };
        assert_int_equal(nix_error_set(&l, &n, "nix-instantiate", 1, false, &e), -EIO);
        assert_string_equal(err_msg(&e), "builder for '" DRV "' failed with exit code 1\n  its log:\n    oops");
        err_done(&e);
        nix_log_done(&l);
        nix_log_init(&l);

        error_at(&l, "hash mismatch in fixed-output derivation '" DRV "':\\n  specified: a\\n  got: b", NULL, 0, 0, "");
        check_full(&l, &n, 102, false, -EIO,
                   "hash mismatch in fixed-output derivation '" DRV "':\n  specified: a\n  got: b");
}

static void test_other(void **state)
{
        (void)state;
        struct nix_log l;
        struct nix_names n = { 0 };
        nix_log_init(&l);

        check_full(&l, &n, 1, false, -EIO, "nix-store failed with exit status 1");
        check_full(&l, &n, 128 + 11, false, -EIO, "nix-store was killed by signal 11");
        check_full(&l, &n, 128 + 9, false, -EIO,
                   "nix-store was killed by signal 9; perhaps the machine ran out of memory");
        error_at(&l, "cannot connect to socket at '/s': Connection refused", NULL, 0, 0, "");
        check_full(&l, &n, 1, false, -ECONNREFUSED,
                   "the Nix daemon does not answer (cannot connect to socket at '/s': Connection refused); is "
                   "nix-daemon.socket active?");
        error_at(&l, "could not set permissions on '/nix/var/nix/profiles/per-user' to 755: Operation not permitted",
                 "a.nix", 0, 0, "");
        check_full(&l, &n, 1, false, -EACCES,
                   "no Nix daemon runs, and the Nix store belongs to root (could not set permissions on "
                   "'/nix/var/nix/profiles/per-user' to 755: Operation not permitted); start nix-daemon.socket, or run "
                   "this as root");
        error_at(&l,
                 "cannot open connection to remote store 'daemon': error: reading from file: Connection reset by peer",
                 NULL, 0, 0, "");
        check_full(
                &l, &n, 1, false, -ECONNRESET,
                "the Nix daemon closed the connection (cannot open connection to remote store 'daemon': error: reading "
                "from file: Connection reset by peer); allowed-users in /etc/nix/nix.conf must include you, and "
                "'journalctl -u nix-daemon' may show another reason");
        error_at(&l, "unexpected end-of-file", NULL, 0, 0, "");
        check_full(
                &l, &n, 1, false, -ECONNRESET,
                "the Nix daemon ended (unexpected end-of-file); 'journalctl -u nix-daemon' may show why, then run the "
                "command again");
        error_at(&l, "unrecognised flag '--x'", NULL, 0, 0, "");
        struct ec_err err = { 0 };
        assert_int_equal(nix_error_set(&l, &n, "nix-build", 1, false, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "--build-args: unrecognised flag '--x'");
        assert_true(err.usage);
        err_done(&err);
        nix_log_done(&l);
        nix_log_init(&l);
        l.oom = true;
        check_full(&l, &n, 1, false, -ENOMEM, "out of memory");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_deliberate),      cmocka_unit_test(test_position),
                cmocka_unit_test(test_long_lines),      cmocka_unit_test(test_position_named),
                cmocka_unit_test(test_position_frames), cmocka_unit_test(test_build),
                cmocka_unit_test(test_other),
        };
        return cmocka_run_group_tests_name("nix_error", tests, setup, teardown);
}
