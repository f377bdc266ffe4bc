/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/containers/pending.h"
#include "model/deploy/destroy.h"
#include "model/deploy/install.h"
#include "svc/process/interrupt.h"

static char *removed;
static bool interrupts;       /* interrupt at each removal */
static struct fixture *again; /* its container 'a' is running again by the time of its removal */

static void leave_behind(struct fixture *f, const char *name);

static int on_removed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        char *s = str_printf("%s%s ", removed, c->name);

        (void)self, (void)op, (void)err;
        free(removed);
        removed = s;
        if (again)
                leave_behind(again, "a");
        if (interrupts)
                raise(SIGINT);
        return 0;
}

static int on_stopped(void *self, struct ec_op *op, const struct ec_container *const *containers, struct ec_err *err)
{
        (void)self, (void)op, (void)err;
        for (; *containers; containers++) {
                char *s = str_printf("%sstopped:%s ", removed, (*containers)->name);

                free(removed);
                removed = s;
        }
        return 0;
}

static const struct ec_hooks hooks = { .size = sizeof(hooks), .stopped = on_stopped, .removed = on_removed };
static const struct ec_plugin plugin = { .size = sizeof(plugin),
                                         .name = "noter",
                                         .provides = EC_PROVIDES_GCROOT,
                                         .hooks = &hooks };
static struct plugin_ref ref = { .plugin = &plugin };
static const struct ec_command command = { .name = "create",
                                           .scopes = EC_SCOPE_BUILD | EC_SCOPE_INSTALL | EC_SCOPE_START };

static void leave_behind(struct fixture *f, const char *name)
{
        const char *const files[] = {
                "/var/lib/nixos-containers/%s/etc/machine-id",
                "/nix/profiles/%s/system",
                "/nix/gcroots/per-container/%s/x",
                "/run/nixos-containers/%s/x",
        };

        for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
                char *s = str_printf(files[i], name), *p = fx_path(f, "%s", s);

                fx_write(p, "x");
                free(s), free(p);
        }
}

static int setup(void **state)
{
        struct fixture *f = fx_new();
        char *p, *target;

        *f->layout.root = 0;
        f->layout.nixos = true;
        f->registry = (struct registry){ .plugins = &ref, .n = 1 };
        f->op.command = &command;
        fake_reset();
        removed = strdup("");
        p = fx_path(f, "/etc/units/machines.target");
        fx_write(p, "");
        free(p);
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", true);
        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/1\n", false);
        fx_use(f, "etc", NULL);
        fx_capture(f);
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        free(fx_captured(f));
        leave_behind(f, "a");
        leave_behind(f, "b");
        target = fx_path(f, "/var/lib/nixos-containers/a/var/log/journal/0123");
        p = fx_path(f, "/var/log/journal/0123");
        fx_link(target, p);
        free(p), free(target);
        target = fx_path(f, "/var/lib/nixos-containers/ab/var/log/journal/4567");
        p = fx_path(f, "/var/log/journal/4567");
        fx_link(target, p);
        free(p), free(target);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        systemd_free(f->op.systemd);
        free(removed);
        fx_free(f);
        return 0;
}

static int destroy(struct fixture *f, const char *const *names, uint32_t flags, char **ret_out)
{
        int r;

        err_done(&f->err);
        free(fake.log);
        fake.log = strdup("");
        fx_capture(f);
        r = deploy_destroy(&f->op, names, flags, &f->err);
        *ret_out = fx_captured(f);
        return r;
}

static void expect(struct fixture *f, const char *const *names, uint32_t flags, int result, const char *log,
                   const char *lines)
{
        char *out;
        int r = destroy(f, names, flags, &out);

        if (r != result)
                fail_msg("gave %d (%s), not %d", r, err_msg(&f->err), result);
        assert_string_equal(fake.log, log);
        assert_string_equal(out, lines);
        free(out);
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void assert_gone(struct fixture *f, const char *name)
{
        const char *const paths[] = {
                "/etc/units/container@%s.service",
                "/etc/nixos-containers/%s.conf",
                "/etc/units/machines.target.wants/container@%s.service",
                "/var/lib/nixos-containers/%s",
                "/nix/profiles/%s",
                "/nix/gcroots/per-container/%s",
                "/run/nixos-containers/%s",
        };

        for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
                char *p = str_printf(paths[i], name);

                if (fx_exists(f, p))
                        fail_msg("%s is still there", p);
                free(p);
        }
}

