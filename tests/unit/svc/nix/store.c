/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "svc/nix/store.h"
#include "svc/nix/nix.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_remove.h"

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
        static const struct {
                const char *name, *behind;
        } links[] = { { "a", "/op/gcroot/result" }, { "b", "/op2/result" }, { "c", "/op/x" }, { "d", "/op" } };
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

/* A store that is collected by nobody, or by somebody, or is not Nix'. */
static void test_hold_directly(void **state)
{
        (void)state;
        char dir[] = "/tmp/nix-hold-XXXXXX", path[100], store[200], root[100], link[300], got[200];
        struct ec_err err = { 0 };
        assert_non_null(mkdtemp(dir));
        setenv("NIX_STATE_DIR", dir, 1);
        setenv("NIX_STORE_DIR", dir, 1);
        unsetenv("NIX_REMOTE");
        snprintf(store, sizeof(store), "%s/" HASH "-etc", dir);
        snprintf(root, sizeof(root), "%s/op/root", dir);
        snprintf(path, sizeof(path), "%s/op", dir);
        assert_int_equal(fs_mkdir_p(path, 0755) < 0, 0);
        assert_int_equal(fs_mkdir_p(store, 0755) < 0, 0);
        assert_false(nix_hold_directly(store, root)); /* no gcroots */
        assert_false(has(path, "root"));
        snprintf(link, sizeof(link), "%s/gcroots/auto", dir);
        assert_int_equal(fs_mkdir_p(link, 0755) < 0, 0);
        assert_false(nix_hold_directly(store, root)); /* no lock */
        assert_int_equal(rmdir(link), 0);             /* empty again */
        assert_int_equal(fs_mkdir_p(link, 0755) < 0, 0);

        snprintf(path, sizeof(path), "%s/gc.lock", dir);
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        assert_false(nix_hold_directly(store, root)); /* a collection runs */
        assert_int_equal(rmdir(link), 0);
        assert_int_equal(fs_mkdir_p(link, 0755) < 0, 0);
        assert_int_equal(flock(fd, LOCK_SH), 0); /* others hold paths, too */

        setenv("NIX_REMOTE", "ssh://elsewhere", 1);
        assert_false(nix_hold_directly(store, root));
        setenv("NIX_REMOTE", "daemon", 1);
        assert_false(nix_hold_directly(dir, root));
        strcat(store, "/etc");
        assert_false(nix_hold_directly(store, root));
        *strrchr(store, '/') = 0;
        *strrchr(store, '-') = 'x';
        assert_false(nix_hold_directly(store, root)); /* no store path */
        store[strlen(dir) + 1 + 32] = '-';
        store[strlen(dir) + 2] = 'x';
        assert_false(nix_hold_directly(store, root)); /* one that is not there */
        store[strlen(dir) + 2] = HASH[1];
        assert_int_equal(rmdir(link), 0);
        assert_int_equal(fs_mkdir_p(link, 0755) < 0, 0);

        assert_true(nix_hold_directly(store, root));
        ssize_t n = readlink(root, got, sizeof(got) - 1);
        assert_true(n > 0);
        got[n] = 0;
        assert_string_equal(got, store);
        assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* whoever collects now has seen it */
        assert_false(nix_hold_directly(store, root));      /* the name is taken: left as it is */
        assert_int_equal(readlink(root, got, sizeof(got) - 1), n);
        snprintf(path, sizeof(path), "%s/op", dir);
        nix_forget_roots(path);
        assert_int_equal(rmdir(link), 0);
        close(fd);
        unsetenv("NIX_REMOTE");
        unsetenv("NIX_STATE_DIR");
        unsetenv("NIX_STORE_DIR");
        assert_int_equal(fs_remove_tree(dir, &err), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_store_path),
                cmocka_unit_test(test_forget_roots),
                cmocka_unit_test(test_hold_directly),
        };
        return cmocka_run_group_tests_name("nix_store", tests, NULL, NULL);
}
