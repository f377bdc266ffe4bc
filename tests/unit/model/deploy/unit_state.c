/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include "model/deploy/unit_state.h"
#include "svc/systemd/systemd.h"

#define STATE(name, state)                                        \
        {                                                         \
                .unit = (char *)(name), .active = (char *)(state) \
        }

static void test_find(void **state)
{
        const struct unit_state states[] = { STATE("a", "active"), STATE("b", "failed"), STATE("c", "activating") };

        (void)state;
        for (size_t n = 0; n <= 3; n++)
                for (size_t i = 0; i < 3; i++)
                        assert_ptr_equal(unit_state_find(states, n, states[i].unit), i < n ? &states[i] : NULL);
        assert_null(unit_state_find(states, 3, "aa"));
        assert_null(unit_state_find(states, 3, "d"));
        assert_null(unit_state_find(NULL, 0, "a"));
        assert_string_equal(unit_active(states, 3, "b"), "failed");
        assert_string_equal(unit_active(states, 3, "d"), "inactive");
        /* Without a main process. */
        assert_string_equal(unit_active(&(struct unit_state){ .unit = (char *)"a",
                                                              .active = (char *)"active",
                                                              .sub = (char *)"exited" },
                                        1, "a"),
                            "exited");
        assert_string_equal(unit_active(&(struct unit_state){ .unit = (char *)"a",
                                                              .active = (char *)"active",
                                                              .sub = (char *)"running" },
                                        1, "a"),
                            "active");
}

static void test_up(void **state)
{
        (void)state;
        assert_true(unit_is_up("active"));
        assert_true(unit_is_up("reloading"));
        assert_false(unit_is_up("activating"));
        assert_false(unit_is_up("deactivating"));
        assert_false(unit_is_up("failed"));
        assert_false(unit_is_up("inactive"));
        assert_true(unit_is_down("failed"));
        assert_true(unit_is_down("inactive"));
        assert_false(unit_is_down("active"));
        assert_false(unit_is_down("activating"));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_find), cmocka_unit_test(test_up) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
