/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "fake_manager.h"
#include "svc/systemd/systemd.h"

static struct manager fake;
static struct systemd *s;
static struct ec_err err;

static int setup(void **state)
{
        (void)state;
        memset(&fake, 0, sizeof(fake));
        return 0;
}

static void begin(void)
{
        manager_start(&fake);
        assert_int_equal(systemd_new(fake.client, &s, &err), 0);
}

static int done(void **state)
{
        (void)state;
        systemd_free(s);
        s = NULL;
        if (fake.log)
                manager_stop(&fake);
        return 0;
}

static void test_reload(void **state)
{
        (void)state;
        begin();
        assert_int_equal(systemd_daemon_reload(s, &err), 0);
        assert_string_equal(manager_log(&fake), "reload\n");
}

static void test_reset_failed(void **state)
{
        (void)state;
        begin();
        assert_int_equal(systemd_reset_failed(s, "container@a.service", &err), 0);
        assert_string_equal(manager_log(&fake), "reset container@a.service\n");
}

static void test_reload_fails(void **state)
{
        (void)state;
        fake.error_at = "Reload";
        fake.error_name = "org.freedesktop.DBus.Error.AccessDenied";
        fake.error_text = "Access denied.";
        begin();
        assert_int_equal(systemd_daemon_reload(s, &err), -EACCES);
        assert_err(&err, -EACCES, "systemd did not reload its units: Access denied");
}

static void test_reload_lost(void **state)
{
        (void)state;
        fake.die_at = "Reload";
        begin();
        assert_int_equal(systemd_daemon_reload(s, &err), -ECONNRESET);
        assert_err(&err, -ECONNRESET, "systemd did not reload its units: the connection to the system bus was lost");
        assert_true(systemd_daemon_reload(s, &err) < 0); /* a test's bus is not reopened */
        err_done(&err);
}

/* systemd executes itself again: its connection is lost, and then it has no name for a moment. */
static void test_reexec(void **state)
{
        const char *const errors[][2] = {
                { SD_BUS_ERROR_NO_REPLY, "Message recipient disconnected from message bus without replying" },
                { SD_BUS_ERROR_SERVICE_UNKNOWN, "The name is not activatable" },
        };

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                fake.error_at = "Reload";
                fake.error_name = errors[i][0];
                fake.error_text = errors[i][1];
                fake.errors = 2;
                begin();
                assert_int_equal(systemd_daemon_reload(s, &err), 0);
                assert_string_equal(manager_log(&fake), "reload\n");
                done(state);
                memset(&fake, 0, sizeof(fake));
        }
        begin();
}

static void test_list(void **state)
{
        struct unit_state *v = NULL;
        size_t n = 0;

        (void)state;
        fake.units[0] = (struct manager_unit){ .name = "container@b.service", .active = "active" };
        fake.units[1] = (struct manager_unit){ .name = "container@a.service", .active = "failed" };
        fake.units[2] = (struct manager_unit){ .name = "container@b-c.service", .job = "/job/7" };
        begin();
        assert_int_equal(systemd_list(s, "container@*.service", &v, &n, &err), 0);
        assert_int_equal(n, 3);
        assert_string_equal(v[0].unit, "container@a.service");
        assert_string_equal(v[0].active, "failed");
        assert_string_equal(v[0].sub, "dead");
        assert_string_equal(v[1].unit, "container@b-c.service"); /* sorted by bytes: '-' comes before '.' */
        assert_string_equal(v[1].active, "inactive");
        assert_true(!v[0].queued && v[1].queued && !v[2].queued);
        assert_string_equal(v[2].unit, "container@b.service");
        unit_states_free(v, n);
        unit_states_free(NULL, 0);
}

static void test_list_none(void **state)
{
        struct unit_state *v = (void *)1;
        size_t n = 7;

        (void)state;
        begin();
        assert_int_equal(systemd_list(s, "x*", &v, &n, &err), 0);
        assert_int_equal(n, 0);
        unit_states_free(v, n);
}

static void test_list_fails(void **state)
{
        struct unit_state *v = (void *)1;
        size_t n = 7;

        (void)state;
        fake.error_at = "ListUnitsByPatterns";
        fake.error_name = "System.Error.EPERM";
        fake.error_text = "No";
        begin();
        assert_int_equal(systemd_list(s, "x*", &v, &n, &err), -EPERM);
        assert_err(&err, -EPERM, "cannot list the units 'x*': No");
        assert_int_equal(n, 7); /* unchanged */
}