static void test_stopped(void **state)
{
        struct fixture *f = *state;

        expect(f, NAMES("a"), 0, 0, "reload\n", "");
        assert_gone(f, "a");
        assert_string_equal(removed, "a ");
        assert_false(fx_exists(f, "/var/log/journal/0123"));
        assert_true(fx_exists(f, "/var/log/journal/4567"));
        assert_false(fx_exists(f, "/etc/units/multi-user.target.wants/machines.target"));
        assert_true(fx_exists(f, "/etc/units/container@b.service"));
        assert_true(fx_exists(f, "/var/lib/nixos-containers/b/etc/machine-id"));
}

static void test_running(void **state)
{
        struct fixture *f = *state;

        fake.active[0] = "container@a.service";
        fake.active[1] = "container@b.service=failed";
        expect(f, NAMES("b", "a", "b"), 0, 0,
               "kill container@a.service container@b.service\nterminate a\nterminate b\nreload\n", "");
        assert_gone(f, "a");
        assert_gone(f, "b");
        assert_string_equal(removed, "stopped:a a b "); /* b was not running */
}

/* In the middle of a restart: the stop is done, and the start has not begun. */
static void test_between(void **state)
{
        struct fixture *f = *state;

        fake.active[0] = "container@a.service=inactive";
        fake.active[1] = "container@b.service=inactive+";
        expect(f, NAMES("a", "b"), 0, 0, "kill container@b.service\nterminate b\nreload\n", "");
        assert_gone(f, "a");
        assert_gone(f, "b");
}

/* Its root is a link to another disk: the link is removed, the data is kept, and a warning says so. */
static void test_state_link(void **state)
{
        struct fixture *f = *state;
        char *root = fx_path(f, "/var/lib/nixos-containers/a"), *disk = fx_path(f, "/disk/a"),
             *parent = fx_path(f, "/disk"), *text = fx_path(f, "/stderr"), *told, *expected;
        int fd = open(text, O_RDWR | O_CREAT | O_CLOEXEC, 0600), old = dup(2);

        assert_int_equal(mkdir(parent, 0755), 0);
        assert_int_equal(rename(root, disk), 0);
        assert_int_equal(symlink(disk, root), 0);
        log_set_level(LOG_WARNING);
        dup2(fd, 2);
        expect(f, NAMES("a"), 0, 0, "reload\n", "");
        fflush(stderr);
        dup2(old, 2);
        log_set_level(LOG_CRIT);
        assert_gone(f, "a");
        assert_true(fx_exists(f, "/disk/a/etc/machine-id"));
        assert_int_equal(fs_read(text, 4096, &told, NULL), 0);
        expected = str_printf("removed the link %s; the data in %s stays", root, disk);
        assert_non_null(strstr(told, expected));
        close(fd), close(old);
        free(root), free(disk), free(parent), free(text), free(told), free(expected);
}

/* Another run that installed it starts it right after it was stopped. */
static void test_started_late(void **state)
{
        struct fixture *f = *state;
        char *conf = fx_path(f, "/etc/nixos-containers/b.conf");

        fake.late = "container@a.service";
        again = f;
        expect(f, NAMES("a"), 0, 0, "kill container@a.service\nterminate a\nreload\n", "");
        again = NULL;
        assert_gone(f, "a");
        /* Containers that cannot be removed are left alone. */
        fake.active[0] = NULL;
        fake.late = "container@b.service";
        assert_int_equal(unlink(conf), 0);
        assert_int_equal(mkdir(conf, 0755), 0);
        expect(f, NAMES("b"), 0, -EIO, "reload\n", "");
        assert_int_equal(rmdir(conf), 0);
        expect(f, NAMES("b"), 0, 0, "kill container@b.service\nterminate b\nreload\n", "");
        assert_gone(f, "b");
        free(conf);
}

/* Its new machine is not ended as if it were stale, which fails while it starts; it is stopped again. */
static void test_started_again(void **state)
{
        struct fixture *f = *state;

        fake.active[0] = "container@a.service";
        fake.again = "container@a.service=activating";
        expect(f, NAMES("a"), 0, 0, "kill container@a.service\nkill container@a.service\nterminate a\nreload\n", "");
        assert_gone(f, "a");
}

