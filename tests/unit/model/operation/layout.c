/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

#include <extra-container/plugin.h>

#include "svc/conf/conf.h"

struct host {
        char *dir, *ini;
        struct conf *conf;
        struct layout layout;
        struct ec_err err;
};

static char *in(struct host *h, const char *path)
{
        return str_printf("%s%s", h->dir, path);
}

static void put(struct host *h, const char *path, const char *text)
{
        char *p = in(h, path);

        fx_write(p, text);
        free(p);
}

static int setup(void **state)
{
        char tmp[] = "/tmp/ec-layout.XXXXXX";
        struct host *h = calloc(1, sizeof(*h));

        assert_non_null(mkdtemp(tmp));
        h->dir = strdup(tmp);
        h->ini = in(h, "/ini");
        *state = h;
        unsetenv("NIX_STORE_DIR");
        return 0;
}

static int teardown(void **state)
{
        struct host *h = *state;
        struct ec_err e = { 0 };

        layout_done(&h->layout);
        if (h->conf)
                conf_free(h->conf);
        err_done(&h->err);
        fs_remove_tree(h->dir, &e);
        err_done(&e);
        free(h->dir);
        free(h->ini);
        free(h);
        return 0;
}

static int init(struct host *h, const char *more)
{
        char *text = str_printf("[paths]\nroot = %s\n%s", h->dir, more);
        int r;

        fx_write(h->ini, text);
        free(text);
        r = conf_load(&h->conf, h->ini, &h->err);
        if (r >= 0)
                r = conf_declare(h->conf, "paths", &layout_settings, &h->err);
        return r < 0 ? r : layout_init(&h->layout, h->conf, &h->err);
}

static void expect(struct host *h, const char *got, const char *path)
{
        char *p = in(h, path);

        assert_string_equal(got, p);
        free(p);
}

static void test_other(void **state)
{
        struct host *h = *state;

        assert_int_equal(init(h, ""), 0);
        assert_false(h->layout.nixos);
        assert_false(h->layout.legacy);
        expect(h, h->layout.units, "/etc/systemd/system");
        assert_int_equal(strv_len(STRV_CONST(h->layout.units_also)), 1);
        expect(h, h->layout.units_also[0], "/usr/lib/systemd/system");
        expect(h, layout_path(&h->layout, "run-state"), "/run/extra-container");
        expect(h, h->layout.lock, "/run/extra-container/lock");
        expect(h, h->layout.pending, "/run/extra-container/pending");
        expect(h, h->layout.tmp, "/run/extra-container/tmp");
        expect(h, layout_path(&h->layout, "conf"), "/etc/nixos-containers");
        expect(h, layout_path(&h->layout, "conf-other"), "/etc/containers");
        assert_null(layout_path(&h->layout, "nonsense"));
}

static void test_nixos(void **state)
{
        struct host *h = *state;

        put(h, "/run/booted-system/nixos-version", "24.05");
        put(h, "/etc/systemd/system/container@.service", "[Service]\nEnvironmentFile=-/etc/nixos-containers/%i.conf\n");
        assert_int_equal(init(h, ""), 0);
        assert_true(h->layout.nixos);
        assert_false(h->layout.legacy);
        expect(h, h->layout.units, "/etc/systemd-mutable/system");
        assert_null(h->layout.units_also);
        assert_int_equal(layout_check_host(&h->layout, &h->err), 0);
        assert_int_equal(layout_prepare_host(&h->layout, &h->err), 0);
        assert_int_equal(access(h->layout.static_os_release, F_OK), -1);
}

static void test_nixos_legacy(void **state)
{
        struct host *h = *state;

        put(h, "/run/booted-system/nixos-version", "21.11");
        put(h, "/etc/systemd/system/container@.service", "[Service]\nEnvironmentFile=-/etc/containers/%i.conf\n");
        assert_int_equal(init(h, ""), 0);
        assert_true(h->layout.legacy);
        expect(h, layout_path(&h->layout, "conf"), "/etc/containers");
        expect(h, layout_path(&h->layout, "conf-other"), "/etc/nixos-containers");
        expect(h, layout_path(&h->layout, "state"), "/var/lib/containers");
}

static void test_legacy_off(void **state)
{
        struct host *h = *state;

        put(h, "/run/booted-system/nixos-version", "21.11");
        put(h, "/etc/systemd/system/container@.service", "[Service]\nEnvironmentFile=-/etc/containers/%i.conf\n");
        assert_int_equal(init(h, "legacy = no\n"), 0);
        assert_false(h->layout.legacy);
}