static void test_strings(void **state)
{
        char *text = NULL;

        (void)state;
        fake.units[0] = (struct manager_unit){ .name = "container@a-b.service", .active = "active" };
        begin();
        assert_int_equal(systemd_get_string(s, "container@a-b.service", "Unit", "ActiveState", &text, &err), 0);
        assert_string_equal(text, "active");
        free(text);
        text = NULL;
        /* systemd calls an unknown unit inactive. */
        assert_int_equal(systemd_get_string(s, "container@x.service", "Unit", "ActiveState", &text, &err), 0);
        assert_string_equal(text, "inactive");
        free(text);
        text = NULL;
        assert_int_equal(systemd_get_string(s, "a.service", "org.freedesktop.systemd1.Unit", "Job", &text, &err), 0);
        assert_string_equal(text, "/job/1");
        free(text);
        text = NULL;
        assert_true(systemd_get_string(s, "a.service", "Unit", "T", &text, &err) < 0);
        assert_err(&err, err.code, "cannot read property T of a.service: property T is of type 't'");
        assert_true(systemd_get_string(s, "a.service", "Unit", "Nothing", &text, &err) < 0);
        assert_err(&err, err.code, "cannot read property Nothing of a.service: Unknown property Nothing");
        assert_null(text);
}

static void test_numbers(void **state)
{
        static const struct {
                const char *prop;
                uint64_t value;
        } numbers[] = {
                { "T", UINT64_MAX }, { "X", (uint64_t)-2 }, { "U", UINT32_MAX }, { "I", (uint64_t)-1 }, { "B", 1 },
        };
        uint64_t n;

        (void)state;
        begin();
        for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
                n = 99;
                assert_int_equal(systemd_get_u64(s, "a.service", "Service", numbers[i].prop, &n, &err), 0);
                assert_true(n == numbers[i].value);
        }
        n = 99;
        assert_true(systemd_get_u64(s, "a.service", "Unit", "ActiveState", &n, &err) < 0);
        assert_err(&err, err.code, "is of type 's'");
        assert_int_equal(n, 99);
}

static void test_unit_dir(void **state)
{
        char *top = temp_dir();

        (void)state;
        begin();
        assert_int_equal(systemd_has_unit_dir(s, "/etc/systemd/system", &err), 1);
        assert_int_equal(systemd_has_unit_dir(s, "/etc/systemd/system//", &err), 1);
        assert_int_equal(systemd_has_unit_dir(s, "/etc/systemd/syste", &err), 0);
        assert_int_equal(systemd_has_unit_dir(s, "/", &err), 0);
        assert_int_equal(systemd_has_unit_dir(s, top, &err), 0);
        rmdir(top);
        free(top);
}

static void test_unit_dir_fails(void **state)
{
        (void)state;
        fake.die_at = "Get";
        begin();
        assert_int_equal(systemd_has_unit_dir(s, "/x", &err), -ECONNRESET);
        assert_err(&err, -ECONNRESET, "cannot read where systemd loads units from");
}

/* A unit changes during each reload. */
static int change_meanwhile(struct manager *m, sd_bus_message *call)
{
        if (!strcmp(sd_bus_message_get_member(call), "Subscribe"))
                return sd_bus_reply_method_return(call, "");
        if (!strcmp(sd_bus_message_get_member(call), "Reload"))
                (void)sd_bus_emit_signal(m->bus, "/org/freedesktop/systemd1/unit/a", "org.freedesktop.DBus.Properties",
                                         "PropertiesChanged", "sa{sv}as", "org.freedesktop.systemd1.Unit", 0, 0);
        return 0;
}

static void test_wait(void **state)
{
        uint64_t since;

        (void)state;
        fake.other = change_meanwhile;
        begin();
        since = clock_usec();
        assert_int_equal(systemd_wait(s, since + 60 * USEC_PER_SEC, &err), 0);
        assert_true(clock_usec() - since < 30 * USEC_PER_SEC);
        /* Nothing has changed since. */
        since = clock_usec();
        assert_int_equal(systemd_wait(s, since + USEC_PER_SEC / 5, &err), 0);
        assert_true(clock_usec() - since >= USEC_PER_SEC / 5);
        assert_int_equal(systemd_daemon_reload(s, &err), 0);
        since = clock_usec();
        assert_int_equal(systemd_wait(s, since + 60 * USEC_PER_SEC, &err), 0);
        assert_true(clock_usec() - since < 30 * USEC_PER_SEC);
}

/* Without systemd as PID 1. */
static void test_no_systemd(void **state)
{
        struct sd_bus *bus = NULL;

        (void)state;
        assert_int_equal(systemd_new(NULL, &s, &err), 0);
        if (access("/run/systemd/system", F_OK)) {
                assert_int_equal(systemd_bus(s, &bus, &err), -ENOSYS);
                assert_err(&err, -ENOSYS, "it is not PID 1 of this host");
                assert_int_equal(systemd_daemon_reload(s, &err), -ENOSYS);
                err_done(&err);
        }
        systemd_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, done)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_reload),     TEST(test_reset_failed), TEST(test_reload_fails), TEST(test_reload_lost),
                TEST(test_reexec),     TEST(test_list),         TEST(test_list_none),    TEST(test_list_fails),
                TEST(test_strings),    TEST(test_numbers),      TEST(test_unit_dir),     TEST(test_unit_dir_fails),
                TEST(test_no_systemd), TEST(test_wait),
        };
        return cmocka_run_group_tests_name("systemd", tests, NULL, NULL);
}