/* ^C leaves the other containers alone; the removed ones are stopped. */
/* ^C while the first is looked at: there is nothing of the others yet. */
static void test_interrupted_early(void **state)
{
        struct fixture *f = *state;

        fake.machine_unit = "container@a.service";
        fake.machine_unit_error = -ECANCELED;
        expect(f, NAMES("a", "b"), 0, -ECANCELED, "", "");
        fake.machine_unit_error = 0;
        fake.machine_unit = NULL;
}

static void test_started_late_interrupted(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(interrupt_init(), 0);
        fake.late = "container@a.service";
        again = f;
        interrupts = true;
        expect(f, NAMES("a", "b"), 0, -ECANCELED, "kill container@a.service\nterminate a\nreload\n", "");
        again = NULL;
        interrupts = false;
        interrupt_clear();
        assert_gone(f, "a");
        assert_true(fx_exists(f, "/etc/units/container@b.service"));
}

static void test_all(void **state)
{
        struct fixture *f = *state;

        expect(f, NULL, EC_DESTROY_ALL, 0, "reload\n", "");
        assert_gone(f, "a");
        assert_gone(f, "b");
        expect(f, NULL, EC_DESTROY_ALL, 0, "", "");
}

static void test_unknown(void **state)
{
        struct fixture *f = *state;

        expect(f, NAMES("zzz", "a"), 0, -ENOENT, "reload\n", "");
        assert_string_equal(err_msg(&f->err), "no container named 'zzz' is installed; destroyed: a");
        assert_gone(f, "a");
        expect(f, NAMES("a", "zzz"), 0, -ENOENT, "", "");
        assert_non_null(strstr(err_msg(&f->err), "2 of 2 containers"));
        expect(f, NAMES("zzz"), EC_DESTROY_ABSENT, 0, "", "");
        expect(f, NAMES("../etc"), EC_DESTROY_ABSENT, -EINVAL, "", "");
}

static void test_declarative(void **state)
{
        struct fixture *f = *state;

        f->layout.nixos = true;
        *f->layout.root = 0;
        /* Looked up below the real root, where no such container exists. */
        expect(f, NAMES("no-such-container"), 0, -ENOENT, "", "");
}

static void test_by_definition(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "etc2", "b", 1, "SYSTEM_PATH=/9\n", false);
        fx_container(f, "etc2", "absent", 1, "SYSTEM_PATH=/9\n", false);
        fx_use(f, "etc2", NULL);
        expect(f, NULL, 0, 0, "reload\n", "Destroying containers:\nb\n");
        assert_gone(f, "b");
        assert_true(fx_exists(f, "/etc/units/container@a.service"));
        expect(f, NULL, 0, 0, "", "");
}

static void test_quiet(void **state)
{
        struct fixture *f = *state;

        expect(f, NULL, EC_DESTROY_QUIET, 0, "reload\n", "");
        assert_gone(f, "a");
}

/* A container that could not be stopped is kept whole; the other is removed. */
static void test_stop_fails(void **state)
{
        struct fixture *f = *state;

        fake.active[0] = "container@a.service";
        fake.active[1] = "container@b.service";
        fake.failing = "container@a.service";
        expect(f, NAMES("a", "b"), 0, -EIO, "kill container@a.service container@b.service\nterminate b\nreload\n", "");
        assert_non_null(strstr(err_msg(&f->err), "'a' was not stopped"));
        assert_gone(f, "b");
        assert_true(fx_exists(f, "/etc/units/container@a.service"));
        assert_true(fx_exists(f, "/var/lib/nixos-containers/a/etc/machine-id"));
        assert_string_equal(removed, "stopped:b b ");
}

static void test_no_bus(void **state)
{
        struct fixture *f = *state;

        fake.bus_error = -ENOENT;
        expect(f, NAMES("a"), 0, -ENOENT, "", "");
        assert_true(fx_exists(f, "/etc/units/container@a.service"));
}

/* A partly removed container stays installed and can be destroyed again. */
static void test_not_removed(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/nixos-containers/a.conf");

        assert_int_equal(unlink(p), 0);
        assert_int_equal(mkdir(p, 0755), 0);
        expect(f, NAMES("a", "b"), 0, -EIO, "reload\n", "");
        assert_non_null(strstr(err_msg(&f->err), p));
        assert_gone(f, "b");
        assert_true(fx_exists(f, "/etc/units/container@a.service"));
        assert_int_equal(rmdir(p), 0);
        expect(f, NAMES("a"), 0, 0, "reload\n", "");
        assert_gone(f, "a");
        free(p);
}

