/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "model/operation/features.h"
#include "model/operation/hooks.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

static char dir[] = "/tmp/extra-container-features.XXXXXX";
static const struct ec_plugin here = { .name = "here" };
static struct plugin_ref ref = { .plugin = &here };

static void put(const char *name, const char *text)
{
        _cleanup_free_ char *path = str_printf("%s/features/%s", dir, name);

        assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644), 0);
}

static int setup(void **state)
{
        _cleanup_free_ char *features = NULL;

        (void)state;
        if (!mkdtemp(dir))
                return -1;
        features = fs_join(dir, "features");
        return mkdir(features, 0755);
}

static int teardown(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        return fs_remove_tree(dir, &err);
}

static void test_absent(void **state)
{
        struct feature_list l = { 0 };
        struct registry r = { 0 };
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(features_load("/nonexistent", &r, false, &l, &err), 0);
        assert_int_equal(l.n, 0);
        assert_null(feature_of_command(&l, "x"));
        assert_null(feature_of_option(&l, "--x"));
        feature_list_done(&l);
}

static void test_load(void **state)
{
        struct registry r = { .plugins = &ref, .n = 1 };
        struct feature_list l = { 0 };
        struct ec_err err = { 0 };

        (void)state;
        put("zeta.json", "{ \"feature\": \"zeta\", \"commands\": [\"z\", \"y\"], \"options\": [\"--z\", \"-z\"], "
                         "\"forwards\": [\"y\"], \"other\": 1 }");
        put("alpha.json", "{ \"feature\": \"alpha\", \"nixOptions\": [\"extra.a\", \"extra.b\"] }");
        put("here.json", "{ \"feature\": \"here\", \"commands\": [\"h\"] }");
        /* Each of these is left out. */
        put("wrong.json", "{ \"feature\": \"right\" }");
        put("text.json", "hello");
        put("list.json", "{ \"feature\": \"list\", \"commands\": \"x\" }");
        put("item.json", "{ \"feature\": \"item\", \"commands\": [1] }");
        put("array.json", "[]");
        put("Bad-Name.json", "{ \"feature\": \"Bad-Name\" }");
        put("README", "no feature");
        assert_int_equal(features_load(dir, &r, true, &l, &err), 0);
        assert_int_equal(l.n, 2);
        assert_string_equal(l.items[0].name, "alpha");
        assert_string_equal(l.items[1].name, "zeta");
        assert_ptr_equal(feature_of_command(&l, "y"), &l.items[1]);
        assert_ptr_equal(feature_of_option(&l, "-z"), &l.items[1]);
        assert_null(feature_of_command(&l, "h"));
        assert_true(strv_contains(STRV_CONST(l.items[1].forwards), "y"));
        feature_list_done(&l);
}

static void test_disabled(void **state)
{
        struct registry r = { .plugins = calloc(1, sizeof(*r.plugins)), .n = 1 };
        struct ec_err err = { 0 };

        (void)state;
        r.plugins[0] = ref;
        assert_int_equal(registry_load_disabled(&r, dir, &err), 0);
        assert_int_equal(registry_load_disabled(&r, dir, &err), 0);
        assert_int_equal(r.n_disabled, 2);
        assert_string_equal(r.disabled[1].option, "extra.b");
        assert_string_equal(r.disabled[1].feature, "alpha");
        registry_done(&r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_absent),
                cmocka_unit_test(test_load),
                cmocka_unit_test(test_disabled),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
