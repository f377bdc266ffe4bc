/* SPDX-License-Identifier: MIT */
#include "deploy_fixture.h"
#include "fake_systemd.h"
#include "noter.h"

#include "model/containers/degraded.h"
#include "model/containers/pending.h"
#include "model/deploy/install.h"
#include "model/deploy/start.h"
#include "svc/process/interrupt.h"

static const struct ec_command command = { .name = "create",
                                           .scopes = EC_SCOPE_BUILD | EC_SCOPE_INSTALL | EC_SCOPE_START };

static int setup(void **state)
{
        struct fixture *f = fx_new();
        char *p;

        /* Makes this pass for the host's own systemd. */
        *f->layout.root = 0;
        f->layout.nixos = true;
        f->registry = (struct registry){ .plugins = &noter_ref, .n = 1 };
        f->op.command = &command;
        fake_reset();
        noter_reset();
        p = fx_path(f, "/etc/units/machines.target");
        fx_write(p, "");
        free(p);
        fx_container(f, "etc", "a", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "etc", "b", 1, "SYSTEM_PATH=/1\n", false);
        fx_container(f, "update", "a", 1, "SYSTEM_PATH=/2\n", false);
        fx_container(f, "update", "b", 1, "SYSTEM_PATH=/2\n", false);
        fx_container(f, "change", "a", 2, "SYSTEM_PATH=/2\n", false);
        fx_container(f, "change", "b", 1, "SYSTEM_PATH=/1\n", false);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        systemd_free(f->op.systemd);
        noter_done();
        fx_free(f);
        return 0;
}

static int go(struct fixture *f, const char *output, uint32_t flags, char **ret_out)
{
        int r;

        err_done(&f->err);
        free(fake.log);
        fake.log = strdup("");
        noter_reset();
        fx_use(f, output, NULL);
        fx_capture(f);
        r = deploy_install(&f->op, &f->err);
        if (r >= 0)
                r = deploy_start(&f->op, flags, &f->err);
        *ret_out = fx_captured(f);
        return r;
}

static void expect(struct fixture *f, const char *output, uint32_t flags, int result, const char *log,
                   const char *lines)
{
        char *out;
        int r = go(f, output, flags, &out);

        if (r != result)
                fail_msg("gave %d (%s), not %d", r, err_msg(&f->err), result);
        assert_string_equal(fake.log, log);
        assert_string_equal(out, lines);
        free(out);
}

#define INSTALLED "Installing containers:\na\nb\n"
#define UNCHANGED "Installing containers:\na (unchanged, skipped)\nb (unchanged, skipped)\n"

static void test_start(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", EC_START_STOPPED | EC_START_UPDATE, 0,
               "reload\nstart container@a.service container@b.service\n", INSTALLED "Starting containers:\na\nb\n");
        assert_string_equal(noted, "started(a b) ");
}

/* It was opened after the installation, which had the lock. */
static void test_session_opens(void **state)
{
        struct fixture *f = *state;
        char *path = fx_path(f, "/run/ec/sessions/b"), *out;
        int fd;
        pid_t pid;

        fx_use(f, "etc", NULL);
        fx_capture(f);
        assert_int_equal(deploy_install(&f->op, &f->err), 0);
        pid = fx_open_session(path, &fd);
        assert_int_equal(deploy_start(&f->op, EC_START_STOPPED, &f->err), -EBUSY);
        out = fx_captured(f);
        assert_string_equal(out, INSTALLED);
        assert_non_null(strstr(err_msg(&f->err), "a session with 'b' is open"));
        assert_string_equal(fake.log, "reload\n");
        close(fd);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        free(out), free(path);
}

static void test_nothing_to_do(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service";
        fake.active[1] = "container@b.service";
        expect(f, "etc", EC_START_STOPPED | EC_START_UPDATE, 0, "", UNCHANGED);
        expect(f, "etc", EC_START_RESTART, 0, "", UNCHANGED);
        /* Units are looked at again only if some had failed. */
        fake.sick = "a";
        expect(f, "etc", EC_START_STOPPED | EC_START_UPDATE, 0, "", UNCHANGED);
        degraded_set(&f->layout, "a", true);
        expect(f, "etc", EC_START_STOPPED | EC_START_UPDATE, -EIO, "", UNCHANGED);
        assert_string_equal(err_msg(&f->err), "container 'a' runs, but units failed in it: bad.service");
        fake.sick = NULL;
        expect(f, "etc", EC_START_STOPPED | EC_START_UPDATE, 0, "", UNCHANGED);
        assert_false(degraded_get(&f->layout, "a"));
}

static void test_no_bus_needed(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.bus_error = -ENOENT;
        expect(f, "etc", 0, 0, "", UNCHANGED);
}

static void test_no_bus(void **state)
{
        struct fixture *f = *state;

        fake.bus_error = -ENOENT;
        expect(f, "etc", 0, -ENOENT, "", "");
        fx_assert_link(f, "/etc/units/container@a.service", NULL);
}

