/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/operation/op.h"
#include "plugin/host.h"
#include "plugin/loader.h"
#include "svc/conf/conf.h"
#include "util/err.h"
#include "util/fs.h"

static struct plugins plugins;
static struct host_context ctx = { .plugins = &plugins, .program = "/bin/ec" };
static struct plugin_host *own, *other;
static const struct ec_host *h;
static struct ec_op op = OP_INIT;

static const struct ec_setting settings[] = { { "colour", "string", "red", "x" }, { "wait", "duration", "2s", "x" } };
static const struct ec_array settings_array = EC_ARRAY(settings);

static int setup(void **state)
{
        char file[] = "/tmp/extra-container-host.XXXXXX";
        static const char text[] = "[one]\ncolour = blue\n";
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
                r = plugin_host_new(&ctx, "one", "/plugins/one", &own, &err);
        if (r >= 0)
                r = plugin_host_new(&ctx, "two", "/plugins/two", &other, &err);
        if (r < 0) {
                print_error("%s\n", err_msg(&err));
                return -1;
        }
        h = plugin_host_api(own);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        plugin_host_free(own);
        plugin_host_free(other);
        plugin_host_free(NULL);
        conf_free(ctx.conf);
        return 0;
}

static void test_tables(void **state)
{
        (void)state;
        assert_int_equal(h->size, sizeof(*h));
        assert_int_equal(h->abi_major, EC_ABI_MAJOR);
        assert_int_equal(h->abi_minor, EC_ABI_MINOR);
        assert_string_equal(h->plugin_dir, "/plugins/one");
        assert_string_equal(h->program, "/bin/ec");
        /* The last member of each: none was left out. */
        assert_true(EC_HAS(h->log, log) && EC_HAS(h->err, clear) && EC_HAS(h->opt, command) && EC_HAS(h->conf, path));
        assert_true(EC_HAS(h->proc, result_done) && EC_HAS(h->nix, setenv) && EC_HAS(h->systemd, get_string));
        assert_true(EC_HAS(h->machine, leader) && EC_HAS(h->containers, foreach_installed) && EC_HAS(h->deploy, shell));
        assert_true(EC_HAS(h->shell, dir) && EC_HAS(h->term, is_tty) && EC_HAS(h->table, free) && h->mem_free);
}

static void test_settings_are_own(void **state)
{
        const struct ec_host *two = plugin_host_api(other);

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
        assert_int_equal(h->err->prefix(&err, "in %d", 7), -ENOENT);
        assert_string_equal(h->err->message(&err), "in 7: no thing");
        assert_false(err.usage);
        h->err->clear(&err);
        assert_string_equal(h->err->message(&err), "");
        /* A plugin that mixes up the sign still fails. */
        assert_true(h->err->set(&err, ENOENT, "x") < 0);
        h->err->clear(&err);
        assert_true(h->err->set(&err, 0, "x") < 0);
        h->err->clear(&err);
        assert_int_equal(h->err->usage(&err, "wrong"), -EINVAL);
        assert_true(err.usage);
        h->err->clear(&err);
}

struct proc_next {
        struct ec_proc now;
        void *more;
};

static void test_proc_sizes(void **state)
{
        static const char *const argv[] = { "sh", "-c", "echo out; exit 3", NULL };
        struct proc_next p = { .now = { .size = sizeof(p), .flags = EC_PROC_CAPTURE, .argv = argv } };
        struct {
                struct ec_proc_result now;
                uint64_t more;
        } res = { .now = { .size = sizeof(res) }, .more = 42 };
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(h->proc->run(&op, &p.now, &res.now, &err), 0);
        assert_int_equal(res.now.status, 3);
        assert_string_equal(res.now.out, "out\n");
        assert_int_equal(res.now.size, sizeof(res));
        assert_int_equal(res.more, 42);
        h->proc->result_done(&res.now);

        p.more = &p;
        assert_int_equal(h->proc->run(&op, &p.now, &res.now, &err), -E2BIG);
        assert_string_equal(err_msg(&err), "struct ec_proc uses what ABI 1.0 does not have");
        err_done(&err);
        p.now.size = 0;
        assert_int_equal(h->proc->run(&op, &p.now, &res.now, &err), -EINVAL);
        err_done(&err);
}

static void test_modules(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(h->nix->add_module(NULL, "module.nix", &err), -EINVAL);
        assert_string_equal(err_msg(&err), "module 'module.nix' is no absolute path");
        err_done(&err);
        if (geteuid() != 0)
                return;
        assert_true(h->nix->add_module(NULL, "/nonexistent/module.nix", &err) < 0);
        err_done(&err);
}

static void test_columns(void **state)
{
        struct {
                struct ec_column now;
                uint64_t more;
        } next[] = { { { "a", "A", EC_COL_STR, 0 }, 1 }, { { "b", "B", EC_COL_INT, 0 }, 2 } };
        struct ec_array a = EC_ARRAY(next);
        struct ec_table *t = NULL;
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(h->table->create(&op, &a, &t, &err), 0);
        assert_int_equal(h->table->add_row(t, &err), 0);
        assert_int_equal(h->table->set_int(t, "b", 1, &err), 0);
        h->table->free(t);
        a.stride = 8;
        assert_int_equal(h->table->create(&op, &a, &t, &err), -EINVAL);
        err_done(&err);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tables),  cmocka_unit_test(test_settings_are_own),
                cmocka_unit_test(test_err),     cmocka_unit_test(test_proc_sizes),
                cmocka_unit_test(test_modules), cmocka_unit_test(test_columns),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
