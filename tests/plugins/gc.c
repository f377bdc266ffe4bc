/* SPDX-License-Identifier: MIT */
#include "fake_host.h"

#include <sys/stat.h>
#include <unistd.h>

extern const struct ec_plugin ec_plugin_v1_gc;
#define PLUGIN (&ec_plugin_v1_gc)

static struct fake fake;
static void *self;
static char dir[64], cmd[128];

static char *at(const char *path)
{
        char *p;

        assert_true(asprintf(&p, "%s%s", dir, path) > 0);
        return p;
}

static void put_link(const char *target, const char *path)
{
        char *p = at(path);

        unlink(p);
        assert_int_equal(symlink(target, p), 0);
        free(p);
}

static void make_dir(const char *path)
{
        char *p = at(path);

        assert_int_equal(mkdir(p, 0755), 0);
        free(p);
}

static int setup(void **state)
{
        char *p;

        (void)state;
        strcpy(dir, "/tmp/ec-gc.XXXXXX");
        assert_non_null(mkdtemp(dir));
        make_dir("/units");
        make_dir("/conf");
        make_dir("/store");
        p = at("/store/unit");
        fclose(fopen(p, "we"));
        free(p);
        p = at("/store/conf");
        fclose(fopen(p, "we"));
        free(p);
        fake_init(&fake);
        p = at("/gcroots/auto");
        fake_path(&fake, "gcroots", p);
        free(p);
        self = fake_load(&fake, PLUGIN);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        fake_unload(PLUGIN, self);
        fake_done(&fake);
        snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
        return system(cmd);
}

/* Creates the links of an installed container. */
static struct ec_container *install(const char *name)
{
        struct ec_container *c = fake_container(&fake, name, dir, 1);
        char *unit = at("/store/unit"), *conf = at("/store/conf");

        assert_int_equal(symlink(unit, c->unit_path), 0);
        assert_int_equal(symlink(conf, c->conf_path), 0);
        free(unit);
        free(conf);
        return c;
}

static void assert_root(const char *name, const char *target)
{
        char *p, link[256] = "";

        assert_true(asprintf(&p, "%s/gcroots/auto/%s", dir, name) > 0);
        if (readlink(p, link, sizeof(link) - 1) < 0)
                assert_null(target);
        else
                assert_string_equal(link, target ? target : "(nothing)");
        free(p);
}

static void test_descriptor(void **state)
{
        (void)state;
        fake_check_descriptor(PLUGIN);
        assert_true(PLUGIN->provides & EC_PROVIDES_GCROOT);
        assert_non_null(PLUGIN->hooks->installed);
        assert_non_null(PLUGIN->hooks->removed);
}

static void test_installed(void **state)
{
        struct ec_container *c = install("web");

        (void)state;
        assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err), 0);
        assert_root("extra-container-web", c->unit_path);
        assert_root("extra-container-web.conf", c->conf_path);
        /* Again, and in place of an existing file. */
        put_link("/elsewhere", "/gcroots/auto/extra-container-web");
        assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err), 0);
        assert_root("extra-container-web", c->unit_path);
}

static void test_installed_fails(void **state)
{
        struct ec_container *c = install("web");

        (void)state;
        make_dir("/gcroots");
        make_dir("/gcroots/auto");
        make_dir("/gcroots/auto/extra-container-web");
        assert_true(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err) < 0);
        assert_non_null(strstr(fake.err.msg, "/gcroots/auto/extra-container-web"));
}

/* On failure neither root remains, unless the container was installed before. */
static void test_installed_half(void **state)
{
        struct ec_container *c = install("web");

        (void)state;
        make_dir("/gcroots");
        make_dir("/gcroots/auto");
        make_dir("/gcroots/auto/extra-container-web.conf");
        c->change = EC_CHANGE_NEW;
        assert_true(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err) < 0);
        assert_non_null(strstr(fake.err.msg, "/gcroots/auto/extra-container-web.conf"));
        assert_root("extra-container-web", NULL);
        fake_reset(&fake);
        c->change = EC_CHANGE_UPDATE;
        assert_true(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err) < 0);
        assert_root("extra-container-web", c->unit_path);
}

