/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "svc/nix.h"
#include "util/err.h"
#include "util/fs.h"

#define HASH "3sd60ih5rjklrmxr7w30vsdfksn55vlx"

static void test_store_path(void **state)
{
        (void)state;
        unsetenv("NIX_STORE_DIR");
        assert_int_equal(nix_store_path_len("/nix/store/" HASH "-etc"), strlen("/nix/store/" HASH "-etc"));
        assert_int_equal(nix_store_path_len("/nix/store/" HASH "-etc/etc/x"), strlen("/nix/store/" HASH "-etc"));
        assert_true(nix_is_store_path("/nix/store/" HASH "-x"));
        assert_false(nix_is_store_path("/nix/store/" HASH "-"));
        assert_false(nix_is_store_path("/nix/store/" HASH "-/x"));
        assert_false(nix_is_store_path("/nix/store/" HASH));
        assert_false(nix_is_store_path("/nix/store/" HASH "0-x"));
        assert_false(nix_is_store_path("/nix/store/short-x"));
        assert_false(nix_is_store_path("/nix/store"));
        assert_false(nix_is_store_path("/nix/storeX/" HASH "-x"));
        assert_false(nix_is_store_path("/nix/store/.links"));
        assert_false(nix_is_store_path(""));
        setenv("NIX_STORE_DIR", "/tmp/store", 1);
        assert_true(nix_is_store_path("/tmp/store/" HASH "-x"));
        assert_false(nix_is_store_path("/nix/store/" HASH "-x"));
        setenv("NIX_STORE_DIR", "", 1);
        assert_true(nix_is_store_path("/nix/store/" HASH "-x"));
        unsetenv("NIX_STORE_DIR");
}

static bool has(const char *dir, const char *name)
{
        char *path = fs_join(dir, name);
        bool there = readlink(path, (char[1]){ 0 }, 1) >= 0;
        free(path);
        return there;
}

static void test_forget_roots(void **state)
{
        (void)state;
        char dir[] = "/tmp/nix-store-XXXXXX", autodir[100], mine[100], path[300], target[300];
        struct ec_err err = { 0 };
        assert_non_null(mkdtemp(dir));
        setenv("NIX_STATE_DIR", dir, 1);
        snprintf(mine, sizeof(mine), "%s/op", dir);
        nix_forget_roots(mine); /* nothing there is no failure */

        snprintf(autodir, sizeof(autodir), "%s/gcroots/auto", dir);
        assert_int_equal(fs_mkdir_p(autodir, 0755) < 0, 0);
        static const struct { const char *name, *behind; } links[] = { { "a", "/op/gcroot/result" }, { "b", "/op2/result" }, { "c", "/op/x" }, { "d", "/op" } };
        for (size_t i = 0; i < 4; i++) {
                snprintf(path, sizeof(path), "%s/%s", autodir, links[i].name);
                snprintf(target, sizeof(target), "%s%s", dir, links[i].behind);
                assert_int_equal(symlink(target, path), 0);
        }
        nix_forget_roots(mine);
        assert_false(has(autodir, "a"));
        assert_true(has(autodir, "b"));
        assert_false(has(autodir, "c"));
        assert_true(has(autodir, "d"));
        assert_int_equal(fs_remove_tree(dir, &err), 0);
        unsetenv("NIX_STATE_DIR");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_store_path),
                cmocka_unit_test(test_forget_roots),
        };
        return cmocka_run_group_tests_name("nix_store", tests, NULL, NULL);
}
