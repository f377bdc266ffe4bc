/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"

static int setup(void **state)
{
        *state = fx_new();
        return 0;
}

static int teardown(void **state)
{
        fx_free(*state);
        return 0;
}

/* A container as it is after being installed. */
static void put(struct fixture *f, const char *units, const char *conf_dir, const char *name, bool wanted)
{
        char *unit = str_printf("%s/" HASH "-unit-%s", f->store, name), *conf = str_printf("conf-%s", name), *p;

        p = fx_path(f, "%s/container@%s.service", units, name);
        fx_link(unit, p);
        free(p);
        free(unit);
        if (wanted) {
                p = fx_path(f, "%s/machines.target.wants/container@%s.service", units, name);
                fx_link("../x", p);
                free(p);
        }
        if (conf_dir) {
                unit = fx_store(f, conf, "SYSTEM_PATH=/s\nA=\"x y\"\n");
                p = fx_path(f, "%s/%s.conf", conf_dir, name);
                fx_link(unit, p);
                free(p);
                free(unit);
        }
        free(conf);
}

/* An ephemeral container has its files elsewhere, while it runs. */
static void test_root(void **state)
{
        struct fixture *f = *state;
        struct ec_container *c = NULL;
        char *p = fx_path(f, "/run/nixos-containers/web/etc/hostname");

        assert_int_equal(container_new(&f->layout, "web", "/etc/units", false, &c), 0);
        assert_ptr_equal(container_root(c), c->state_path);
        fx_write(p, "");
        free(p);
        assert_ptr_equal(container_root(c), c->run_path);
        p = fx_path(f, "/var/lib/nixos-containers/web/etc/hostname");
        fx_write(p, "");
        free(p);
        assert_ptr_equal(container_root(c), c->state_path);
        container_free(c);
}

static void test_installed_none(void **state)
{
        struct fixture *f = *state;
        struct container_list l = { 0 };
        struct ec_container *c = NULL;

        assert_int_equal(containers_installed(&f->layout, &l, &f->err), 0);
        assert_int_equal(l.n, 0);
        container_list_done(&l);
        assert_int_equal(container_installed(&f->layout, "x", &c, &f->err), -ENOENT);
        assert_non_null(strstr(err_msg(&f->err), "'x'"));
}

static void test_installed(void **state)
{
        struct fixture *f = *state;
        struct container_list l = { 0 };
        struct ec_container *c = NULL;
        char *p;

        put(f, "/etc/units", "/etc/nixos-containers", "web", true);
        put(f, "/etc/units", "/etc/containers", "old", false);
        put(f, "/usr/lib/units", "/etc/nixos-containers", "db", false);
        put(f, "/usr/lib/units", "/etc/nixos-containers", "web", false);
        put(f, "/etc/units", NULL, "bare", false);
        /* Units of other programs. */
        p = fx_path(f, "/etc/units/container@hand.service");
        fx_write(p, "[Service]\n");
        free(p);
        p = fx_path(f, "/etc/units/container@mask.service");
        fx_link("/dev/null", p);
        free(p);
        p = fx_path(f, "/etc/units/container@.service");
        fx_link("/nix/store/" HASH "-x/y", p);
        free(p);

        assert_int_equal(containers_installed(&f->layout, &l, &f->err), 0);
        assert_int_equal(l.n, 4);
        assert_string_equal(l.items[0]->name, "bare");
        assert_string_equal(l.items[1]->name, "db");
        assert_string_equal(l.items[2]->name, "old");
        assert_string_equal(l.items[3]->name, "web");

        assert_null(l.items[0]->conf_target);
        assert_null(container_conf_get(l.items[0], "A"));
        assert_non_null(strstr(l.items[1]->unit_path, "/usr/lib/units/container@db.service"));
        assert_true(l.items[2]->legacy);
        assert_non_null(strstr(l.items[2]->conf_path, "/etc/containers/old.conf"));
        assert_non_null(strstr(l.items[2]->state_path, "/var/lib/containers/old"));
        assert_true(l.items[3]->auto_start);
        assert_non_null(strstr(l.items[3]->unit_path, "/etc/units/"));
        assert_string_equal(container_conf_get(l.items[3], "A"), "x y");
        assert_null(container_conf_get(l.items[3], "SYSTEM"));
        container_list_done(&l);

        assert_int_equal(container_installed(&f->layout, "db", &c, &f->err), 0);
        assert_string_equal(c->unit, "container@db.service");
        container_free(c);
        assert_int_equal(container_installed(&f->layout, "hand", &c, &f->err), -ENOENT);
}

