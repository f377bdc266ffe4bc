/* SPDX-License-Identifier: MIT */
#include "in_child.h"

#include "fake_manager.h"
#include "svc/process/interrupt.h"
#include "svc/systemd/bus.h"

static struct manager fake;

static int setup(void **state)
{
        (void)state;
        memset(&fake, 0, sizeof(fake));
        return 0;
}

static void connect_bus(void)
{
        manager_start(&fake);
}

static int done(void **state)
{
        (void)state;
        if (fake.log) {
                sd_bus_close_unref(fake.client);
                manager_stop(&fake);
        }
        return 0;
}

static int reload(uint64_t timeout, sd_bus_error *e)
{
        return bus_call_method(fake.client, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "Reload", timeout, e, NULL,
                               NULL);
}

static void test_call(void **state)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;

        (void)state;
        connect_bus();
        assert_int_equal(reload(BUS_TIMEOUT, &e), 0);
        assert_int_equal(bus_call_method(fake.client, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "ListUnitsByPatterns",
                                         BUS_TIMEOUT, &e, &m, "asas", 0, 1, "*"),
                         0);
        assert_string_equal(sd_bus_message_get_signature(m, true), "a(ssssssouso)");
        sd_bus_message_unref(m);
        /* An error of the previous call does not make the next one fail. */
        assert_int_equal(bus_call_method(fake.client, BUS_SYSTEMD, BUS_SYSTEMD_PATH, BUS_MANAGER, "Nothing",
                                         BUS_TIMEOUT, &e, NULL, NULL),
                         -EBADR);
        assert_non_null(e.name);
        assert_int_equal(reload(BUS_TIMEOUT, &e), 0);
        assert_null(e.name);
}

static void test_errors(void **state)
{
        static const struct {
                const char *name;
                int code;
        } errors[] = {
                { BUS_NO_SUCH_UNIT, -ENOENT },
                { BUS_NO_SUCH_MACHINE, -ENOENT },
                { "org.freedesktop.DBus.Error.AccessDenied", -EACCES },
                { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", -EACCES },
                { "org.freedesktop.DBus.Error.UnknownObject", -ENOENT },
                { "System.Error.EBUSY", -EBUSY },
                { "com.example.Whatever", -EIO },
        };

        (void)state;
        fake.error_at = "Reload";
        fake.error_text = "Because.";
        fake.error_name = errors[0].name;
        connect_bus();
        for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
                sd_bus_error e = SD_BUS_ERROR_NULL;

                fake.error_name = errors[i].name; /* no call is pending */
                assert_int_equal(reload(BUS_TIMEOUT, &e), errors[i].code);
                assert_string_equal(e.name, errors[i].name);
                sd_bus_error_free(&e);
        }
}

static void test_timeout(void **state)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;

        (void)state;
        fake.silent_at = "Reload";
        connect_bus();
        assert_int_equal(reload(20 * USEC_PER_MSEC, &e), -ETIMEDOUT);
        sd_bus_error_free(&e);
}

static void test_connection_lost(void **state)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;

        (void)state;
        fake.die_at = "Reload";
        connect_bus();
        assert_int_equal(reload(BUS_TIMEOUT, &e), -ECONNRESET);
        assert_true(reload(BUS_TIMEOUT, &e) < 0); /* the connection does not come back, and nothing waits for it */
        sd_bus_error_free(&e);
}

/* Each in its own process, because a signal that was read stays read. */
static void in_test_interrupted(void)
{
        sd_bus_error e = SD_BUS_ERROR_NULL;
        struct ec_err err = { 0 };

        fake.silent_at = "Reload";
        must(interrupt_init() == 0);
        connect_bus();
        must(kill(getpid(), SIGINT) == 0);
        must(reload(BUS_TIMEOUT, &e) == -ECANCELED);
        must(bus_err(&err, -ECANCELED, &e, "cannot do it") == -ECANCELED && !strcmp(err_msg(&err), "interrupted"));
        err_done(&err);
        interrupt_clear();
        /* While the call waits. */
        pid_t pid = fork();
        if (!pid) {
                poll(NULL, 0, 50);
                kill(getppid(), SIGTERM);
                _exit(0);
        }
        must(reload(BUS_TIMEOUT, &e) == -ECANCELED);
        waitpid(pid, NULL, 0);
        /* Steps that undo something are not interrupted. */
        fake.silent_at = NULL;
        interrupt_hold();
        must(reload(BUS_TIMEOUT, &e) == 0);
        interrupt_release();
        must(reload(BUS_TIMEOUT, &e) == -ECANCELED);
        sd_bus_close_unref(fake.client);
        manager_stop(&fake);
}
CHILD_TEST(test_interrupted)