static void test_unit_dir(void **state)
{
        struct fixture *f = *state;

        fake.has_unit_dir = 0;
        expect(f, "etc", 0, -ENOENT, "", "");
        assert_non_null(strstr(err_msg(&f->err), "boot.extraSystemdUnitPaths = [ \""));
        fx_assert_link(f, "/etc/units/container@a.service", NULL);
        assert_false(fx_exists(f, "/etc/nixos-containers"));
}

static void test_update(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service";
        /* No unit has changed: no daemon-reload. b is stopped, so it is not updated. */
        expect(f, "update", EC_START_UPDATE, 0, "exec a: /2/bin/switch-to-configuration test\n",
               INSTALLED "Updating containers:\na\n");
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_NONE);
        expect(f, "update", EC_START_UPDATE, 0, "", UNCHANGED);
}

static void test_update_by_start(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service";
        expect(f, "update", EC_START_STOPPED | EC_START_UPDATE, 0,
               "start container@b.service\nexec a: /2/bin/switch-to-configuration test\n",
               INSTALLED "Starting containers:\nb\nUpdating containers:\na\n");
}

/* The lines are printed in the order of the actions. */
static void test_order(void **state)
{
        struct fixture *f = *state;

        fx_container(f, "mixed", "a", 2, "SYSTEM_PATH=/2\n", false);
        fx_container(f, "mixed", "b", 1, "SYSTEM_PATH=/2\n", false);
        fx_container(f, "mixed", "c", 1, "SYSTEM_PATH=/2\n", false);
        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service";
        fake.active[1] = "container@b.service";
        expect(f, "mixed", EC_START_STOPPED | EC_START_UPDATE, 0,
               "reload\nstart container@c.service\nexec b: /2/bin/switch-to-configuration test\n"
               "restart container@a.service\n",
               "Installing containers:\na\nb\nc\nStarting containers:\nc\nUpdating containers:\nb\n"
               "Restarting containers:\na\n");
        assert_string_equal(noted, "started(c a) updated(b) ");
}

static void test_update_fails(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service";
        fake.active[1] = "container@b.service";
        fake.exec_status = 2;
        expect(f, "update", EC_START_UPDATE, -EIO,
               "exec a: /2/bin/switch-to-configuration test\nexec parallel b: /2/bin/switch-to-configuration test\n",
               INSTALLED "Updating containers:\na\nb\n");
        assert_non_null(strstr(err_msg(&f->err), "2 of 2"));
        assert_string_equal(noted, "failed(a b) ");
        /* Installed but not activated: the next run retries the update. */
        fake.exec_status = 0;
        expect(f, "update", EC_START_STOPPED | EC_START_UPDATE, 0,
               "exec a: /2/bin/switch-to-configuration test\nexec parallel b: /2/bin/switch-to-configuration test\n",
               UNCHANGED "Updating containers:\na\nb\n");
        expect(f, "update", EC_START_STOPPED | EC_START_UPDATE, 0, "", UNCHANGED);
}

static void test_update_unreachable(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service";
        fake.exec_result = -ENOENT;
        expect(f, "update", EC_START_UPDATE, -EIO, "exec a: /2/bin/switch-to-configuration test\n",
               INSTALLED "Updating containers:\na\n");
        assert_non_null(strstr(err_msg(&f->err), "no such machine"));
}

static void test_update_interrupted(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service";
        fake.active[1] = "container@b.service";
        fake.exec_result = -ECANCELED;
        expect(f, "update", EC_START_UPDATE, -ECANCELED,
               "exec a: /2/bin/switch-to-configuration test\nexec parallel b: /2/bin/switch-to-configuration test\n",
               INSTALLED "Updating containers:\na\nb\n");
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_UPDATE);
        assert_int_equal(pending_get(&f->layout, "b"), EC_CHANGE_UPDATE);
}

static void test_restart(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service";
        fake.active[1] = "container@b.service";
        expect(f, "change", EC_START_UPDATE, 0, "reload\nrestart container@a.service\n",
               "Installing containers:\na\nb (unchanged, skipped)\nRestarting containers:\na\n");
}

static void test_restart_instead_of_update(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service";
        expect(f, "update", EC_START_RESTART, 0, "restart container@a.service\n",
               INSTALLED "Restarting containers:\na\n");
        expect(f, "update", EC_START_RESTART, 0, "", UNCHANGED);
}

static void test_changed_later(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service";
        expect(f, "change", 0, 0, "reload\n", "Installing containers:\na\nb (unchanged, skipped)\n");
        /* A restart by someone else in between makes no difference: it is restarted once. */
        expect(f, "change", EC_START_STOPPED | EC_START_UPDATE, 0,
               "start container@b.service\nrestart container@a.service\n",
               UNCHANGED "Starting containers:\nb\nRestarting containers:\na\n");
}

