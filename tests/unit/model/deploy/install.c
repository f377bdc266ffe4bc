/* SPDX-License-Identifier: MIT */
#include "capture.h"
#include "deploy_fixture.h"
#include "fake_systemd.h"

#include "model/containers/pending.h"
#include "model/deploy/install.h"
#include "model/deploy/start.h"

/* A plugin that records its calls and fails on demand. */
static char *calls;
static char *seen; /* seen by pre_install for the last container */
static const char *fail_installed, *fail_pre;

static void note(const char *what, const struct ec_container *c)
{
        char *s = str_printf("%s%s:%s ", calls ? calls : "", what, c->name);

        free(calls);
        calls = s;
}

static int on_pre(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        (void)self, (void)op;
        note("pre", c);
        free(seen);
        seen = str_printf("%u %s %s", c->change, strrchr(c->unit_target, '-'), container_conf_get(c, "SYSTEM_PATH"));
        return fail_pre && !strcmp(fail_pre, c->name) ? err_set(err, -EPERM, "vetoed") : 0;
}

static int on_installed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        (void)self, (void)op;
        note("installed", c);
        return fail_installed && !strcmp(fail_installed, c->name) ? err_set(err, -EIO, "refused") : 0;
}

static const struct ec_hooks hooks = { .size = sizeof(hooks), .pre_install = on_pre, .installed = on_installed };
static const struct ec_plugin plugin = { .size = sizeof(plugin),
                                         .name = "noter",
                                         .provides = EC_PROVIDES_GCROOT,
                                         .hooks = &hooks };
static struct plugin_ref ref = { .plugin = &plugin };
static const struct ec_command command = { .name = "create",
                                           .scopes = EC_SCOPE_BUILD | EC_SCOPE_INSTALL | EC_SCOPE_START };

static int setup(void **state)
{
        struct fixture *f = fx_new();

        fake_reset();

        f->registry = (struct registry){ .plugins = &ref, .n = 1 };
        f->op.command = &command;
        fail_installed = fail_pre = NULL;
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        free(calls);
        free(seen);
        calls = seen = NULL;
        fx_free(*state);
        return 0;
}

/* Installs an output; its lines on stdout. */
static char *install(struct fixture *f, const char *output, int expect)
{
        int r;

        free(calls);
        calls = strdup("");
        fx_use(f, output, NULL);
        fx_capture(f);
        r = deploy_install(&f->op, &f->err);
        if (r != expect) {
                free(fx_captured(f));
                fail_msg("install gave %d (%s), not %d", r, err_msg(&f->err), expect);
        }
        return fx_captured(f);
}

static void expect_install(struct fixture *f, const char *output, const char *lines)
{
        char *out = install(f, output, 0);

        assert_string_equal(out, lines);
        free(out);
}

static uint32_t state_of(struct fixture *f, size_t i)
{
        return f->op.deployment->changes[i].c->change;
}

static void test_new(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/1\n", true);
        expect_install(f, "etc", "Installing containers:\na\nb\n");
        assert_int_equal(state_of(f, 0), EC_CHANGE_NEW);
        fx_assert_link(f, "/etc/units/container@a.service", "-unit-a-1");
        fx_assert_link(f, "/etc/units/container@b.service", "-unit-b-1");
        assert_true(fx_exists(f, "/etc/nixos-containers/a.conf"));
        fx_assert_link(f, "/etc/units/machines.target.wants/container@a.service", NULL);
        fx_assert_link(f, "/etc/units/machines.target.wants/container@b.service", "../container@b.service");
        fx_assert_link(f, "/etc/units/multi-user.target.wants/machines.target", "../machines.target");
        assert_true(fx_exists(f, "/etc/static/os-release"));
        assert_string_equal(calls, "pre:a pre:b installed:a installed:b ");
        /* A second call does nothing. */
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        assert_string_equal(calls, "pre:a pre:b installed:a installed:b ");
}