static void test_many(void **state)
{
        struct fixture *f = *state;
        struct container_list l = { 0 };

        for (int i = 0; i < 300; i++) {
                char name[16];

                snprintf(name, sizeof(name), "n%d", (i * 7) % 300);
                put(f, i % 2 ? "/etc/units" : "/usr/lib/units", NULL, name, false);
        }
        assert_int_equal(containers_installed(&f->layout, &l, &f->err), 0);
        assert_int_equal(l.n, 300);
        for (size_t i = 1; i < l.n; i++)
                assert_true(strcmp(l.items[i - 1]->name, l.items[i]->name) < 0);
        container_list_done(&l);
}

static int of_output(struct fixture *f, const char *output, const char *const *names, struct container_list *l)
{
        char *p = str_printf("%s/" HASH "-%s", f->store, output);
        int r = containers_of_output(&f->layout, p, names, l, &f->err);

        free(p);
        return r;
}

static void test_output(void **state)
{
        struct fixture *f = *state;
        struct container_list l = { 0 };
        char *p;

        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/s\n", true);
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/s\n", false);
        p = fx_path(f, "/store/" HASH "-etc/etc/systemd/system/container@.service");
        fx_link("/x", p);
        free(p);
        p = fx_path(f, "/store/" HASH "-etc/etc/systemd/system/sshd.service");
        fx_link("/x", p);
        free(p);
        assert_int_equal(of_output(f, "etc", NULL, &l), 0);
        assert_int_equal(l.n, 2);
        assert_string_equal(l.items[0]->name, "a");
        assert_false(l.items[0]->auto_start);
        assert_true(l.items[1]->auto_start);
        assert_true(str_ends(l.items[0]->unit_target, HASH "-unit-a-1"));
        assert_true(str_ends(l.items[0]->unit_path, "/etc/units/container@a.service"));
        assert_string_equal(container_conf_get(l.items[0], "SYSTEM_PATH"), "/s");
        container_list_done(&l);
}

/* Like NixOS's own /etc: etc is a link, and the directory of units is another. */
static void test_output_chain(void **state)
{
        struct fixture *f = *state;
        struct container_list l = { 0 };
        char *unit = fx_store(f, "real-unit", "[Service]\n"), *conf = fx_store(f, "real-conf", "");
        char *hop = fx_path(f, "/store/" HASH "-hop"), *units = fx_path(f, "/store/" HASH "-units/container@a.service");
        char *system = fx_path(f, "/store/" HASH "-sys/etc/systemd/system"), *dir = fx_path(f, "/store/" HASH "-units");
        char *to = fx_path(f, "/store/" HASH "-sys/etc/containers/a.conf");

        fx_link(unit, hop);
        fx_link(hop, units);
        fx_link(dir, system);
        fx_link(conf, to);
        assert_int_equal(of_output(f, "sys", NULL, &l), 0);
        assert_int_equal(l.n, 1);
        assert_string_equal(l.items[0]->unit_target, unit);
        assert_true(l.items[0]->legacy);
        assert_true(str_ends(l.items[0]->conf_path, "/etc/containers/a.conf"));
        container_list_done(&l);
        free(unit), free(conf), free(hop), free(units), free(system), free(dir), free(to);
}

static void test_output_names(void **state)
{
        struct fixture *f = *state;
        struct container_list l = { 0 };

        fx_container(f, "etc", "a", 1, "", false);
        fx_container(f, "etc", "b", 1, "", false);
        fx_container(f, "etc", "c", 1, "", false);
        assert_int_equal(of_output(f, "etc", (const char *const[]){ "c", "a", "c", NULL }, &l), 0);
        assert_int_equal(l.n, 2);
        assert_string_equal(l.items[0]->name, "a");
        assert_string_equal(l.items[1]->name, "c");
        container_list_done(&l);

        assert_int_equal(of_output(f, "etc", (const char *const[]){ "a", "nope", NULL }, &l), -ENOENT);
        assert_non_null(strstr(err_msg(&f->err), "'nope'"));
        assert_non_null(strstr(err_msg(&f->err), "'a', 'b', 'c'"));
        err_done(&f->err);
        assert_int_equal(of_output(f, "etc", (const char *const[]){ "../a", NULL }, &l), -EINVAL);
}

