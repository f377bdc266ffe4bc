/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/deploy/foreign.h"

static void test_check(void **state)
{
        struct ec_container c = { .name = (char *)"a", .unit = (char *)"container@a.service" };
        struct fixture *f = fx_new();

        (void)state;
        fake_reset();
        assert_int_equal(foreign_check(&f->op, &c, &f->err), 0);
        fake.machine_unit = "container@a.service";
        assert_int_equal(foreign_check(&f->op, &c, &f->err), 0);
        /* A machine without a unit cannot be told from others. */
        fake.machine_unit = "";
        assert_int_equal(foreign_check(&f->op, &c, &f->err), 0);
        fake.machine_unit = "machine-a.scope";
        assert_int_equal(foreign_check(&f->op, &c, &f->err), -EBUSY);
        assert_string_equal(err_msg(&f->err),
                            "a machine named 'a' runs that is not this container: it belongs to "
                            "machine-a.scope; end it first, for example with 'machinectl terminate a'");
        err_done(&f->err);
        fake.machine_unit = NULL;
        fake.machined_silent = true;
        assert_int_equal(foreign_check(&f->op, &c, &f->err), 1);
        assert_int_equal(f->err.code, 0);
        systemd_free(f->op.systemd);
        fx_free(f);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_check) };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
