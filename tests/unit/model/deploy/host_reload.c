/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/containers/pending.h"
#include "model/deploy/host_reload.h"

static int setup(void **state)
{
        struct fixture *f = *state = fx_new();

        fake_reset();
        assert_int_equal(pending_reload_set(&f->layout, NULL, &f->err), 0);
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        systemd_free(f->op.systemd);
        fx_free(f);
        return 0;
}

static void test_reload(void **state)
{
        struct fixture *f = *state;

        *f->layout.root = 0;
        fake.bus_error = -ENOENT;
        assert_int_equal(host_reload(&f->op, NULL, &f->err), -ENOENT);
        assert_true(pending_reload(&f->layout)); /* still pending */
        err_done(&f->err);
        fake.bus_error = 0;
        assert_int_equal(host_reload(&f->op, NULL, &f->err), 0);
        assert_false(pending_reload(&f->layout));
        assert_string_equal(fake.log, "reload\nreload\n");
}

/* The host's systemd does not load units below another root. */
static void test_offline(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(host_reload(&f->op, NULL, &f->err), 0);
        assert_false(pending_reload(&f->layout));
        assert_string_equal(fake.log, "");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_reload), T(test_offline) };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