static void test_output_bad(void **state)
{
        struct fixture *f = *state;
        struct container_list l = { 0 };
        char *p = fx_path(f, "/store/" HASH "-empty/etc/hosts"), *q;

        fx_write(p, "");
        free(p);
        assert_int_equal(of_output(f, "empty", NULL, &l), -ENOENT);
        assert_non_null(strstr(err_msg(&f->err), "no containers"));
        err_done(&f->err);

        p = fx_store(f, "unit", "");
        q = fx_path(f, "/store/" HASH "-half/etc/systemd/system/container@a.service");
        fx_link(p, q);
        free(p);
        free(q);
        assert_int_equal(of_output(f, "half", NULL, &l), -ENOENT);
        assert_non_null(strstr(err_msg(&f->err), "no settings"));
        err_done(&f->err);

        fx_container(f, "lost", "a", 1, "", false);
        p = fx_path(f, "/store/" HASH "-unit-a-1");
        unlink(p);
        free(p);
        assert_int_equal(of_output(f, "lost", NULL, &l), -ENOENT);
        assert_non_null(strstr(err_msg(&f->err), "container@a.service"));
}

/* Adds a container whose unit or conf file is a link to target, and returns the result of reading the output. */
static int of_link(struct fixture *f, const char *output, const char *file, const char *target)
{
        char *format = str_printf("/store/" HASH "-%s/etc/%s", output, file), *p = fx_path(f, format);
        struct container_list l = { 0 };
        int r;

        err_done(&f->err);
        fx_container(f, output, "a", 1, "", false);
        assert_int_equal(unlink(p), 0);
        fx_link(target, p);
        r = of_output(f, output, NULL, &l);
        container_list_done(&l);
        if (r < 0)
                assert_non_null(strstr(err_msg(&f->err), file));
        free(p);
        free(format);
        return r;
}

/* What could be changed after the installation is refused. */
static void test_output_foreign(void **state)
{
        static const char *const files[] = { "systemd/system/container@a.service", "nixos-containers/a.conf" };
        struct fixture *f = *state;
        char *evil = fx_path(f, "/evil"), *dir = fx_path(f, "/store/" HASH "-other"), *way = fx_path(f, "/way");
        char *up = str_printf("%s/" HASH "-other/../../evil", f->store),
             *through = str_printf("%s/" HASH "-other/file", way);
        char *fifo = fx_path(f, "/store/" HASH "-pipe"), *file = fx_path(f, "/store/" HASH "-other/file");

        fx_write(evil, "[Service]\nExecStart=/evil\n");
        fx_write(file, "");
        fx_link(f->store, way);
        assert_int_equal(mkfifo(fifo, 0644), 0);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                assert_int_equal(of_link(f, "out", files[i], evil), -EXDEV);
                assert_int_equal(of_link(f, "up", files[i], up), -EXDEV);
                assert_int_equal(of_link(f, "fifo", files[i], fifo), FS_NOT_REGULAR);
                assert_int_equal(of_link(f, "dir", files[i], dir), FS_NOT_REGULAR);
                assert_int_equal(of_link(f, "loop", files[i], strrchr(files[i], '/') + 1), -ELOOP);
                /* A link back into the store is resolved, so that the way outside no longer matters. */
                assert_int_equal(of_link(f, "through", files[i], through), 0);
        }
        free(evil), free(dir), free(up), free(way), free(through), free(fifo), free(file);
}

static void test_declarative(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/systemd/system/container@host.service");

        fx_write(p, "");
        free(p);
        assert_false(container_is_declarative(&f->layout, "host"));
        f->layout.nixos = true;
        assert_true(container_is_declarative(&f->layout, "host"));
        assert_false(container_is_declarative(&f->layout, "other"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_root, setup, teardown),
                T(test_installed_none),
                T(test_installed),
                T(test_many),
                T(test_output),
                T(test_output_chain),
                T(test_output_names),
                T(test_output_bad),
                T(test_declarative),
                T(test_output_foreign),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
