/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "model/operation/features.h"
#include "model/operation/hooks.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

static char top[] = "/tmp/extra-container-features.XXXXXX";
static char first[sizeof(top) + 2], second[sizeof(top) + 2];
static const char *const dirs[] = { first, second, "/nonexistent", NULL };
static const struct ec_plugin here = { .name = "here" };
static struct plugin_ref ref = { .plugin = &here };

static void put(const char *dir, const char *name, const char *text)
{
        _cleanup_free_ char *folder = fs_join(dir, name), *path = fs_join(folder, "feature.json");

        assert_int_equal(mkdir(folder, 0755), 0);
        assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644), 0);
}

static int setup(void **state)
{
        (void)state;
        if (!mkdtemp(top))
                return -1;
        snprintf(first, sizeof(first), "%s/1", top);
        snprintf(second, sizeof(second), "%s/2", top);
        return mkdir(first, 0755) < 0 || mkdir(second, 0755) < 0;
}

static int teardown(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        return fs_remove_tree(top, &err);
}

static void test_absent(void **state)
{
        struct feature_list l = { 0 };
        struct registry r = { .plugin_dirs = dirs + 2 };
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(features_load(&r, false, &l, &err), 0);
        assert_int_equal(l.n, 0);
        assert_null(feature_of_command(&l, "x"));
        assert_null(feature_of_option(&l, "--x"));
        feature_list_done(&l);
        r.plugin_dirs = NULL;
        assert_int_equal(features_load(&r, false, &l, &err), 0);
        assert_int_equal(l.n, 0);
        feature_list_done(&l);
}

static void test_load(void **state)
{
        struct registry r = { .plugins = &ref, .n = 1, .plugin_dirs = dirs };
        struct feature_list l = { 0 };
        struct ec_err err = { 0 };
        _cleanup_free_ char *empty = fs_join(first, "alpha"), *file = fs_join(first, "README");

        (void)state;
        put(first, "zeta",
            "{ \"feature\": \"zeta\", \"commands\": [\"z\", \"y\"], \"options\": [\"--z\", \"-z\"], "
            "\"forwards\": [\"y\"], \"other\": 1 }");
        /* The first directory with a feature.json wins; one with only a folder does not count. */
        put(second, "zeta", "{ \"feature\": \"zeta\", \"commands\": [\"later\"] }");
        assert_int_equal(mkdir(empty, 0755), 0);
        put(second, "alpha", "{ \"feature\": \"alpha\", \"nixOptions\": [\"extra.a\", \"extra.b\"] }");
        put(first, "here", "{ \"feature\": \"here\", \"commands\": [\"h\"] }");
        /* Each of these is skipped. */
        put(first, "wrong", "{ \"feature\": \"right\" }");
        put(first, "text", "hello");
        put(first, "list", "{ \"feature\": \"list\", \"commands\": \"x\" }");
        put(first, "item", "{ \"feature\": \"item\", \"commands\": [1] }");
        put(first, "array", "[]");
        put(first, "Bad-Name", "{ \"feature\": \"Bad-Name\" }");
        assert_int_equal(fs_write_atomic(file, "x", 1, 0644), 0);
        assert_int_equal(features_load(&r, true, &l, &err), 0);
        assert_int_equal(l.n, 2);
        assert_string_equal(l.items[0].name, "alpha");
        assert_int_equal(strv_len(STRV_CONST(l.items[0].nix_options)), 2);
        assert_string_equal(l.items[0].nix_options[1], "extra.b");
        assert_string_equal(l.items[1].name, "zeta");
        assert_ptr_equal(feature_of_command(&l, "y"), &l.items[1]);
        assert_null(feature_of_command(&l, "later"));
        assert_ptr_equal(feature_of_option(&l, "-z"), &l.items[1]);
        assert_null(feature_of_command(&l, "h"));
        assert_true(strv_contains(STRV_CONST(l.items[1].forwards), "y"));
        feature_list_done(&l);
}

/* Its text reaches Nix, so only root may be able to write it. */
static void test_trust(void **state)
{
        struct registry r = { .plugins = &ref, .n = 1, .plugin_dirs = dirs, .check_trust = true };
        struct feature_list l = { 0 };
        struct ec_err err = { 0 };
        _cleanup_free_ char *path = fs_join(first, "zeta/feature.json");

        (void)state;
        if (geteuid() != 0)
                skip();
        assert_int_equal(features_load(&r, true, &l, &err), 0);
        assert_non_null(feature_of_command(&l, "z"));
        feature_list_done(&l);
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(features_load(&r, true, &l, &err), 0);
        assert_int_equal(l.n, 1);
        assert_null(feature_of_command(&l, "z"));
        feature_list_done(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_absent),
                cmocka_unit_test(test_load),
                cmocka_unit_test(test_trust),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
