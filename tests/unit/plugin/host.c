/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "plugin/host.h"
#include "plugin/loader.h"
#include "svc/conf/conf.h"
#include "util/err.h"
#include "util/fs.h"

static struct host_context ctx = { .program = "/bin/ec" };
static const struct ec_host *h, *other;

static const struct ec_setting settings[] = { { "colour", "string", "red", "x" },
                                              { "wait", "duration", "2s", "x" },
                                              { "depth", "int", NULL, "x" },
                                              { "tastes", "list", NULL, "x" } };
static const struct ec_array settings_array = EC_ARRAY(settings);

static int setup(void **state)
{
        char file[] = "/tmp/extra-container-host.XXXXXX";
        static const char text[] = "[one]\ncolour = blue\ndepth = -3\ntastes = sweet  sour\n";
        struct ec_err err = { 0 };
        int fd = mkstemp(file), r;

        (void)state;
        if (fd < 0)
                return -1;
        close(fd);
        r = fs_write_atomic(file, text, strlen(text), 0644);
        if (r >= 0)
                r = conf_load(&ctx.conf, file, &err);
        unlink(file);
        if (r >= 0)
                r = conf_declare(ctx.conf, "one", &settings_array, &err);
        if (r >= 0)
                r = conf_declare(ctx.conf, "two", &settings_array, &err);
        if (r >= 0)
                r = plugin_host_new(&ctx, "one", "/plugins/one", &h, &err);
        if (r >= 0)
                r = plugin_host_new(&ctx, "two", "/plugins/two", &other, &err);
        if (r < 0) {
                print_error("%s\n", err_msg(&err));
                return -1;
        }
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        plugin_host_free(h);
        plugin_host_free(other);
        plugin_host_free(NULL);
        conf_free(ctx.conf);
        return 0;
}

static const void *word(const void *from, size_t at)
{
        const void *p;

        memcpy(&p, (const char *)from + at, sizeof(p));
        return p;
}

/* A table is "uint32_t size, reserved" and then functions only, of which none may be missing. */
static void assert_bound(size_t offset_in_host, const void *table)
{
        uint32_t head[2];

        memcpy(head, table, sizeof(head));
        assert_int_equal(head[1], 0);
        assert_true(head[0] > sizeof(head) && head[0] % sizeof(void *) == 0);
        for (size_t at = sizeof(head); at < head[0]; at += sizeof(void *))
                if (!word(table, at))
                        fail_msg("the table at offset %zu of struct ec_host: nothing is bound at offset %zu",
                                 offset_in_host, at);
}

static void test_tables(void **state)
{
        (void)state;
        assert_int_equal(h->size, sizeof(*h));
        assert_int_equal(h->abi_major, EC_ABI_MAJOR);
        assert_int_equal(h->abi_minor, EC_ABI_MINOR);
        assert_string_equal(h->plugin_dir, "/plugins/one");
        assert_string_equal(h->program, "/bin/ec");
        for (size_t at = offsetof(struct ec_host, log); at < sizeof(*h); at += sizeof(void *)) {
                assert_non_null(word(h, at));
                if (at != offsetof(struct ec_host, mem_free) && at != offsetof(struct ec_host, plugin_dir) &&
                    at != offsetof(struct ec_host, program))
                        assert_bound(at, word(h, at));
        }
}

/* A plugin of a later minor version sees that this program lacks its tables and members. */
struct later_api {
        uint32_t size, reserved;
        void (*something)(void);
};
struct later_host {
        struct ec_host now;
        const struct later_api *one, *two, *three;
};
struct longer_log {
        struct ec_log_api now;
        void (*more)(void);
};

static void test_later_tables(void **state)
{
        const struct later_host *later = (const struct later_host *)(const void *)h;
        const struct longer_log *log = (const struct longer_log *)(const void *)h->log;

        (void)state;
        assert_false(EC_HAS(later->one, something));
        assert_false(EC_HAS(later->two, something));
        assert_false(EC_HAS(later->three, something));
        assert_false(log->now.size >= sizeof(*log));
}

static void test_lists_and_numbers(void **state)
{
        const struct ec_host *two = other;

        (void)state;
        assert_int_equal(h->conf->get_int(h, "depth"), -3);
        assert_int_equal(two->conf->get_int(two, "depth"), 0); /* not set and without a default */
        assert_string_equal(h->conf->get_list(h, "tastes")[0], "sweet");
        assert_string_equal(h->conf->get_list(h, "tastes")[1], "sour");
        assert_null(h->conf->get_list(h, "tastes")[2]);
        assert_ptr_equal(h->conf->get_list(h, "tastes"), h->conf->get_list(h, "tastes"));
        assert_null(two->conf->get_list(two, "tastes")[0]);
        assert_null(h->conf->get_list(h, "unknown")[0]);
}

static void test_refused_settings(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(h->conf->refuse(h, "depth", "larger", &err), -EINVAL);
        assert_non_null(strstr(err.msg, ": 'depth' of [one] must be larger, not '-3'"));
        err_done(&err);
}

static void test_settings_are_own(void **state)
{
        const struct ec_host *two = other;

        (void)state;
        assert_string_equal(h->conf->get(h, "colour"), "blue");
        assert_string_equal(two->conf->get(two, "colour"), "red");
        assert_int_equal(h->conf->get_ms(h, "wait"), 2000);
        assert_null(h->conf->get(h, "taste"));
}

static void test_err(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        assert_string_equal(h->err->message(&err), "");
        assert_int_equal(h->err->set(&err, -ENOENT, "no %s", "thing"), -ENOENT);
        assert_int_equal(h->err->prefix(&err, -ENOENT, "in %d", 7), -ENOENT);
        assert_string_equal(h->err->message(&err), "in 7: no thing");
        assert_false(err.usage);
        h->err->clear(&err);
        assert_int_equal(h->err->prefix(NULL, -ENOENT, "in %d", 7), -ENOENT); /* the code is kept without a text */
        assert_string_equal(h->err->message(&err), "");
        /* A plugin that returns a positive errno still fails. */
        assert_true(h->err->set(&err, ENOENT, "x") < 0);
        h->err->clear(&err);
        assert_true(h->err->set(&err, 0, "x") < 0);
        h->err->clear(&err);
        assert_int_equal(h->err->usage(&err, "wrong"), -EINVAL);
        assert_true(err.usage);
        h->err->clear(&err);
}

/* Plugins print what containers say. */
static void test_output(void **state)
{
        struct capture c;
        char *text;

        (void)state;
        capture_begin(&c, STDOUT_FILENO);
        h->term->out(h, "%s: %d\t\n", "a\033[2J\033[31mb\r\x7f\xe2\x80\xae\xff", 1);
        text = capture_end(&c);
        assert_string_equal(text, "ab?: 1\t\n");
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tables),
                cmocka_unit_test(test_settings_are_own),
                cmocka_unit_test(test_err),
                cmocka_unit_test(test_later_tables),
                cmocka_unit_test(test_lists_and_numbers),
                cmocka_unit_test(test_refused_settings),
                cmocka_unit_test(test_output),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
