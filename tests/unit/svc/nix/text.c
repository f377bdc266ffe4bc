/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "svc/nix/text.h"

static void check_short(const char *in, const char *out)
{
        char *s = nix_text_short(in);
        assert_string_equal(s, out);
        free(s);
}

static void test_short(void **state)
{
        (void)state;
        check_short("/nix/store/kpqrsi55asfp6186xfmpknvhbdf51258-etc.drv", "etc");
        check_short("/nix/store/kpqrsi55asfp6186xfmpknvhbdf51258-unit-container-web-1", "unit-container-web-1");
        check_short("kpqrsi55asfp6186xfmpknvhbdf51258-x", "x");
        check_short("kpqrsi55asfp6186xfmpknvhbdf51258-", "kpqrsi55asfp6186xfmpknvhbdf51258-");
        check_short("short-hash", "short-hash");
        check_short("https://host/file.tar.gz", "file.tar.gz");
        check_short(".drv", ".drv");
        check_short("", "");
}

static void check_replace(const char *s, const char *from, const char *to, const char *out)
{
        char *r = nix_text_replace(s, from, to);
        assert_string_equal(r, out);
        free(r);
}

static void test_replace(void **state)
{
        (void)state;
        check_replace("a/t/x:1 and /t/x", "/t/x", "(in)", "a(in):1 and (in)");
        check_replace("aaa", "a", "", "");
        check_replace("aaa", "aa", "b", "ba");
        check_replace("abc", "x", "yyyyyyyy", "abc");
        check_replace("abc", "", "y", "abc");
        check_replace("x", "x", "longer than before", "longer than before");
}

static void test_drv(void **state)
{
        (void)state;
        const char *s;
        size_t n;
        assert_true(nix_text_drv("builder for '/nix/store/abc-x.drv' failed", &s, &n));
        assert_int_equal(n, strlen("/nix/store/abc-x.drv"));
        assert_memory_equal(s, "/nix/store/abc-x.drv", n);
        assert_true(nix_text_drv("x.drvy /n/a.drv", &s, &n));
        assert_memory_equal(s, "/n/a.drv", n);
        assert_true(nix_text_drv("cannot build /n/a.drv.", &s, &n));
        assert_int_equal(n, strlen("/n/a.drv"));
        assert_false(nix_text_drv("a.drv", &s, &n));
        assert_false(nix_text_drv("", &s, &n));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_short),
                cmocka_unit_test(test_replace),
                cmocka_unit_test(test_drv),
        };
        return cmocka_run_group_tests_name("nix_text", tests, NULL, NULL);
}
