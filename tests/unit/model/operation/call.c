/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "in_child.h"
#include "model/operation/call.h"
#include "model/operation/op.h"
#include "svc/process/interrupt.h"
#include "util/err.h"

static void test_nesting(void **state)
{
        struct ec_op op = OP_INIT;
        struct call outer, inner;

        (void)state;
        assert_null(call_current());
        call_enter(&outer, &op, "one", "command 'x'", false);
        call_enter(&inner, &op, "two", "hook 'installed'", true);
        assert_string_equal(call_current()->plugin, "two");
        assert_true(call_current()->hook);
        call_leave(&inner);
        assert_string_equal(call_current()->plugin, "one");
        assert_false(call_current()->hook);
        call_leave(&outer);
        assert_null(call_current());
}

/* A signal ends a plugin's own wait, is read inside a service, and is caught again after it. */
static void in_test_services(void)
{
        struct ec_op op = OP_INIT;
        struct ec_err err = { 0 };
        struct call call;
        sigset_t mask;

        must(interrupt_init() == 0);
        must(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGTERM));
        call_enter(&call, &op, "one", "command 'x'", false);
        must(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && !sigismember(&mask, SIGTERM));
        {
                struct ec_err *no_text = NULL;
                SERVICE_SCOPE(no_text);

                must(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGTERM));
                raise(SIGTERM);
        }
        must(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && !sigismember(&mask, SIGTERM));
        call_leave(&call);
        must(sigprocmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGTERM));
        must(interrupt_check(&err) == -ECANCELED);
        err_done(&err);
}
CHILD_TEST(test_services)

/* exit() is a failure inside a plugin only. */
static void in_test_exit(void)
{
        struct ec_op op = OP_INIT;
        struct call call;
        int status;
        pid_t pid;

        for (int inside = 0; inside < 2; inside++) {
                pid = fork();
                must(pid >= 0);
                if (!pid) {
                        call_init();
                        if (inside)
                                call_enter(&call, &op, "one", "hook 'eval'", true);
                        exit(0);
                }
                must(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == inside);
        }
}
CHILD_TEST(test_exit)

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_nesting), cmocka_unit_test(test_services),
                                            cmocka_unit_test(test_exit) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
