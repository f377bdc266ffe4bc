/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/containers/containers.h"
#include "util/strv.h"

/* The assignments in text are exactly these, joined by '|'. */
static void expect(const char *text, const char *joined)
{
        _cleanup_strv_ char **env = NULL;
        _cleanup_free_ char *s = NULL;

        assert_int_equal(envfile_parse(text, &env), 0);
        s = strv_join(STRV_CONST(env), "|");
        assert_string_equal(s ? s : "", joined);
}

static void test_plain(void **state)
{
        (void)state;
        expect("", "");
        expect("\n\n", "");
        expect("A=1", "A=1");
        expect("A=1\nB=2\n", "A=1|B=2");
        expect("  A = x y  \n", "A=x y");
        expect("A=\nB=2", "A=|B=2");
        expect("A=1\r\nB=2\r\n", "A=1|B=2");
        expect("A=x=y", "A=x=y");
}

static void test_comments(void **state)
{
        (void)state;
        expect("# A=1\n;B=2\n  # C=3\nD=4", "D=4");
        expect("A=1 # no comment", "A=1 # no comment");
        expect("nonsense\nA=1", "A=1");
}

static void test_quotes(void **state)
{
        (void)state;
        expect("A=\"a b\"", "A=a b");
        expect("A='a \\n b'", "A=a \\n b");
        expect("A=\"say \\\"hi\\\" \\$x \\`y\\` \\\\\"", "A=say \"hi\" $x `y` \\");
        expect("A=\"keep \\n\"", "A=keep \\n");
        expect("A=\"two\nlines\"\nB=1", "A=two\nlines|B=1");
        expect("A=\"a\" 'b'", "A=ab");
        expect("A=a\"b\"", "A=a\"b\"");
        expect("A=\" x \"  ", "A= x ");
        expect("A=\"\"", "A=");
        expect("A=\"open\nB=1", "A=open\nB=1");
        expect("EXTRA_NSPAWN_FLAGS=\" --bind=/a:/b\"\n", "EXTRA_NSPAWN_FLAGS= --bind=/a:/b");
}

static void test_escapes(void **state)
{
        (void)state;
        expect("A=a\\ b\\\"", "A=a b\"");
        expect("A=one \\\ntwo\nB=1", "A=one two|B=1");
        expect("A=x\\", "A=x\\");
        expect("A=x\\ ", "A=x ");
}

static void test_keys(void **state)
{
        (void)state;
        expect("1A=1\nA-B=2\n=3\n_C=4", "_C=4");
        expect("A=1\nB=2\nA=3", "A=3|B=2");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),   cmocka_unit_test(test_comments), cmocka_unit_test(test_quotes),
                cmocka_unit_test(test_escapes), cmocka_unit_test(test_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