static void test_booting(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service=activating";
        fake.active[1] = "container@b.service=failed";
        expect(f, "update", EC_START_STOPPED | EC_START_UPDATE, 0,
               "start container@b.service\nrestart container@a.service\n",
               INSTALLED "Starting containers:\nb\nRestarting containers:\na\n");
}

static struct fixture *other;

static void other_installs(void)
{
        assert_int_equal(pending_set(&other->layout, "a", EC_CHANGE_UPDATE, &other->err), 0);
}

/* What another run installs during the start or update stays pending for the next run. */
static void test_installed_meanwhile(void **state)
{
        struct fixture *f = other = *state;

        fake.meanwhile = other_installs;
        expect(f, "etc", EC_START_STOPPED, 0, "reload\nstart container@a.service container@b.service\n",
               INSTALLED "Starting containers:\na\nb\n");
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_UPDATE);
        fake.active[0] = "container@a.service";
        fake.active[1] = "container@b.service";
        expect(f, "update", EC_START_UPDATE, 0,
               "exec a: /2/bin/switch-to-configuration test\nexec parallel b: /2/bin/switch-to-configuration test\n",
               INSTALLED "Updating containers:\na\nb\n");
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_UPDATE);
        assert_int_equal(pending_get(&f->layout, "b"), EC_CHANGE_NONE);
        /* Also if the other run noted a restart, which is not downgraded. */
        assert_int_equal(pending_set(&f->layout, "a", EC_CHANGE_RESTART, &f->err), 0);
        expect(f, "update", EC_START_UPDATE, 0, "restart container@a.service\n",
               UNCHANGED "Restarting containers:\na\n");
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_RESTART);
        fake.meanwhile = NULL;
        expect(f, "update", EC_START_UPDATE, 0, "restart container@a.service\n",
               UNCHANGED "Restarting containers:\na\n");
        assert_int_equal(pending_get(&f->layout, "a"), EC_CHANGE_NONE);
}

/* Waits for a start that is in progress, also one after a failed start. */
static void test_waits_for_boot(void **state)
{
        struct fixture *f = *state;

        expect(f, "etc", 0, 0, "reload\n", INSTALLED);
        fake.active[0] = "container@a.service=activating";
        fake.active[1] = "container@b.service=deactivating";
        expect(f, "etc", EC_START_STOPPED | EC_START_UPDATE, 0, "start container@a.service container@b.service\n",
               UNCHANGED "Starting containers:\na\nb\n");
        expect(f, "etc", EC_START_UPDATE, 0, "", UNCHANGED);
}

static void test_start_fails(void **state)
{
        struct fixture *f = *state;

        fake.failing = "container@a.service";
        expect(f, "etc", EC_START_STOPPED, -EIO, "reload\nstart container@a.service container@b.service\n",
               INSTALLED "Starting containers:\na\nb\n");
        assert_string_equal(err_msg(&f->err), "container 'a' did not start: its job failed");
        assert_string_equal(noted, "started(b) failed(a) ");
}

static void test_interrupted(void **state)
{
        struct fixture *f = *state;

        fake.job_error = -ECANCELED;
        expect(f, "etc", EC_START_STOPPED, -ECANCELED, "reload\nstart container@a.service container@b.service\n",
               INSTALLED "Starting containers:\na\nb\n");
}

/* ^C during a waiting hook ends the command, or only the wait. */
static void test_interrupted_hook(void **state)
{
        struct fixture *f = *state;
        char *out;

        assert_int_equal(interrupt_init(), 0);
        fx_use(f, "etc", NULL);
        fx_capture(f);
        noter_signal = SIGINT;
        assert_int_equal(deploy_start(&f->op, EC_START_STOPPED, &f->err), -ECANCELED);
        free(fx_captured(f));
        assert_string_equal(err_msg(&f->err), "interrupted");
        assert_string_equal(noted, "started(a b) ");
        err_done(&f->err);
        interrupt_clear();
        noter_reset();

        fx_capture(f);
        noter_signal = SIGINT;
        assert_int_equal(deploy_start(&f->op, EC_START_STOPPED | EC_START_DETACH, &f->err), 0);
        out = fx_captured(f);
        assert_string_equal(noted, "started(a b) ");
        assert_int_equal(interrupt_signal(), 0);
        free(out);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(test_start),
                T(test_session_opens),
                T(test_nothing_to_do),
                T(test_no_bus_needed),
                T(test_no_bus),
                T(test_unit_dir),
                T(test_update),
                T(test_update_by_start),
                T(test_order),
                T(test_update_fails),
                T(test_update_unreachable),
                T(test_update_interrupted),
                T(test_restart),
                T(test_restart_instead_of_update),
                T(test_changed_later),
                T(test_booting),
                T(test_installed_meanwhile),
                T(test_waits_for_boot),
                T(test_start_fails),
                T(test_interrupted),
                T(test_interrupted_hook),
        };

        return cmocka_run_group_tests(tests, NULL, fake_done);
}
