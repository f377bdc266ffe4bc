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

#include "svc/nix/nix.h"
#include "svc/nix/store.h"
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
        nix_forget_roots(mine); /* an empty directory is not an error */

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

/* A separate state directory and store, with a store path and a directory for gc roots. */
struct hold {
        char dir[32], store[200], op[100], root[100], link[100];
        int lock;
};

static void hold_setup(struct hold *h)
{
        *h = (struct hold){ .dir = "/tmp/nix-hold-XXXXXX", .lock = -1 };
        assert_non_null(mkdtemp(h->dir));
        setenv("NIX_STATE_DIR", h->dir, 1);
        setenv("NIX_STORE_DIR", h->dir, 1);
        unsetenv("NIX_REMOTE");
        snprintf(h->store, sizeof(h->store), "%s/" HASH "-etc", h->dir);
        snprintf(h->op, sizeof(h->op), "%s/op", h->dir);
        snprintf(h->root, sizeof(h->root), "%s/op/root", h->dir);
        snprintf(h->link, sizeof(h->link), "%s/gcroots/auto", h->dir);
        assert_int_equal(fs_mkdir_p(h->op, 0755) < 0, 0);
        assert_int_equal(fs_mkdir_p(h->store, 0755) < 0, 0);
}

/* Creates the directory of gc roots and the gc lock in the way Nix does. */
static void hold_nix(struct hold *h)
{
        char path[100];

        assert_int_equal(fs_mkdir_p(h->link, 0755) < 0, 0);
        snprintf(path, sizeof(path), "%s/gc.lock", h->dir);
        h->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(h->lock >= 0);
}

/* Not registered, and the directory of gc roots is unchanged. */
static void hold_refused(struct hold *h, const char *path)
{
        assert_false(nix_hold_directly(path, h->root));
        assert_int_equal(rmdir(h->link), 0);
        assert_int_equal(fs_mkdir_p(h->link, 0755) < 0, 0);
}

static void hold_teardown(struct hold *h)
{
        struct ec_err err = { 0 };

        if (h->lock >= 0)
                close(h->lock);
        unsetenv("NIX_REMOTE");
        unsetenv("NIX_STATE_DIR");
        unsetenv("NIX_STORE_DIR");
        assert_int_equal(fs_remove_tree(h->dir, &err), 0);
}

static void test_hold_without_nix(void **state)
{
        struct hold h;

        (void)state;
        hold_setup(&h);
        assert_false(nix_hold_directly(h.store, h.root)); /* no gcroots directory */
        assert_false(has(h.op, "root"));
        assert_int_equal(fs_mkdir_p(h.link, 0755) < 0, 0);
        hold_refused(&h, h.store); /* no gc lock */
        hold_teardown(&h);
}

static void test_hold_refused(void **state)
{
        struct hold h;
        size_t hash;

        (void)state;
        hold_setup(&h);
        hold_nix(&h);
        hash = strlen(h.dir) + 1;
        assert_int_equal(flock(h.lock, LOCK_EX), 0);
        hold_refused(&h, h.store);                   /* a garbage collection is running */
        assert_int_equal(flock(h.lock, LOCK_SH), 0); /* other processes hold the lock shared */
        setenv("NIX_REMOTE", "ssh://elsewhere", 1);
        hold_refused(&h, h.store);
        setenv("NIX_REMOTE", "daemon", 1);
        hold_refused(&h, h.dir);
        strcat(h.store, "/etc");
        hold_refused(&h, h.store);
        *strrchr(h.store, '/') = 0;
        *strrchr(h.store, '-') = 'x';
        hold_refused(&h, h.store); /* not a store path */
        h.store[hash + 32] = '-';
        h.store[hash + 1] = 'x';
        hold_refused(&h, h.store); /* does not exist */
        hold_teardown(&h);
}

static void test_hold_directly(void **state)
{
        struct hold h;
        char got[200];
        ssize_t n;

        (void)state;
        hold_setup(&h);
        hold_nix(&h);
        setenv("NIX_REMOTE", "daemon", 1);
        assert_int_equal(flock(h.lock, LOCK_SH), 0); /* other processes hold the lock shared */
        assert_true(nix_hold_directly(h.store, h.root));
        n = readlink(h.root, got, sizeof(got) - 1);
        assert_true(n > 0);
        got[n] = 0;
        assert_string_equal(got, h.store);
        assert_int_equal(flock(h.lock, LOCK_EX | LOCK_NB), 0); /* a garbage collection that begins now sees the root */
        assert_false(nix_hold_directly(h.store, h.root));      /* the name exists and is not changed */
        assert_int_equal(readlink(h.root, got, sizeof(got) - 1), n);
        nix_forget_roots(h.op);
        assert_int_equal(rmdir(h.link), 0);
        hold_teardown(&h);
}

static void test_store_file(void **state)
{
        char path[400], link[100], *got = NULL;
        struct hold h;

        (void)state;
        hold_setup(&h);
        snprintf(path, sizeof(path), "%s/file", h.store);
        snprintf(link, sizeof(link), "%s/link", h.dir);
        assert_int_equal(fs_write_atomic(path, "", 0, 0644), 0);
        assert_int_equal(symlink(path, link), 0);
        assert_int_equal(nix_store_file(link, &got), 0);
        assert_string_equal(got, path);
        free(got);
        assert_int_equal(nix_store_file(h.store, &got), FS_NOT_REGULAR);
        assert_int_equal(nix_store_file("/etc/passwd", &got), -EXDEV);
        assert_int_equal(nix_store_file("/nowhere", &got), -ENOENT);
        /* Next to the store paths, and beside the store. */
        snprintf(path, sizeof(path), "%s/passwd", h.dir);
        assert_int_equal(fs_write_atomic(path, "", 0, 0644), 0);
        assert_int_equal(nix_store_file(path, &got), -EXDEV);
        /* A store behind a link. */
        assert_int_equal(unlink(link), 0);
        assert_int_equal(symlink(h.dir, link), 0);
        setenv("NIX_STORE_DIR", link, 1);
        snprintf(path, sizeof(path), "%s%s/file", link, strrchr(h.store, '/'));
        assert_int_equal(nix_store_file(path, &got), 0);
        assert_string_equal(got, path);
        free(got);
        hold_teardown(&h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_store_path),       cmocka_unit_test(test_forget_roots),
                cmocka_unit_test(test_hold_without_nix), cmocka_unit_test(test_hold_refused),
                cmocka_unit_test(test_hold_directly),    cmocka_unit_test(test_store_file),
        };
        return cmocka_run_group_tests_name("nix_store", tests, NULL, NULL);
}
