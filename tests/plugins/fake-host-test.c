/* SPDX-License-Identifier: MIT
 *
 * Where the fake host has to behave like the program. Its name cannot be that of a plugin.
 */
#include "fake_host.h"

static struct fake fake;

static int setup(void **state)
{
        (void)state;
        fake_init(&fake);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        fake_done(&fake);
        return 0;
}

static void test_list(void **state)
{
        const struct ec_conf_api *conf = fake.host.conf;
        const char *const *tastes;

        (void)state;
        fake_setting(&fake, "tastes", "bitter");
        fake_setting(&fake, "tastes", "sweet  sour");
        fake_setting(&fake, "colours", "red");
        tastes = conf->get_list(&fake.host, "tastes");
        assert_string_equal(conf->get_list(&fake.host, "colours")[0], "red");
        assert_string_equal(tastes[0], "sweet");
        assert_string_equal(tastes[1], "sour");
        assert_null(tastes[2]);
        assert_ptr_equal(conf->get_list(&fake.host, "tastes"), tastes);
        assert_null(conf->get_list(&fake.host, "unknown")[0]);
}

static void test_duration(void **state)
{
        static const struct {
                const char *text;
                uint64_t ms;
        } all[] = { { "0", 0 },         { "2", 2000 },     { "300ms", 300 },   { "2s", 2000 },
                    { "2min", 120000 }, { "2h", 7200000 }, { "2d", 172800000 } };

        (void)state;
        assert_int_equal(fake.host.conf->get_ms(&fake.host, "wait"), 0);
        for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
                fake_setting(&fake, "wait", all[i].text);
                assert_int_equal(fake.host.conf->get_ms(&fake.host, "wait"), all[i].ms);
        }
}

static void test_prefix(void **state)
{
        const struct ec_err_api *err = fake.host.err;

        (void)state;
        assert_int_equal(err->set(&fake.err, -ENOENT, "no %s", "thing"), -ENOENT);
        assert_int_equal(err->prefix(&fake.err, -EIO, "in %d", 7), -EIO);
        assert_string_equal(err->message(&fake.err), "in 7: no thing");
        assert_int_equal(err->prefix(NULL, -ENOENT, "in %d", 7), -ENOENT);
}

static int run(void *self, struct ec_op *op, struct ec_err *err)
{
        (void)self, (void)op, (void)err;
        return 3;
}

static void test_arguments(void **state)
{
        static const struct ec_command commands[] = { { .name = "none", .synopsis = "", .run = run },
                                                      { .name = "some", .synopsis = "[NAME...]", .run = run } };
        static const struct ec_plugin plugin = { .size = sizeof(plugin), .commands = EC_ARRAY(commands) };

        (void)state;
        assert_int_equal(fake_run(&fake, &plugin, NULL, "none"), 3);
        fake_args(&fake, "web", (char *)NULL);
        assert_int_equal(fake_run(&fake, &plugin, NULL, "some"), 3);
        assert_int_equal(fake_run(&fake, &plugin, NULL, "none"), -EINVAL);
        assert_true(fake.err.usage);
        assert_string_equal(fake.host.err->message(&fake.err), "none takes no arguments, but 'web' was given");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_list, setup, teardown),
                cmocka_unit_test_setup_teardown(test_duration, setup, teardown),
                cmocka_unit_test_setup_teardown(test_prefix, setup, teardown),
                cmocka_unit_test_setup_teardown(test_arguments, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