/* After a rollback; the hook runs before the links are restored, so it cannot rely on them. */
static void test_undo(void **state)
{
        struct ec_container *c = install("web");

        (void)state;
        assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err), 0);
        c->change = EC_CHANGE_RESTART;
        assert_int_equal(PLUGIN->hooks->undo(self, &fake.op, c, &fake.err), 0);
        assert_root("extra-container-web", c->unit_path);
        assert_root("extra-container-web.conf", c->conf_path);
        c->change = EC_CHANGE_NEW;
        assert_int_equal(PLUGIN->hooks->undo(self, &fake.op, c, &fake.err), 0);
        assert_root("extra-container-web", NULL);
        assert_root("extra-container-web.conf", NULL);
}

static void test_no_directory(void **state)
{
        struct ec_container *c = install("web");
        char *p = at("/gcroots");

        (void)state;
        fclose(fopen(p, "we"));
        assert_true(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err) < 0);
        assert_non_null(strstr(fake.err.msg, p));
        free(p);
}

static void test_removed(void **state)
{
        struct ec_container *c = install("web");

        (void)state;
        assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err), 0);
        unlink(c->unit_path);
        unlink(c->conf_path);
        assert_int_equal(PLUGIN->hooks->removed(self, &fake.op, c, &fake.err), 0);
        assert_root("extra-container-web", NULL);
        assert_root("extra-container-web.conf", NULL);
        assert_int_equal(PLUGIN->hooks->removed(self, &fake.op, c, &fake.err), 0);
}

static int nix_calls;

/* The unit refers to the conf file, and that to itself and /nix/store/c. */
static int nix_store(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        char *unit = at("/store/unit"), *conf = at("/store/conf");

        assert_int_equal(f->locked, 0); /* it takes long */
        nix_calls++;
        free(ret->out);
        if (!strcmp(p->argv[1], "--query")) {
                assert_string_equal(p->argv[2], "--requisites");
                assert_true(asprintf(&ret->out, "%s\n/nix/store/c\n%s\n", unit, conf) > 0);
        } else {
                assert_string_equal(p->argv[1], "--dump-db");
                assert_null(p->argv[5]);
                assert_true(asprintf(&ret->out,
                                     "/nix/store/c\nhash\n300\n/nix/store/c.drv\n0\n"
                                     "%s\nhash\n200\n\n2\n/nix/store/c\n%s\n%s\nhash\n100\n\n1\n%s\n",
                                     conf, conf, unit, conf) > 0);
        }
        ret->out_len = strlen(ret->out);
        free(unit);
        free(conf);
        return 0;
}

static int nix_nonsense(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        (void)f;
        free(ret->out);
        ret->out = strdup(!strcmp(p->argv[1], "--query") ? "/a\n" : "/b\n1\n2\n3\n4\n");
        ret->out_len = strlen(ret->out);
        return 0;
}

static void test_gc(void **state)
{
        struct ec_container *db = install("db"), *web = install("web");
        char *expect, *unit = at("/store/unit"), *conf = at("/store/conf");

        (void)state;
        assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, web, &fake.err), 0);
        assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, db, &fake.err), 0);
        put_link("/elsewhere", "/gcroots/auto/other");
        put_link("/elsewhere", "/gcroots/auto/extra-container-web.x");
        unlink(web->unit_path);
        unlink(web->conf_path);
        fake.proc = nix_store;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), 0);
        assert_root("extra-container-web", NULL);
        assert_root("extra-container-web.conf", NULL);
        assert_root("extra-container-db", db->unit_path);
        assert_root("other", "/elsewhere");
        assert_root("extra-container-web.x", "/elsewhere");
        assert_non_null(strstr(fake.log, "5: removed"));
        assert_true(asprintf(&expect,
                             "name=db;paths=3;size=600;roots=%s/gcroots/auto/extra-container-db\n%s/gcroots/auto/"
                             "extra-container-db.conf;"
                             "storePaths=%s\n%s;",
                             dir, dir, unit, conf) > 0);
        assert_string_equal(fake.table, expect);
        free(expect);
        free(unit);
        free(conf);
}