/* A run was killed after it removed the last link: the next run finishes its work without an error. */
static void test_after_a_kill(void **state)
{
        struct fixture *f = *state;
        char *p;

        expect(f, NAMES("b"), 0, 0, "reload\n", "");
        assert_string_equal(removed, "b ");
        assert_false(pending_reload(&f->layout));
        assert_int_equal(pending_reload_set(&f->layout, NAMES("a", "b"), &f->err), 0);
        expect(f, NAMES("b"), 0, 0, "reset container@b.service\nreload\n", "");
        assert_string_equal(removed, "b b ");
        assert_true(fx_exists(f, "/etc/units/container@a.service"));
        assert_false(pending_reload(&f->layout));
        expect(f, NAMES("b"), 0, -ENOENT, "", "");
        /* Also when another container is destroyed. */
        assert_int_equal(pending_reload_set(&f->layout, NAMES("b"), &f->err), 0);
        expect(f, NAMES("zzz"), 0, -ENOENT, "reset container@b.service\nreload\n", "");
        assert_false(pending_reload(&f->layout));
        /* A failure with another container does not keep this one. */
        p = fx_path(f, "/run/ec/pending/.reload");
        assert_int_equal(mkdir(p, 0755), 0);
        free(p);
        expect(f, NAMES("a"), 0, 0, "reload\nreload\n", "");
        assert_gone(f, "a");
}

/* Other programs allow more characters in names. */
static void test_odd_name(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "etc3", "a-b", 1, "SYSTEM_PATH=/1\n", false);
        fx_use(f, "etc3", NULL);
        fx_capture(f);
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        free(fx_captured(f));
        for (int i = 0; i < 2; i++) {
                char *from = fx_path(f, i ? "/etc/nixos-containers/a-b.conf" : "/etc/units/container@a-b.service");
                char *to = fx_path(f, i ? "/etc/nixos-containers/a_b.conf" : "/etc/units/container@a_b.service");

                assert_int_equal(rename(from, to), 0);
                free(from), free(to);
        }
        leave_behind(f, "a_b");
        expect(f, NAMES("a_b"), 0, 0, "reload\n", "");
        assert_gone(f, "a_b");
        expect(f, NAMES("a_b"), 0, -ENOENT, "", "");
}

/* The notes are kept when the work cannot be finished. */
static void test_read_only(void **state)
{
        struct fixture *f = *state;
        char *p;

        if (!geteuid()) {
                print_message("# root may write everywhere; the host tests use a read-only file system\n");
                skip();
        }
        p = fx_path(f, "/etc/units");
        assert_int_equal(chmod(p, 0500), 0);
        expect(f, NAMES("a"), 0, -EACCES, "", "");
        assert_true(fx_exists(f, "/var/lib/nixos-containers/a/etc/machine-id"));
        assert_int_equal(chmod(p, 0700), 0);
        free(p);
}

static void test_elsewhere(void **state)
{
        struct fixture *f = *state;
        char *from = fx_path(f, "/etc/units/container@b.service"),
             *to = fx_path(f, "/usr/lib/units/container@b.service");

        fx_link("x", to);
        assert_int_equal(rename(from, to), 0);
        free(from);
        from = fx_path(f, "/etc/nixos-containers/b.conf");
        free(to);
        to = fx_path(f, "/etc/containers/b.conf");
        fx_link("x", to);
        assert_int_equal(rename(from, to), 0);
        free(from), free(to);
        to = fx_path(f, "/var/lib/containers/b/etc/x");
        fx_write(to, "");
        free(to);
        expect(f, NAMES("b"), 0, 0, "reload\n", "");
        assert_false(fx_exists(f, "/usr/lib/units/container@b.service"));
        assert_false(fx_exists(f, "/etc/containers/b.conf"));
        assert_false(fx_exists(f, "/var/lib/containers/b"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_stopped),
                T(test_running),
                T(test_between),
                T(test_state_link),
                T(test_started_late),
                T(test_started_again),
                T(test_interrupted_early),
                T(test_started_late_interrupted),
                T(test_all),
                T(test_unknown),
                T(test_declarative),
                T(test_by_definition),
                T(test_quiet),
                T(test_stop_fails),
                T(test_no_bus),
                T(test_not_removed),
                T(test_elsewhere),
                T(test_after_a_kill),
                T(test_odd_name),
                T(test_read_only),
        };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