static void test_get(void **state)
{
        static const char *const text[] = { "s", NULL }, *const words[] = { "as", NULL };
        sd_bus_error e = SD_BUS_ERROR_NULL;
        sd_bus_message *m = NULL;
        const char *s;

        (void)state;
        fake.units[0] = (struct manager_unit){ .name = "a.service", .active = "active" };
        connect_bus();
        assert_int_equal(bus_get(fake.client, BUS_SYSTEMD, "/org/freedesktop/systemd1/unit/a_2eservice", "x.y",
                                 "ActiveState", text, &e, &m),
                         0);
        assert_true(sd_bus_message_read(m, "s", &s) > 0);
        assert_string_equal(s, "active");
        sd_bus_message_unref(m);
        /* A property of an unexpected type is an error, not a crash. */
        assert_true(bus_get(fake.client, BUS_SYSTEMD, "/org/freedesktop/systemd1/unit/a_2eservice", "x.y",
                            "ActiveState", words, &e, &m) < 0);
        assert_non_null(strstr(e.message, "is of type 's'"));
        assert_true(bus_get(fake.client, BUS_SYSTEMD, "/org/freedesktop/systemd1/unit/a_2eservice", "x.y", "Nothing",
                            text, &e, &m) < 0);
        sd_bus_error_free(&e);
        assert_true(bus_get(fake.client, BUS_SYSTEMD, "/elsewhere", "x.y", "ActiveState", text, &e, &m) == -ENOENT);
        sd_bus_error_free(&e);
}

static void test_text(void **state)
{
        static const struct {
                const char *name, *message, *text;
        } cases[] = {
                { "a.B", "It failed.", "It failed" },
                { "a.B", "It failed", "It failed" },
                { "a.B", "", "a.B" },
                { "a.B", NULL, "a.B" },
                { "a.B", "two\nlines\x1b", "two lines " },
                { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "Long text", "permission denied" },
                { NULL, NULL, "Input/output error" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                sd_bus_error e = { .name = cases[i].name, .message = cases[i].message };
                struct ec_err err = { 0 };
                char *got = bus_error_text(-EIO, &e), *want = str_printf("cannot open 7: %s", cases[i].text);

                assert_string_equal(got, cases[i].text);
                assert_true(bus_err(&err, -EIO, &e, "cannot open %d", 7) < 0);
                assert_string_equal(err_msg(&err), want);
                err_done(&err);
                free(want);
                free(got);
        }
        struct ec_err err = { 0 };
        char *got = bus_error_text(-ECONNRESET, NULL), longer[2000] = { 0 };

        assert_string_equal(got, "the connection to the system bus was lost");
        free(got);
        memset(longer, 'x', sizeof(longer) - 1);
        got = bus_error_text(-EIO, &(sd_bus_error){ .name = "a.B", .message = longer });
        assert_int_equal(strlen(got), 503);
        assert_true(str_ends(got, "xxx..."));
        free(got);
        assert_int_equal(bus_err(&err, -ENOMEM, NULL, "x"), -ENOMEM);
        assert_err(&err, -ENOMEM, "out of memory");
        assert_int_equal(bus_err(&err, -ECONNRESET, NULL, "x"), -ECONNRESET);
        assert_err(&err, -ECONNRESET, "x: the connection to the system bus was lost");
}

static void in_test_poll(void)
{
        uint64_t begin;
        int r;

        must(interrupt_init() == 0);
        connect_bus();
        /* The connection is set up with the first reply. */
        must(reload(BUS_TIMEOUT, NULL) == 0);
        while ((r = bus_poll(fake.client, 0)) > 0)
                ;
        must(r == 0);
        begin = clock_usec();
        while (clock_usec() < begin + 30 * USEC_PER_MSEC)
                must(bus_poll(fake.client, begin + 30 * USEC_PER_MSEC) == 0);
        must(clock_usec() < begin + 20 * USEC_PER_SEC);
        must(kill(getpid(), SIGTERM) == 0);
        must(bus_poll(fake.client, UINT64_MAX) == BUS_SIGNAL);
        interrupt_hold();
        must(bus_poll(fake.client, clock_usec() + USEC_PER_MSEC) == 0);
        interrupt_release();
        must(interrupt_signal() == SIGTERM);
        /* A deadline in the past does not wait. */
        must(bus_poll(fake.client, 0) == 0);
        must(!bus_sender(fake.client, BUS_SYSTEMD));
        sd_bus_close_unref(fake.client);
        manager_stop(&fake);
}
CHILD_TEST(test_poll)

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, done)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_call),        TEST(test_errors), TEST(test_timeout), TEST(test_connection_lost),
                TEST(test_interrupted), TEST(test_get),    TEST(test_text),    TEST(test_poll),
        };
        return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
