/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/deploy/deploy.h"

static int setup(void **state)
{
        struct fixture *f = *state = fx_new();

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc", "c", 1, "SYSTEM_PATH=/1\n", false);
        return 0;
}

static int teardown(void **state)
{
        fx_free(*state);
        return 0;
}

static int add_name(void *data, const struct ec_container *c)
{
        return strv_push(data, c->name);
}

static int stop_at_b(void *data, const struct ec_container *c)
{
        ++*(int *)data;
        return !strcmp(c->name, "b") ? 7 : 0;
}

static void assert_names(char **names, const char *expected)
{
        char *all = strv_join(STRV_CONST(names), " ");

        assert_string_equal(all, expected);
        free(all);
        strv_free(names);
}

static void test_output(void **state)
{
        struct fixture *f = *state;
        struct deployment *d;
        char **names = NULL;
        int calls = 0;

        assert_null(deploy_output(&f->op));
        d = fx_use(f, "etc", NULL);
        assert_int_equal(deploy_build(&f->op, &f->err), 0);
        assert_string_equal(deploy_output(&f->op), d->output);
        assert_int_equal(deploy_foreach(&f->op, add_name, &names, &f->err), 0);
        assert_names(names, "a b c");
        assert_int_equal(deploy_foreach(&f->op, stop_at_b, &calls, &f->err), 7);
        assert_int_equal(calls, 2);
        assert_int_equal(deploy_names(&f->op, &names, &f->err), 0);
        assert_names(names, "a b c");
}

static void test_names(void **state)
{
        struct fixture *f = *state;
        struct deployment *d, *again;
        char **names = NULL;

        fx_use(f, "etc", (const char *const[]){ "c", "a", NULL });
        assert_int_equal(deploy_names(&f->op, &names, &f->err), 0);
        assert_names(names, "a c");
        assert_int_equal(deploy_load(&f->op, &d, &f->err), 0);
        assert_int_equal(d->list.n, 2);
        for (size_t i = 0; i < 2; i++)
                assert_ptr_equal(d->changes[i].c, d->list.items[i]);
        assert_int_equal(deploy_load(&f->op, &again, &f->err), 0);
        assert_ptr_equal(again, d);
}

static void test_unknown(void **state)
{
        struct fixture *f = *state;
        struct deployment *d;

        fx_use(f, "etc", (const char *const[]){ "zzz", NULL });
        assert_int_equal(deploy_load(&f->op, &d, &f->err), -ENOENT);
        assert_non_null(strstr(err_msg(&f->err), "unknown container 'zzz'"));
        assert_non_null(strstr(err_msg(&f->err), "'a', 'b', 'c'"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = { T(test_output), T(test_names), T(test_unknown) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