/* Files of an earlier container of this name. */
static void test_files(void **state)
{
        struct fixture *f = *state;
        _cleanup_free_ char *a = fx_path(f, "/var/lib/nixos-containers/a/etc"), *told = NULL, *again = NULL,
                            *b = fx_path(f, "/var/lib/nixos-containers/b");
        struct capture c;

        assert_true(fs_mkdir_p(a, 0755) >= 0 && fs_mkdir_p(b, 0755) >= 0);
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/1\n", false);
        log_set_level(LOG_NOTICE);
        capture_begin(&c, STDERR_FILENO);
        expect_install(f, "etc", "Installing containers:\na\nb\n");
        told = capture_end(&c);
        assert_non_null(strstr(told, "container 'a' uses the files that are already in /"));
        assert_null(strstr(told, "'b'"));
        capture_begin(&c, STDERR_FILENO);
        expect_install(f, "etc", "Installing containers:\na (unchanged, skipped)\nb (unchanged, skipped)\n");
        again = capture_end(&c);
        log_set_level(LOG_CRIT);
        assert_string_equal(again, "");
}

static void test_unchanged(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", true);
        expect_install(f, "etc", "Installing containers:\na\n");
        expect_install(f, "etc", "Installing containers:\na (unchanged, skipped)\n");
        assert_int_equal(state_of(f, 0), EC_CHANGE_NONE);
        assert_string_equal(calls, "installed:a ");
        /* Another output with the same files is not a change either. */
        fx_container(f, "etc2", "a", 1, "SYSTEM_PATH=/1\n", true);
        expect_install(f, "etc2", "Installing containers:\na (unchanged, skipped)\n");
}

/* A run was killed after it made the links: the next one calls the hooks and makes the boot links,
 * also for containers of another definition. */
static void test_after_a_kill(void **state)
{
        const char *const names[] = { "a", "other", "never-there", NULL };
        struct fixture *f = *state;
        char *boot = fx_path(f, "/etc/units/multi-user.target.wants/machines.target"), **noted;

        fx_container(f, "etc2", "other", 1, "SYSTEM_PATH=/1\n", false);
        expect_install(f, "etc2", "Installing containers:\nother\n");
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", true);
        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/1\n", false);
        expect_install(f, "etc", "Installing containers:\na\nb\n");
        assert_false(pending_reload(&f->layout));
        assert_int_equal(unlink(boot), 0);
        assert_int_equal(pending_reload_set(&f->layout, names, &f->err), 0);
        /* Another container that still fails does not fail this run, and stays noted. */
        fail_installed = "other";
        expect_install(f, "etc", "Installing containers:\na (unchanged, skipped)\nb (unchanged, skipped)\n");
        assert_string_equal(calls, "installed:a installed:b installed:other ");
        assert_true(fx_exists(f, "/etc/units/multi-user.target.wants/machines.target"));
        assert_int_equal(pending_unfinished(&f->layout, &noted, &f->err), 0);
        assert_int_equal(strv_len(STRV_CONST(noted)), 1);
        assert_string_equal(noted[0], "other");
        strv_free(noted);
        /* A failure with a container of this definition fails the run. */
        assert_int_equal(pending_reload_set(&f->layout, names, &f->err), 0);
        fail_installed = "a";
        free(install(f, "etc", -EIO));
        err_done(&f->err);
        assert_true(pending_reload(&f->layout));
        fail_installed = NULL;
        expect_install(f, "etc", "Installing containers:\na (unchanged, skipped)\nb (unchanged, skipped)\n");
        assert_string_equal(calls, "installed:a installed:b installed:other ");
        assert_true(fx_exists(f, "/etc/units/multi-user.target.wants/machines.target"));
        expect_install(f, "etc", "Installing containers:\na (unchanged, skipped)\nb (unchanged, skipped)\n");
        assert_string_equal(calls, "installed:a installed:b ");
        free(boot);
}