/* However many containers there are. */
static void test_gc_two_calls(void **state)
{
        const char *const names[] = { "a", "b", "c", "d" };

        (void)state;
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, install(names[i]), &fake.err), 0);
        fake.proc = nix_store;
        nix_calls = 0;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), 0);
        assert_int_equal(nix_calls, 2);
        assert_non_null(strstr(fake.table, "name=d;paths=3;size=600;"));
        fake_reset(&fake);
        fake.proc = nix_nonsense;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), -EBADMSG);
        assert_string_equal(fake.err.msg, "nix-store --dump-db has printed what is not understood");
}

/* Without the lock, no root is touched. */
static void test_gc_locked(void **state)
{
        struct ec_container *db = install("db"), *web = install("web");

        (void)state;
        assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, web, &fake.err), 0);
        unlink(web->unit_path);
        fake.fail_at = "deploy.lock";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), -EIO);
        assert_root("extra-container-web", web->unit_path);
        assert_root("extra-container-db", NULL);
        (void)db;
}

/* Containers installed while the plugin was off get their roots, because installing them again changes nothing. */
static void test_gc_missing(void **state)
{
        struct ec_container *c = install("db");

        (void)state;
        fake.proc = nix_store;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), 0);
        assert_root("extra-container-db", c->unit_path);
        assert_root("extra-container-db.conf", c->conf_path);
        assert_non_null(strstr(fake.log, "5: created the missing roots of container 'db'"));
        assert_non_null(strstr(fake.table, "name=db;"));
        fake_reset(&fake);
        fake.proc = nix_store;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), 0);
        assert_null(strstr(fake.log, "created"));
}

/* The link exists but its store path is gone: it is neither listed nor removed. */
static void test_gc_lost(void **state)
{
        struct ec_container *c = install("db");
        char *p = at("/store/unit"), *q = at("/store/conf");

        (void)state;
        assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err), 0);
        unlink(p);
        unlink(q);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), 0);
        assert_root("extra-container-db", c->unit_path);
        assert_non_null(strstr(fake.log, "4: "));
        assert_string_equal(fake.table, "");
        free(p);
        free(q);
}

static void test_gc_none(void **state)
{
        (void)state;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), 0);
        assert_string_equal(fake.table, "");
        assert_non_null(strstr(fake.calls, "table.print"));
}

static int print_nothing(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        (void)f, (void)p;
        free(ret->out);
        ret->out = NULL;
        return 0;
}

static void test_gc_no_output(void **state)
{
        struct ec_container *c = install("db");

        (void)state;
        assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err), 0);
        fake.proc = print_nothing;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), 0);
        assert_non_null(strstr(fake.table, "name=db;paths=0;size=0;"));
}

static void test_gc_nix_fails(void **state)
{
        struct ec_container *c = install("db");

        (void)state;
        assert_int_equal(PLUGIN->hooks->installed(self, &fake.op, c, &fake.err), 0);
        fake.status = 1;
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), -EIO);
        assert_non_null(strstr(fake.err.msg, "nix-store"));
        fake_reset(&fake);
        fake.fail_at = "proc.run";
        assert_int_equal(fake_run(&fake, PLUGIN, self, "gc"), -ENOENT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_descriptor),   T(test_installed),    T(test_installed_fails), T(test_installed_half),
                T(test_undo),         T(test_no_directory), T(test_removed),         T(test_gc),
                T(test_gc_two_calls), T(test_gc_missing),   T(test_gc_lost),         T(test_gc_none),
                T(test_gc_nix_fails), T(test_gc_no_output), T(test_gc_locked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
