/* SPDX-License-Identifier: MIT */
#include "nix_fixture.h"

#include "svc/term/log.h"
#include "util/strv.h"

/* What is written to stderr for one line. */
static char *shown(struct nix_log *l, const char *line)
{
        FILE *f;
        int saved = capture_begin(&f);
        feed(l, line);
        return capture_end(f, saved);
}

static void check_shown(const char *line, const char *expected)
{
        struct nix_log l;
        nix_log_init(&l);
        char *s = shown(&l, line);
        assert_string_equal(s, expected);
        free(s);
        nix_log_done(&l);
}

static void test_messages(void **state)
{
        (void)state;
        check_shown("@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"trace: extra-container: warning: some text\"}",
                    "warning: some text\n");
        check_shown("@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"trace: \\u001b[1;31mwarning: old\\u001b[0m\"}",
                    "warning: old\n");
        check_shown("@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"\\u001b[35;1mwarning:\\u001b[0m x\"}",
                    "warning: x\n");
        check_shown("@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"evaluation warning: x\"}", "warning: x\n");
        check_shown("@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"m\",\"raw_msg\":\"raw\"}", "warning: raw\n");
        check_shown("@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"error (ignored): x\"}", "error (ignored): x\n");
        /* Nix retries by itself. */
        check_shown("@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"warning: error: SQLite database '/x/db.sqlite' is "
                    "busy\"}",
                    "");
        check_shown("@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"trace: hello\"}", "trace: hello\n");
        check_shown("@nix {\"action\":\"msg\",\"level\":3,\"msg\":\"these 2 derivations will be built:\"}", "");
        check_shown("@nix {\"action\":\"msg\",\"level\":4,\"msg\":\"talkative\"}", "talkative\n");
        check_shown("@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"trace: \\u001b]0;t\\u0007x\\u0000y\"}",
                    "trace: x\n");
}

static void test_plain(void **state)
{
        (void)state;
        check_shown("plain text", "plain text\n");
        check_shown("error: of a Nix that does not know the format", "error: of a Nix that does not know the format\n");
        check_shown("", "\n");
        check_shown("@nix", "@nix\n");
        check_shown("@nixos {}", "@nixos {}\n");
        /* Malformed events are not shown to the user. */
        check_shown("@nix ", "@nix \n");
        check_shown("@nix {\"action\":", "");
        check_shown("@nix []", "");
        check_shown("@nix {}", "");
        check_shown("@nix {\"action\":7,\"id\":\"x\"}", "");
        check_shown("@nix {\"action\":\"result\",\"fields\":{},\"id\":1,\"type\":105}", "");
        check_shown("@nix {\"action\":\"start\",\"id\":1}", "");
        check_shown("@nix {\"action\":\"msg\"}", "");
        check_shown("a\033[2Jb", "ab\n");
}

static void test_raw(void **state)
{
        (void)state;
        struct nix_log l;
        nix_log_init(&l);
        l.raw = true;
        char *s = shown(&l, "error: x");
        assert_string_equal(s, "error: x\n");
        free(s);
        s = shown(&l, "@nix {}");
        assert_string_equal(s, "@nix {}\n");
        free(s);
        nix_log_done(&l);
}

static void test_warned_once(void **state)
{
        (void)state;
        char **warned = NULL;
        for (int i = 0; i < 2; i++) {
                struct nix_log l;
                nix_log_init(&l);
                l.warned = &warned;
                char *s = shown(&l, "@nix {\"action\":\"msg\",\"level\":1,\"msg\":\"warning: unknown setting 'x'\"}");
                assert_string_equal(s, i ? "" : "warning: unknown setting 'x'\n");
                free(s);
                nix_log_done(&l);
        }
        strv_free(warned);
}

static void test_error(void **state)
{
        (void)state;
        struct nix_log l;
        nix_log_init(&l);
        feed(&l,
             "@nix {\"action\":\"msg\",\"column\":7,\"file\":\"/x/undef.nix\",\"level\":0,\"line\":1,\"msg\":\"...\","
             "\"raw_msg\":\"undefined variable '\\u001b[35;1mfoo\\u001b[0m'\\n\",\"trace\":[{\"raw_msg\":\"while "
             "calling\",\"file\":\"/x/a.nix:3:4\",\"line\":3,\"column\":4},"
             "{\"raw_msg\":\"somewhere\"}]}");
        feed(&l, "@nix "
                 "{\"action\":\"msg\",\"column\":null,\"file\":null,\"level\":0,\"line\":null,\"msg\":\"\",\"raw_msg\":"
                 "\"second\"}");
        feed(&l, "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"error: from the daemon\"}");
        assert_int_equal(l.n_errors, 3);
        assert_string_equal(l.errors[0].text, "undefined variable 'foo'");
        assert_string_equal(l.errors[0].pos.file, "/x/undef.nix");
        assert_int_equal(l.errors[0].pos.line, 1);
        assert_int_equal(l.errors[0].pos.column, 7);
        assert_int_equal(l.errors[0].n_trace, 2);
        assert_string_equal(l.errors[0].trace[0].pos.file, "/x/a.nix");
        assert_null(l.errors[0].trace[1].pos.file);
        assert_null(l.errors[1].pos.file);
        assert_string_equal(l.errors[2].text, "from the daemon");
        for (int i = 0; i < 200; i++)
                feed(&l, "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"error: again\"}");
        assert_in_range(l.n_errors, 3, 100);
        nix_log_done(&l);
}

static void check_error(const char *event, const char *text)
{
        struct nix_log l;
        nix_log_init(&l);
        feed(&l, event);
        assert_int_equal(l.n_errors, 1);
        assert_string_equal(l.errors[0].text, text);
        nix_log_done(&l);
}

/* Exactly what Nix 2.8 and 2.26 print for `{ hello = 1; }.helo`. */
static void test_suggestion(void **state)
{
        (void)state;
        check_error("@nix "
                    "{\"action\":\"msg\",\"column\":1,\"file\":\"{ hello = 1; "
                    "}.helo\",\"level\":0,\"line\":1,\"msg\":\"\\u001b[31;1merror:\\u001b[0m attribute "
                    "'\\u001b[35;1mhelo\\u001b[0m' missing\\n\\n       \\u001b[34;1mat "
                    "\\u001b[35;1m«string»:1:1\\u001b[0m:\\n\\n            1| { hello = 1; }.helo\\n             | "
                    "\\u001b[31;1m^\\u001b[0m\\n       Did you mean "
                    "\\u001b[35;1mhello\\u001b[0m?\",\"raw_msg\":\"attribute '\\u001b[35;1mhelo\\u001b[0m' missing\"}",
                    "attribute 'helo' missing\nDid you mean hello?");
        check_error(
                "@nix "
                "{\"action\":\"msg\",\"column\":1,\"file\":\"«string»:1:1\",\"level\":0,\"line\":1,\"msg\":"
                "\"\\u001b[31;1merror:\\u001b[0m attribute '\\u001b[35;1mhelo\\u001b[0m' missing\\n       "
                "\\u001b[34;1mat \\u001b[35;1m«string»:1:1\\u001b[0m:\\n            1| { hello = 1; }.helo\\n        "
                "     | \\u001b[31;1m^\\u001b[0m\\n       Did you mean "
                "\\u001b[35;1mhello\\u001b[0m?\",\"raw_msg\":\"attribute '\\u001b[35;1mhelo\\u001b[0m' missing\"}",
                "attribute 'helo' missing\nDid you mean hello?");
        /* NixOS's own text already contains it. */
        check_error("@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"error: no option\\n\\n       Did you mean "
                    "`x'?\",\"raw_msg\":\"no option\\n\\nDid you mean `x'?\"}",
                    "no option\n\nDid you mean `x'?");
}

static void test_pieces(void **state)
{
        (void)state;
        struct nix_log l;
        nix_log_init(&l);
        size_t n = 200000;
        char *big = malloc(n + 1);
        assert_non_null(big);
        static const char head[] = "@nix {\"action\":\"msg\",\"level\":0,\"raw_msg\":\"";
        memset(big, '}', n);
        memcpy(big, head, strlen(head));
        big[n] = '\0';
        feed(&l, big);
        feed(&l, "x}");
        assert_int_equal(l.n_errors, 0);
        feed(&l, "end\"}");
        assert_int_equal(l.n_errors, 1);
        assert_int_equal(strlen(l.errors[0].text), n - strlen(head) + 5);
        assert_null(l.part);
        /* An incomplete event is forgotten when the next one begins. */
        feed(&l, big);
        feed(&l, "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"error: next\"}");
        assert_int_equal(l.n_errors, 2);
        assert_null(l.part);
        free(big);
        nix_log_done(&l);
}

static void test_tail(void **state)
{
        (void)state;
        struct nix_log l;
        const char *tail[NIX_TAIL_LINES];
        size_t total = 0;
        nix_log_init(&l);
        start_build(&l, 1, DRV);
        start_build(&l, 2, DRV2);
        assert_int_equal(nix_log_tail(&l, DRV, strlen(DRV), tail, &total), 0);
        for (int i = 0; i < 25; i++) {
                char s[32];
                sprintf(s, "line %d", i);
                log_line(&l, 1, s);
        }
        log_line(&l, 2, "one\\u001b[2J");
        log_line(&l, 99, "of no activity");
        assert_int_equal(nix_log_tail(&l, DRV, strlen(DRV), tail, &total), NIX_TAIL_LINES);
        assert_int_equal(total, 25);
        assert_string_equal(tail[0], "line 5");
        assert_string_equal(tail[NIX_TAIL_LINES - 1], "line 24");
        stop(&l, 1);
        stop(&l, 1);
        stop(&l, 2);
        assert_int_equal(l.n_acts, 0);
        assert_int_equal(nix_log_tail(&l, DRV2, strlen(DRV2), tail, &total), 1);
        assert_string_equal(tail[0], "one");
        assert_int_equal(nix_log_tail(&l, DRV, strlen(DRV), tail, &total), NIX_TAIL_LINES);
        /* After many other builds it is forgotten, so memory does not grow. */
        for (int i = 0; i < 100; i++) {
                start_build(&l, 100 + i, DRV2);
                log_line(&l, 100 + i, "x");
                stop(&l, 100 + i);
        }
        assert_int_equal(nix_log_tail(&l, DRV, strlen(DRV), tail, &total), 0);
        assert_in_range(l.n_ended, 1, 40);
        nix_log_done(&l);
}

static void test_long_line(void **state)
{
        (void)state;
        struct nix_log l;
        const char *tail[NIX_TAIL_LINES];
        size_t total;
        nix_log_init(&l);
        char s[2001];
        for (int i = 0; i < 2000; i += 2)
                memcpy(s + i, "\303\251", 2);
        s[2000] = '\0';
        start_build(&l, 1, DRV);
        log_line(&l, 1, s + 0);
        assert_int_equal(nix_log_tail(&l, DRV, strlen(DRV), tail, &total), 1);
        assert_in_range(strlen(tail[0]), 400, 600);
        assert_int_equal(strlen(tail[0]) % 2, 0); /* not cut inside a character */
        nix_log_done(&l);
}

static void test_print_logs(void **state)
{
        (void)state;
        struct nix_log l;
        nix_log_init(&l);
        l.print_logs = true;
        start_build(&l, 1, DRV);
        char *s = shown(
                &l,
                "@nix {\"action\":\"result\",\"fields\":[\"hello \\u001b[31mred\\u001b[0m\"],\"id\":1,\"type\":101}");
        assert_string_equal(s, "bad-thing> hello red\n");
        free(s);
        nix_log_done(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_messages),    cmocka_unit_test(test_plain),
                cmocka_unit_test(test_suggestion),  cmocka_unit_test(test_raw),
                cmocka_unit_test(test_warned_once), cmocka_unit_test(test_error),
                cmocka_unit_test(test_pieces),      cmocka_unit_test(test_tail),
                cmocka_unit_test(test_long_line),   cmocka_unit_test(test_print_logs),
        };
        return cmocka_run_group_tests_name("nix_log", tests, NULL, NULL);
}
