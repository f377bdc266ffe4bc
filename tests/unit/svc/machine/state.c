/* SPDX-License-Identifier: MIT */
#include "svc/machine/state.h"

#include "capture.h"
#include "svc/machine/machine.h"
#include "svc/systemd/systemd.h"
#include "util/err.h"

static const char *state; /* of the container's unit; NULL: unknown */
static bool registered;

int systemd_get_string(struct systemd *s, const char *unit, const char *iface, const char *prop, char **ret,
                       struct ec_err *err)
{
        (void)s, (void)iface, (void)prop, (void)err;
        assert_string_equal(unit, "container@demo.service");
        if (!state)
                return -EIO;
        *ret = strdup(state);
        return 0;
}

int machine_running(struct systemd *s, const char *name, struct ec_err *err)
{
        (void)s, (void)err;
        assert_string_equal(name, "demo");
        return registered;
}

static struct exec command(void)
{
        return (struct exec){
                .name = "demo",
                .unit = (char *)"container@demo.service",
                .label = "sleep",
        };
}

static void unit_state(const char *systemd_says, bool is_registered, const char *expected, bool down)
{
        struct exec x = command();
        char *got;

        state = systemd_says;
        registered = is_registered;
        got = exec_unit_state(&x);
        if (expected)
                assert_string_equal(got, expected);
        else
                assert_null(got);
        assert_int_equal(exec_state_down(got), down);
        free(got);
}

static void test_unit_state(void **s UNUSED)
{
        struct ec_err err = { 0 };
        struct exec x = command();

        unit_state("active", true, "active", false);
        unit_state("activating", false, "activating", false);
        unit_state("inactive", false, "inactive", true);
        unit_state("failed", false, "failed", true);
        unit_state("deactivating", true, "deactivating", true);
        unit_state("inactive", true, "active", false); /* another unit runs this machine */
        unit_state(NULL, true, NULL, false);
        assert_int_equal(exec_stopped(&x, &err), -ECONNRESET);
        assert_string_equal(err_msg(&err), "container 'demo' stopped while 'sleep' was running in it");
        err_done(&err);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_unit_state) };

        return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
