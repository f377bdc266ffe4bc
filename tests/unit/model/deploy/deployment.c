/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/deploy/deployment.h"

static int setup(void **state)
{
        *state = fx_new();
        return 0;
}

static int teardown(void **state)
{
        fx_free(*state);
        return 0;
}

static void test_get(void **state)
{
        struct fixture *f = *state;
        struct deployment *d, *again;

        assert_null(f->op.deployment);
        assert_int_equal(deployment_get(&f->op, &d, &f->err), 0);
        assert_int_equal(deployment_get(&f->op, &again, &f->err), 0);
        assert_ptr_equal(d, again);
        assert_false(d->parsed || d->built || d->installed || d->changes);
        /* Everything is freed with the operation. */
        d->output = strdup("/x");
        d->list.items = calloc(1, sizeof(*d->list.items));
        d->list.items[0] = calloc(1, sizeof(struct ec_container));
        d->list.n = 1;
        d->changes = calloc(1, sizeof(*d->changes));
        d->changes[0].old_unit_path = strdup("/y");
        op_free_owned(&f->op);
        assert_null(f->op.deployment);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_get, setup, teardown) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