/* The same, but the host was started again, and the notes are gone. */
static void test_after_a_kill_and_boot(void **state)
{
        struct fixture *f = *state;
        char *boot = fx_path(f, "/etc/units/multi-user.target.wants/machines.target"), *wants;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", true);
        expect_install(f, "etc", "Installing containers:\na\n");
        assert_int_equal(unlink(boot), 0);
        assert_false(pending_reload(&f->layout));
        expect_install(f, "etc", "Installing containers:\na (unchanged, skipped)\n");
        assert_string_equal(calls, "installed:a ");
        fx_assert_link(f, "/etc/units/multi-user.target.wants/machines.target", "../machines.target");
        free(boot);
        /* It was killed after it had removed the container's link. */
        fx_container(f, "etc2", "a", 1, "SYSTEM_PATH=/1\n", false);
        wants = fx_path(f, "/etc/units/machines.target.wants/container@a.service");
        assert_int_equal(unlink(wants), 0);
        free(wants);
        expect_install(f, "etc2", "Installing containers:\na (unchanged, skipped)\n");
        fx_assert_link(f, "/etc/units/multi-user.target.wants/machines.target", NULL);
        assert_false(fx_exists(f, "/etc/units/machines.target.wants"));
}

/* A run was killed before it renamed a link; its note is gone, or it made none. */
static void test_temporary_link(void **state)
{
        static const char *const dirs[] = { "/etc/nixos-containers", "/etc/units", "/etc/static", "/nix/gcroots/auto" };
        struct fixture *f = *state;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc2", "a", 1, "SYSTEM_PATH=/1\nB=2\n", false);
        free(install(f, "etc", 0));
        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
                char *dir = fx_path(f, dirs[i]), *temp = fs_join(dir, ".#extra-container-0123456789abcdef");

                fx_link("/nowhere", temp);
                free(install(f, i % 2 ? "etc" : "etc2", 0));
                if (fs_exists(temp))
                        fail_msg("%s remains", temp);
                free(dir), free(temp);
        }
}

static void test_update(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\nB=2\n", false);
        fx_container(f, "etc2", "a", 1, "\nSYSTEM_PATH=/2\n\nB=\"2\"\n", false);
        expect_install(f, "etc", "Installing containers:\na\n");
        expect_install(f, "etc2", "Installing containers:\na\n");
        assert_int_equal(state_of(f, 0), EC_CHANGE_UPDATE);
        assert_false(f->op.deployment->changes[0].unit_differs);
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_UPDATE);
        assert_string_equal(calls, "pre:a installed:a ");
}

/* Units that differ only in notes for other programs are equal. */
static void test_update_notes(void **state)
{
        struct fixture *f = *state;
        char *p;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc2", "a", 2, "SYSTEM_PATH=/2\n", false);
        p = fx_path(f, "/store/" HASH "-unit-a-1");
        fx_write(p, "[Service]\nX-Restart-Triggers=/nix/1\nType=notify\n");
        free(p);
        p = fx_path(f, "/store/" HASH "-unit-a-2");
        fx_write(p, "[Service]\nX-Restart-Triggers=/nix/2\nType=notify\n");
        free(p);
        free(install(f, "etc", 0));
        free(install(f, "etc2", 0));
        assert_int_equal(state_of(f, 0), EC_CHANGE_UPDATE);
        assert_true(f->op.deployment->changes[0].unit_differs);
}

static void changed(struct fixture *f, int unit, const char *conf)
{
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\nB=2\n", false);
        fx_container(f, "etc2", "a", unit, conf, false);
        free(install(f, "etc", 0));
        free(install(f, "etc2", 0));
        assert_int_equal(state_of(f, 0), EC_CHANGE_RESTART);
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_RESTART);
}

static void test_changed_unit(void **state)
{
        changed(*state, 2, "SYSTEM_PATH=/2\nB=2\n");
}

static void test_changed_value(void **state)
{
        changed(*state, 1, "SYSTEM_PATH=/2\nB=3\n");
}

static void test_changed_key_gone(void **state)
{
        changed(*state, 1, "SYSTEM_PATH=/1\n");
}

static void test_changed_key_more(void **state)
{
        changed(*state, 1, "SYSTEM_PATH=/1\nB=2\nC=\n");
}

static void test_changed_to_flake(void **state)
{
        changed(*state, 1, "FLAKE=x\nB=2\n");
}

/* A pending restart is not downgraded by a later update. */
static void test_pending_restart_stays(void **state)
{
        struct fixture *f = *state;

        changed(f, 2, "SYSTEM_PATH=/2\nB=2\n");
        fx_container(f, "etc3", "a", 2, "SYSTEM_PATH=/3\nB=2\n", false);
        free(install(f, "etc3", 0));
        assert_int_equal(state_of(f, 0), EC_CHANGE_UPDATE);
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_RESTART);
}

