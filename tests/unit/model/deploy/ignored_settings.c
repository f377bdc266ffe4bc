/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/deploy/ignored_settings.h"
#include "svc/term/log.h"

static struct ec_container a = { .name = (char *)"a", .unit = (char *)"container@a.service" },
                           b = { .name = (char *)"b", .unit = (char *)"container@b.service" };
static struct ec_container *items[] = { &a, &b };
static struct change changes[] = { { .c = &a }, { .c = &b } };

static void warned(struct fixture *f, const char *want)
{
        const struct deployment d = { .list = { .items = items, .n = 2 }, .changes = changes };
        _cleanup_free_ char *text = NULL;
        int saved;

        fx_capture(f);
        saved = dup(STDERR_FILENO);
        dup2(STDOUT_FILENO, STDERR_FILENO);
        log_set_level(LOG_WARNING);
        ignored_settings_warn(&f->op, &d, 1);
        log_set_level(LOG_CRIT);
        dup2(saved, STDERR_FILENO);
        close(saved);
        text = fx_captured(f);
        assert_string_equal(text, want);
}

static void test_warn(void **state)
{
        struct fixture *f = fx_new();

        (void)state;
        fake_reset();
        fake.ignored = "Unknown key 'X'";
        changes[1].unit_differs = true;
        warned(f, "");
        changes[0].unit_differs = true;
        warned(f, "warning: container 'a': a setting of its unit has no effect: Unknown key 'X'\n");
        assert_string_equal(fake.log, "load container@b.service\nload container@a.service container@b.service\n");
        fake.bus_error = -ENOENT;
        warned(f, "");
        systemd_free(f->op.systemd);
        fx_free(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_warn) };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
