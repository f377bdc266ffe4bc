/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/containers/group.h"
#include "model/deploy/progress.h"

static void waits_for(const char *text, const char *unit)
{
        size_t n;
        const char *s = progress_waits_for(text, &n);

        if (!unit) {
                assert_null(s);
                return;
        }
        assert_int_equal(n, strlen(unit));
        assert_memory_equal(s, unit, n);
}

/* The container sends it, so it may be anything. */
static void test_waits_for(void **state)
{
        (void)state;
        waits_for("Container running: User job hang.service/start running (2s / no limit)...", "hang.service");
        waits_for("Container running: (1 of 2) User job a\\x2d@b.service/start running (2s / 1min 30s)",
                  "a\\x2d@b.service");
        waits_for("Container running.", NULL);
        waits_for("Container running: User job hang.service/stop running (2s / no limit)...", "hang.service");
        waits_for("Container running: User job hang.service/reload running (2s / no limit)...", NULL);
        waits_for("job ", NULL);
        waits_for("job \033[2J/start running", NULL);
        waits_for("job a b/start running", NULL);
        waits_for("", NULL);
}

static void test_show(void **state)
{
        struct ec_container c = { .name = (char *)"a", .unit = (char *)"container@a.service" };
        struct fixture *f = fx_new();
        struct group g = { 0 };
        struct progress p;

        (void)state;
        fake_reset();
        assert_int_equal(group_init(&g, 1), 0);
        group_add(&g, &c);
        assert_int_equal(progress_init(&p, "starting", true, &g), 0);
        /* Not on a terminal: the host test looks at one. */
        progress_show(&p, NULL);
        assert_int_equal(p.limits[0], 0);
        progress_done(&p);
        group_done(&g);
        fx_free(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_waits_for), cmocka_unit_test(test_show) };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