static void test_auto_start_dropped(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\nAUTO_START=1\n", true);
        fx_container(f, "etc2", "a", 2, "SYSTEM_PATH=/1\n", false);
        free(install(f, "etc", 0));
        free(install(f, "etc2", 0));
        fx_assert_link(f, "/etc/units/machines.target.wants/container@a.service", NULL);
        fx_assert_link(f, "/etc/units/multi-user.target.wants/machines.target", NULL);
}

static void test_wants_repaired(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/units/machines.target.wants/container@a.service");

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", true);
        free(install(f, "etc", 0));
        assert_int_equal(unlink(p), 0);
        expect_install(f, "etc", "Installing containers:\na (unchanged, skipped)\n");
        assert_true(fx_exists(f, "/etc/units/machines.target.wants/container@a.service"));
        free(p);
}

/* A link made by the administrator is left alone. */
static void test_machines_target_foreign(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/units/multi-user.target.wants/machines.target");

        fx_link("/usr/lib/systemd/system/machines.target", p);
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", true);
        fx_container(f, "etc2", "a", 1, "SYSTEM_PATH=/1\nB=1\n", false);
        free(install(f, "etc", 0));
        free(install(f, "etc2", 0));
        fx_assert_link(f, "/etc/units/multi-user.target.wants/machines.target",
                       "/usr/lib/systemd/system/machines.target");
        free(p);
}

static void test_veto(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/1\n", false);
        fail_pre = "b";
        free(install(f, "etc", -EPERM));
        assert_string_equal(calls, "pre:a pre:b ");
        assert_non_null(strstr(err_msg(&f->err), "container 'b'"));
        fx_assert_link(f, "/etc/units/container@a.service", NULL);
}

/* pre_install sees what would be installed and the kind of change, also for an update. */
static void test_pre_install_sees(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc2", "a", 1, "SYSTEM_PATH=/2\n", false);
        fx_container(f, "etc3", "a", 3, "SYSTEM_PATH=/2\n", false);
        free(install(f, "etc", 0));
        assert_string_equal(seen, "1 -1 /1"); /* EC_CHANGE_NEW */
        free(install(f, "etc2", 0));
        assert_string_equal(seen, "2 -1 /2"); /* EC_CHANGE_UPDATE */
        fail_pre = "a";
        free(install(f, "etc3", -EPERM));
        assert_string_equal(seen, "3 -3 /2"); /* EC_CHANGE_RESTART */
        fx_assert_link(f, "/etc/units/container@a.service", "-unit-a-1");
}

static void test_rollback(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", true);
        fx_container(f, "etc2", "a", 2, "SYSTEM_PATH=/2\n", false);
        fx_container(f, "etc2", "b", 1, "SYSTEM_PATH=/2\n", true);
        free(install(f, "etc", 0));
        fail_installed = "a";
        free(install(f, "etc2", -EIO));
        assert_non_null(strstr(err_msg(&f->err), "container 'a'"));
        assert_non_null(strstr(err_msg(&f->err), "refused"));
        err_done(&f->err);
        fx_assert_link(f, "/etc/units/container@a.service", "-unit-a-1");
        fx_assert_link(f, "/etc/units/machines.target.wants/container@a.service", "../container@a.service");
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_NONE);
        fx_assert_link(f, "/etc/units/container@b.service", NULL);

        fail_installed = "b";
        free(install(f, "etc2", -EIO));
        fx_assert_link(f, "/etc/units/container@a.service", "-unit-a-2");
        fx_assert_link(f, "/etc/units/container@b.service", NULL);
        fx_assert_link(f, "/etc/nixos-containers/b.conf", NULL);
        fx_assert_link(f, "/etc/units/machines.target.wants/container@b.service", NULL);
}

static void test_not_ours(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/nixos-containers/a.conf");

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_write(p, "SYSTEM_PATH=/imperative\n");
        free(install(f, "etc", -EEXIST));
        assert_non_null(strstr(err_msg(&f->err), p));
        assert_int_equal(unlink(p), 0);
        err_done(&f->err);
        free(p);

        p = fx_path(f, "/etc/units/container@a.service");
        fx_write(p, "[Service]\n");
        free(install(f, "etc", -EEXIST));
        fx_assert_link(f, "/etc/nixos-containers/a.conf", NULL);
        free(p);
}

