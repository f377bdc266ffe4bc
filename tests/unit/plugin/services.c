/* SPDX-License-Identifier: MIT */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "in_child.h"
#include "model/operation/call.h"
#include "model/operation/op.h"
#include "plugin/services.h"
#include "svc/process/interrupt.h"
#include "util/err.h"

static const struct ec_command command = { .name = "test",
                                           .scopes = EC_SCOPE_BUILD | EC_SCOPE_INSTALL | EC_SCOPE_START |
                                                     EC_SCOPE_DESTROY | EC_SCOPE_SHELL };
static const struct ec_command narrow = { .name = "narrow", .scopes = EC_SCOPE_BUILD };
static struct ec_op op = OP_INIT;

static int setup(void **state)
{
        (void)state;
        op = (struct ec_op)OP_INIT;
        op.command = &command;
        return 0;
}

/* ---- arguments from plugins -------------------------------------------- */

struct proc_next {
        struct ec_proc now;
        void *more;
};

static void test_proc_sizes(void **state)
{
        static const char *const argv[] = { "sh", "-c", "echo out; exit 3", NULL };
        struct proc_next p = { .now = { .size = sizeof(p), .flags = EC_PROC_CAPTURE, .argv = argv } };
        struct {
                struct ec_proc_result now;
                uint64_t more;
        } res = { .now = { .size = sizeof(res) }, .more = 42 };
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(services_proc.run(&op, &p.now, &res.now, &err), 0);
        assert_int_equal(res.now.status, 3);
        assert_string_equal(res.now.out, "out\n");
        assert_int_equal(res.now.size, sizeof(res));
        assert_int_equal(res.more, 42);
        services_proc.result_done(&res.now);

        p.more = &p;
        assert_int_equal(services_proc.run(&op, &p.now, &res.now, &err), -E2BIG);
        assert_string_equal(err_msg(&err), "struct ec_proc uses something that ABI 1.0 does not have");
        err_done(&err);
        p.now.size = 0;
        assert_int_equal(services_proc.run(&op, &p.now, &res.now, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "struct ec_proc: its size is not set");
        err_done(&err);
        p.now.size = sizeof(p.now);
        res.now.size = 0;
        assert_int_equal(services_proc.run(&op, &p.now, &res.now, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "struct ec_proc_result: its size is not set");
        err_done(&err);
        p.now.reserved = 1;
        assert_int_equal(services_proc.run(&op, &p.now, &res.now, &err), -E2BIG);
        err_done(&err);
        p.now = (struct ec_proc){ .size = offsetof(struct ec_proc, env), .argv = argv };
        assert_int_equal(services_proc.run(&op, &p.now, &res.now, &err), -EINVAL);
        err_done(&err);
        /* Nothing behind the end of a short result is touched. */
        p.now = (struct ec_proc){ .size = sizeof(p.now), .argv = argv };
        res.now = (struct ec_proc_result){ .size = offsetof(struct ec_proc_result, out_len), .err = (char *)1 };
        assert_int_equal(services_proc.run(&op, &p.now, &res.now, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "struct ec_proc_result: its size is not set");
        err_done(&err);
        services_proc.result_done(&res.now);
        assert_ptr_equal(res.now.err, (char *)1);
}

static void test_exec_sizes(void **state)
{
        struct {
                struct ec_exec now;
                char more[8];
        } x = { .now = { .size = 8, .machine = "a" } };
        struct ec_err err = { 0 };
        int32_t status;

        (void)state;
        assert_int_equal(services_machine.exec(&op, &x.now, &status, &err), -EINVAL);
        assert_string_equal(err_msg(&err), "struct ec_exec: its size is not set");
        err_done(&err);
        x.now.size = sizeof(x);
        x.more[0] = 1;
        assert_int_equal(services_machine.exec(&op, &x.now, &status, &err), -E2BIG);
        assert_string_equal(err_msg(&err), "struct ec_exec uses something that ABI 1.0 does not have");
        err_done(&err);
}

#define UNKNOWN (UINT32_C(1) << 30)

static void assert_refused(int r, const char *what, struct ec_err *err)
{
        assert_int_equal(r, -EINVAL);
        assert_string_equal(err_msg(err), what);
        err_done(err);
}

/* No service ignores an unknown flag, because it may mean "do not". */
static void test_unknown_flags(void **state)
{
        static const char *const argv[] = { "true", NULL };
        static const char *const names[] = { "a", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = UNKNOWN };
        struct ec_proc_result res = { .size = sizeof(res) };
        struct ec_exec x = { .size = sizeof(x), .machine = "a", .argv = argv, .flags = UNKNOWN };
        const struct ec_column columns[] = { { "a", "A", EC_COL_STR, UNKNOWN } };
        const struct ec_array a = EC_ARRAY(columns);
        const struct ec_container *const *selected;
        struct ec_table *t = NULL;
        struct ec_err err = { 0 };
        int32_t status;

        (void)state;
        assert_refused(services_proc.run(&op, &p, &res, &err), "proc->run(): unknown flag 0x40000000", &err);
        assert_refused(services_machine.exec(&op, &x, &status, &err), "machine->exec(): unknown flag 0x40000000", &err);
        assert_refused(services_deploy.start(&op, EC_START_STOPPED | UNKNOWN, &err),
                       "deploy->start(): unknown flag 0x40000000", &err);
        assert_refused(services_deploy.start_installed(&op, names, 1, &err),
                       "deploy->start_installed(): unknown flag 0x1", &err);
        assert_refused(services_deploy.stop(&op, names, 2, &err), "deploy->stop(): unknown flag 0x2", &err);
        assert_refused(services_deploy.update_installed(&op, names, 1, &err),
                       "deploy->update_installed(): unknown flag 0x1", &err);
        assert_refused(services_containers.select(&op, names, UNKNOWN, &selected, &err),
                       "containers->select(): unknown flag 0x40000000", &err);
        assert_refused(services_deploy.restart(&op, names, 1, &err), "deploy->restart(): unknown flag 0x1", &err);
        assert_refused(services_deploy.destroy(&op, names, UNKNOWN, &err), "deploy->destroy(): unknown flag 0x40000000",
                       &err);
        assert_refused(services_table.create(&op, &a, &t, &err), "a column of a listing: unknown flag 0x40000000",
                       &err);
}

static void test_columns(void **state)
{
        struct {
                struct ec_column now;
                uint64_t more;
        } next[] = { { { "a", "A", EC_COL_STR, 0 }, 0 }, { { "b", "B", EC_COL_INT, 0 }, 0 } };
        struct ec_array a = EC_ARRAY(next);
        struct ec_table *t = NULL;
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(services_table.create(&op, &a, &t, &err), 0);
        assert_int_equal(services_table.add_row(t, &err), 0);
        assert_int_equal(services_table.set_int(t, "b", 1, &err), 0);
        services_table.free(t);
        next[1].more = 1;
        assert_int_equal(services_table.create(&op, &a, &t, &err), -E2BIG);
        err_done(&err);
        a.stride = 8;
        assert_int_equal(services_table.create(&op, &a, &t, &err), -EINVAL);
        err_done(&err);
}

static void test_modules(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(services_nix.add_module(NULL, "module.nix", &err), -EINVAL);
        assert_string_equal(err_msg(&err), "the module 'module.nix' is not an absolute path");
        err_done(&err);
        if (geteuid() != 0)
                return;
        assert_true(services_nix.add_module(NULL, "/nonexistent/module.nix", &err) < 0);
        err_done(&err);
}

/* ---- allowed callers --------------------------------------------------- */

#define DEADLOCK(service) service " cannot be called from a hook: plugin backup did so in its hook 'installed'"

static void test_phases_from_hooks(void **state)
{
        static const char *const names[] = { "a", NULL };
        struct ec_err err = { 0 };
        struct ec_shell *sh;
        struct call call;

        (void)state;
        call_enter(&call, &op, "backup", "hook 'installed'", true);
        assert_int_equal(services_deploy.destroy(&op, names, 0, &err), -EDEADLK);
        assert_string_equal(err_msg(&err), DEADLOCK("deploy->destroy()"));
        err_done(&err);
        assert_int_equal(services_deploy.build(&op, &err), -EDEADLK);
        err_done(&err);
        assert_int_equal(services_deploy.install(&op, &err), -EDEADLK);
        err_done(&err);
        assert_int_equal(services_deploy.start(&op, 0, &err), -EDEADLK);
        err_done(&err);
        assert_int_equal(services_deploy.stop(&op, names, 0, &err), -EDEADLK);
        err_done(&err);
        assert_int_equal(services_deploy.restart(&op, names, 0, &err), -EDEADLK);
        err_done(&err);
        assert_int_equal(services_containers.foreach(&op, NULL, NULL, &err), -EDEADLK);
        err_done(&err);
        assert_int_equal(services_shell.open(&op, NULL, &sh, &err), -EDEADLK);
        assert_string_equal(err_msg(&err), DEADLOCK("shell->open()"));
        err_done(&err);
        assert_null(services_deploy.output(&op)); /* this one is allowed */
        call_leave(&call);
}

/* One flag too many must not destroy what was not named. */
static void test_destroy_all_takes_no_names(void **state)
{
        static const char *const names[] = { "a", NULL };
        struct ec_err err = { 0 };

        (void)state;
        assert_refused(services_deploy.destroy(&op, names, EC_DESTROY_ALL, &err),
                       "deploy->destroy(): EC_DESTROY_ALL does not take names", &err);
}

static void test_contradictory_input(void **state)
{
        static const char *const argv[] = { "cat", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .in = "x", .in_len = 1, .flags = EC_PROC_NULL_STDIN };
        struct ec_proc_result res = { .size = sizeof(res), .out = (char *)"never freed" };
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(services_proc.run(&op, &p, &res, &err), -EINVAL);
        assert_null(res.out);
        err_done(&err);
        p = (struct ec_proc){ .size = sizeof(p), .argv = argv, .in_len = 1 };
        assert_int_equal(services_proc.run(&op, &p, &res, &err), -EINVAL);
        err_done(&err);
        /* A failure leaves an empty result, and none is needed. */
        p = (struct ec_proc){ .size = sizeof(p), .argv = (const char *const[]){ "no-such-program", NULL } };
        assert_int_equal(services_proc.run(&op, &p, &res, NULL), -ENOENT);
        assert_null(res.out);
        p.argv = (const char *const[]){ "true", NULL };
        assert_int_equal(services_proc.run(&op, &p, NULL, NULL), 0);
}

/* An undo that takes longer than a nervous second ^C. */
static void in_test_quick_second_signal(void)
{
        static const char *const argv[] = { "sleep", "0.8", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv };
        struct ec_err err = { 0 };
        struct call call;

        call_init();
        must(interrupt_init() == 0);
        call_enter(&call, &op, "backup", "hook 'undo'", true);
        raise(SIGINT);
        services_cancel.hold(&op);
        raise(SIGINT); /* as sudo and terminals do */
        must(services_proc.run(&op, &p, NULL, &err) == 0);
        services_cancel.release(&op);
        call_leave(&call);
        must(interrupt_check(&err) == -ECANCELED);
        err_done(&err);
}

static void test_quick_second_signal(void **state)
{
        (void)state;
        in_child(in_test_quick_second_signal);
}

/* What comes while the program's own code runs is not held against the plugin that runs next. */
static void in_test_signals_before(void)
{
        struct ec_err err = { 0 };
        struct call call;

        call_init();
        must(interrupt_init() == 0);
        raise(SIGTERM);
        must(interrupt_check(&err) == -ECANCELED);
        err_done(&err);
        usleep(600000);
        raise(SIGTERM);
        call_enter(&call, &op, "backup", "hook 'finish'", true);
        call_leave(&call);
}

static void test_signals_before(void **state)
{
        (void)state;
        in_child(in_test_signals_before);
}

static void test_scopes(void **state)
{
        static const char *const names[] = { "a", NULL };
        struct ec_err err = { 0 };
        struct ec_shell *sh;

        (void)state;
        op.command = &narrow;
        assert_refused(services_deploy.install(&op, &err),
                       "deploy->install(): the command 'narrow' does not declare the scope of this phase", &err);
        assert_refused(services_deploy.start(&op, 0, &err),
                       "deploy->start(): the command 'narrow' does not declare the scope of this phase", &err);
        assert_refused(services_deploy.destroy(&op, names, 0, &err),
                       "deploy->destroy(): the command 'narrow' does not declare the scope of this phase", &err);
        assert_refused(services_shell.open(&op, NULL, &sh, &err),
                       "shell->open(): the command 'narrow' does not declare the scope of this phase", &err);
}

/* ---- cancellation ------------------------------------------------------ */

static void in_test_cancel(void)
{
        struct pollfd p = { .events = POLLIN };
        struct ec_err err = { 0 };
        struct call call;

        must(interrupt_init() == 0);
        p.fd = services_cancel.fd(&op);
        call_enter(&call, &op, "backup", "hook 'started'", true);
        must(poll(&p, 1, 0) == 0);
        must(services_cancel.check(&op, &err) == 0);
        raise(SIGINT);
        must(poll(&p, 1, 0) == 1);
        must(services_cancel.check(&op, &err) == -ECANCELED);
        must(!strcmp(err_msg(&err), "interrupted"));
        err_done(&err);
        services_cancel.hold(&op);
        must(services_cancel.check(&op, &err) == 0);
        services_cancel.release(&op);
        must(services_cancel.check(&op, &err) == -ECANCELED);
        must(poll(&p, 1, 0) == 1); /* also for the next plugin */
        err_done(&err);
        call_leave(&call);
        must(interrupt_check(&err) == -ECANCELED);
        err_done(&err);
}

static void test_cancel(void **state)
{
        (void)state;
        in_child(in_test_cancel);
}

/* The first signal ends a plugin's own blocking call. */
static void in_test_own_wait(void)
{
        struct ec_err err = { 0 };
        struct call call;
        int pipe_fds[2];
        pid_t parent = getpid(), child;
        char c;

        must(interrupt_init() == 0 && pipe(pipe_fds) == 0);
        child = fork();
        must(child >= 0);
        if (!child) {
                while (kill(parent, SIGTERM) == 0) /* repeated, because a signal may arrive before the wait */
                        usleep(1000);
                _exit(0);
        }
        call_enter(&call, &op, "backup", "command 'backup'", false);
        while (!interrupt_signal()) /* the signal may arrive before the wait */
                must(read(pipe_fds[0], &c, 1) < 0 && errno == EINTR);
        call_leave(&call);
        must(interrupt_check(&err) == -ECANCELED);
        must(!strcmp(err_msg(&err), "terminated"));
        err_done(&err);
        kill(child, SIGKILL);
        must(waitpid(child, NULL, 0) == child);
}

static void test_own_wait(void **state)
{
        (void)state;
        in_child(in_test_own_wait);
}

static void in_test_holds(void)
{
        struct call call;

        must(interrupt_init() == 0);
        interrupt_hold();
        call_enter(&call, &op, "backup", "hook 'undo'", true);
        services_cancel.hold(&op);
        services_cancel.release(&op);
        services_cancel.release(&op); /* the program's own hold is kept */
        must(interrupt_held() == 1);
        services_cancel.hold(&op);
        services_cancel.hold(&op);
        call_leave(&call); /* holds that the plugin did not release are released */
        must(interrupt_held() == 1);
}

static void test_holds(void **state)
{
        (void)state;
        in_child(in_test_holds);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_proc_sizes, setup),
                cmocka_unit_test_setup(test_exec_sizes, setup),
                cmocka_unit_test_setup(test_unknown_flags, setup),
                cmocka_unit_test_setup(test_columns, setup),
                cmocka_unit_test_setup(test_modules, setup),
                cmocka_unit_test_setup(test_phases_from_hooks, setup),
                cmocka_unit_test_setup(test_scopes, setup),
                cmocka_unit_test_setup(test_destroy_all_takes_no_names, setup),
                cmocka_unit_test_setup(test_contradictory_input, setup),
                cmocka_unit_test_setup(test_quick_second_signal, setup),
                cmocka_unit_test_setup(test_signals_before, setup),
                cmocka_unit_test_setup(test_cancel, setup),
                cmocka_unit_test_setup(test_own_wait, setup),
                cmocka_unit_test_setup(test_holds, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