static void test_legacy_bad(void **state)
{
        struct host *h = *state;

        assert_int_equal(init(h, "legacy = maybe\n"), -EINVAL);
        assert_non_null(strstr(err_msg(&h->err), "maybe"));
}

static void test_keys(void **state)
{
        struct host *h = *state;

        assert_int_equal(init(h, "units = /u/\nunits-also = /a /b /u\nconf = /c\nstate = /s\nrun-state = /r\n"), 0);
        expect(h, h->layout.units, "/u");
        assert_int_equal(strv_len(STRV_CONST(h->layout.units_also)), 2);
        expect(h, h->layout.units_also[1], "/b");
        expect(h, h->layout.conf, "/c");
        expect(h, layout_path(&h->layout, "state"), "/s");
        expect(h, h->layout.lock, "/r/lock");
}

static void assert_private(const char *path)
{
        struct stat st;

        assert_int_equal(lstat(path, &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0700);
}

static void test_run_state(void **state)
{
        struct host *h = *state;
        mode_t old = umask(0);
        struct stat st;

        assert_int_equal(init(h, ""), 0);
        assert_int_equal(layout_make_run_state(&h->layout, NULL, &h->err), 0);
        assert_private(h->layout.run_state);
        assert_int_equal(access(h->layout.pending, F_OK), -1);
        assert_int_equal(layout_make_run_state(&h->layout, h->layout.pending, &h->err), 0);
        assert_int_equal(layout_make_run_state(&h->layout, h->layout.pending, &h->err), 0);
        assert_private(h->layout.pending);
        umask(old);

        /* Other users can enter it: rejected, and left unchanged. */
        assert_int_equal(chmod(h->layout.run_state, 0755), 0);
        assert_int_equal(layout_make_run_state(&h->layout, NULL, &h->err), -EPERM);
        assert_non_null(strstr(err_msg(&h->err), h->layout.run_state));
        assert_int_equal(stat(h->layout.run_state, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0755);
}

static void test_run_state_link(void **state)
{
        struct host *h = *state;

        assert_int_equal(init(h, ""), 0);
        fx_link(h->dir, h->layout.run_state);
        assert_int_equal(layout_make_run_state(&h->layout, NULL, &h->err), -EPERM);
}

static void test_missing(void **state)
{
        struct host *h = *state;

        assert_int_equal(init(h, ""), 0);
        assert_int_equal(layout_check_host(&h->layout, &h->err), -EOPNOTSUPP);
        assert_non_null(strstr(err_msg(&h->err), "PID 1"));
        assert_non_null(strstr(err_msg(&h->err), "machined"));
        assert_non_null(strstr(err_msg(&h->err), "/nix/store"));
        err_done(&h->err);

        put(h, "/run/systemd/system/x", "");
        put(h, "/nix/store/x", "");
        assert_int_equal(layout_check_host(&h->layout, &h->err), -EOPNOTSUPP);
        assert_null(strstr(err_msg(&h->err), "PID 1"));
        assert_non_null(strstr(err_msg(&h->err), "machined"));
        err_done(&h->err);

        put(h, "/usr/lib/systemd/systemd-machined", "");
        assert_int_equal(layout_check_host(&h->layout, &h->err), 0);
}

static void test_prepare(void **state)
{
        struct host *h = *state;
        struct stat st;

        assert_int_equal(init(h, ""), 0);
        assert_int_equal(layout_prepare_host(&h->layout, &h->err), 0);
        assert_int_equal(stat(h->layout.static_os_release, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0644);
        fx_write(h->layout.static_os_release, "ID=x\n");
        assert_int_equal(layout_prepare_host(&h->layout, &h->err), 0);
        assert_int_equal(stat(h->layout.static_os_release, &st), 0);
        assert_int_equal(st.st_size, 5);
}

static void test_prepare_closed(void **state)
{
        struct host *h = *state;

        put(h, "/nix/var/nix/profiles/per-container/demo/x", "");
        assert_int_equal(init(h, ""), 0);
        assert_int_equal(chmod(h->layout.profiles, 0755), 0);
        assert_int_equal(layout_prepare_host(&h->layout, &h->err), 0);
        assert_private(h->layout.profiles);
        assert_private(h->layout.container_gcroots);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_other),          T(test_nixos),     T(test_nixos_legacy),   T(test_legacy_off),
                T(test_legacy_bad),     T(test_keys),      T(test_missing),        T(test_prepare),
                T(test_prepare_closed), T(test_run_state), T(test_run_state_link),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
