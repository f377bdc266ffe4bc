/* SPDX-License-Identifier: MIT */
#include "nix_fixture.h"

#include "svc/nix/progress.h"

static const char *line(struct nix_log *l, uint64_t after_ms)
{
        static char buf[512];
        nix_progress_format(l, l->start_usec + after_ms * USEC_PER_MSEC, buf, sizeof(buf));
        return buf + 2; /* after the spinner */
}

static void progress(struct nix_log *l, int id, int done, int expected)
{
        feedf(l, "@nix {\"action\":\"result\",\"fields\":[%d,%d,0,0],\"id\":%d,\"type\":105}", done, expected, id);
}

static void start(struct nix_log *l, int id, int type)
{
        feedf(l, "@nix {\"action\":\"start\",\"id\":%d,\"level\":0,\"text\":\"\",\"type\":%d}", id, type);
}

static void test_evaluation(void **state)
{
        (void)state;
        struct nix_log l;
        nix_log_init(&l);
        l.what = "evaluating web.nix";
        assert_string_equal(line(&l, 999), "evaluating web.nix 0 s");
        assert_string_equal(line(&l, 59000), "evaluating web.nix 59 s");
        assert_string_equal(line(&l, 61000), "evaluating web.nix 1:01 min");
        l.what = NULL;
        assert_string_equal(line(&l, 0), "Nix works 0 s");
        nix_log_done(&l);
}

static void test_builds(void **state)
{
        (void)state;
        struct nix_log l;
        nix_log_init(&l);
        l.what = "building";
        start(&l, 1, NIX_ACT_BUILDS);
        assert_string_equal(line(&l, 0), "building 0 s");
        progress(&l, 1, 2, 9);
        assert_string_equal(line(&l, 0), "building 2/9 0 s");
        start_build(&l, 2, DRV);
        assert_string_equal(line(&l, 0), "building 2/9: bad-thing 0 s");
        for (int i = 3; i < 8; i++)
                start_build(&l, i, DRV2);
        assert_string_equal(line(&l, 0), "building 2/9: bad-thing, other, other and 3 more 0 s");
        progress(&l, 1, -1, 9);
        stop(&l, 2);
        for (int i = 3; i < 8; i++)
                stop(&l, i);
        assert_string_equal(line(&l, 0), "building 0/9 0 s");
        nix_log_done(&l);
}

static void test_downloads(void **state)
{
        (void)state;
        struct nix_log l;
        nix_log_init(&l);
        start(&l, 1, NIX_ACT_COPY_PATHS);
        start(&l, 9, 102);
        progress(&l, 1, 1, 3);
        feed(&l, "@nix {\"action\":\"result\",\"fields\":[101,10485760],\"id\":9,\"type\":106}");
        feed(&l, "@nix "
                 "{\"action\":\"start\",\"fields\":[\"/nix/store/y213rczmacxwk5q5ya22m8zx091xnr5c-bash-5\",\"https://"
                 "cache\"],\"id\":2,\"type\":108}");
        feed(&l, "@nix {\"action\":\"start\",\"fields\":[\"https://cache/nar/x.nar.xz\"],\"id\":3,\"type\":101}");
        progress(&l, 3, 2621440, 5242880);
        assert_string_equal(line(&l, 2000), "fetching 1/3 (2.5 of 10.0 MiB): bash-5 2 s");
        progress(&l, 3, 5242880, 5242880);
        stop(&l, 3);
        stop(&l, 2);
        assert_string_equal(line(&l, 2000), "fetching 1/3 (5.0 of 10.0 MiB) 2 s");
        stop(&l, 1);
        feed(&l, "@nix {\"action\":\"start\",\"fields\":[\"https://host/nixexprs.tar.xz\"],\"id\":4,\"type\":101}");
        l.bytes_done = l.bytes_expected = 0;
        stop(&l, 9);
        progress(&l, 4, 1048576, 0);
        assert_string_equal(line(&l, 0), "downloading: nixexprs.tar.xz 0 s");
        progress(&l, 4, 1048576, 2097152);
        assert_string_equal(line(&l, 0), "downloading (1.0 of 2.0 MiB): nixexprs.tar.xz 0 s");
        nix_log_done(&l);
}

static void test_small_buffer(void **state)
{
        (void)state;
        struct nix_log l;
        nix_log_init(&l);
        l.what = "evaluating something with a long name";
        for (size_t n = 1; n < 60; n++) {
                char *buf = malloc(n);
                nix_progress_format(&l, l.start_usec, buf, n);
                assert_true(strlen(buf) < n);
                free(buf);
        }
        nix_progress_format(&l, l.start_usec, NULL, 0);
        nix_log_done(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_evaluation),
                cmocka_unit_test(test_builds),
                cmocka_unit_test(test_downloads),
                cmocka_unit_test(test_small_buffer),
        };
        return cmocka_run_group_tests_name("nix_progress", tests, NULL, NULL);
}