static void test_declarative(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/systemd/system/container@a.service");

        fx_write(p, "");
        f->layout.nixos = true;
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        free(install(f, "etc", -EEXIST));
        assert_non_null(strstr(err_msg(&f->err), "host's own configuration"));
        free(p);
}

/* Installed by the bash version on Debian: moved when the container changes. */
static void test_moves(void **state)
{
        struct fixture *f = *state;
        char *unit, *conf, *p;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", true);
        fx_container(f, "etc2", "a", 1, "SYSTEM_PATH=/2\n", true);
        free(install(f, "etc", 0));
        unit = fx_path(f, "/etc/units");
        p = fx_path(f, "/usr/lib/units");
        conf = fx_path(f, "/usr/lib");
        assert_int_equal(fs_mkdir_p(conf, 0755), 0);
        assert_int_equal(rename(unit, p), 0);
        free(unit), free(conf), free(p);

        expect_install(f, "etc", "Installing containers:\na (unchanged, skipped)\n");
        fx_assert_link(f, "/etc/units/container@a.service", NULL);
        expect_install(f, "etc2", "Installing containers:\na\n");
        assert_int_equal(state_of(f, 0), EC_CHANGE_UPDATE);
        fx_assert_link(f, "/etc/units/container@a.service", "-unit-a-1");
        fx_assert_link(f, "/usr/lib/units/container@a.service", NULL);
        fx_assert_link(f, "/usr/lib/units/machines.target.wants/container@a.service", NULL);
        assert_true(fx_exists(f, "/etc/units/machines.target.wants/container@a.service"));
}

static void test_other_layout(void **state)
{
        struct fixture *f = *state;
        char *from, *to;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        free(install(f, "etc", 0));
        from = fx_path(f, "/etc/nixos-containers");
        to = fx_path(f, "/etc/containers");
        assert_int_equal(rename(from, to), 0);
        free(from), free(to);
        free(install(f, "etc", 0));
        assert_int_equal(state_of(f, 0), EC_CHANGE_RESTART);
        fx_assert_link(f, "/etc/containers/a.conf", NULL);
        assert_true(fx_exists(f, "/etc/nixos-containers/a.conf"));
}

static void test_names(void **state)
{
        struct fixture *f = *state;
        char *out;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/1\n", false);
        fx_use(f, "etc", (const char *const[]){ "b", NULL });
        fx_capture(f);
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        out = fx_captured(f);
        assert_string_equal(out, "Installing containers:\nb\n");
        free(out);
        fx_assert_link(f, "/etc/units/container@a.service", NULL);
}

static void test_bad_dir(void **state)
{
        struct fixture *f = *state;
        char *p = fx_path(f, "/etc/units");

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_write(p, "no directory");
        free(install(f, "etc", -ENOTDIR));
        assert_non_null(strstr(err_msg(&f->err), "/etc/units"));
        free(p);
}

static void test_start_offline(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        free(install(f, "etc", 0));
        assert_int_equal(deploy_start(&f->op, 0, &f->err), 0);
        assert_int_equal(deploy_start(&f->op, EC_START_STOPPED, &f->err), -EOPNOTSUPP);
        assert_non_null(strstr(err_msg(&f->err), f->dir));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_new),
                T(test_files),
                T(test_unchanged),
                T(test_after_a_kill),
                T(test_after_a_kill_and_boot),
                T(test_temporary_link),
                T(test_update),
                T(test_update_notes),
                T(test_changed_unit),
                T(test_changed_value),
                T(test_changed_key_gone),
                T(test_changed_key_more),
                T(test_changed_to_flake),
                T(test_pending_restart_stays),
                T(test_auto_start_dropped),
                T(test_wants_repaired),
                T(test_machines_target_foreign),
                T(test_veto),
                T(test_pre_install_sees),
                T(test_rollback),
                T(test_not_ours),
                T(test_declarative),
                T(test_moves),
                T(test_other_layout),
                T(test_names),
                T(test_bad_dir),
                T(test_start_offline),
        };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
