/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/operation/hooks.h"
#include "model/operation/op.h"
#include "util/cleanup.h"
#include "util/err.h"

/* Each call appends "name:hook " to what happened; a plugin's self says which call fails and how. */
struct self {
        const char *name;
        const char *fails;
        bool without_error;
};
static char happened[1024];

static int call(void *self, const char *hook, struct ec_err *err)
{
        const struct self *s = self;

        strcat(happened, s->name);
        strcat(happened, ":");
        strcat(happened, hook);
        strcat(happened, " ");
        if (!s->fails || strcmp(s->fails, hook))
                return 1; /* a positive result is success */
        return s->without_error ? -EBUSY : err_set(err, -ENOENT, "no luck");
}

static int configure(void *self, struct ec_op *op, struct ec_err *err)
{
        (void)op;
        return call(self, "configure", err);
}

static int eval(void *self, struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        (void)op, (void)ev;
        return call(self, "eval", err);
}

static int shell(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        (void)op, (void)sh;
        return call(self, "shell", err);
}

#define CONTAINER_HOOK(hook)                                                                            \
        static int hook(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err) \
        {                                                                                               \
                (void)op, (void)c;                                                                      \
                return call(self, #hook, err);                                                          \
        }
CONTAINER_HOOK(pre_install)
CONTAINER_HOOK(installed)
CONTAINER_HOOK(undo)
CONTAINER_HOOK(pre_destroy)
CONTAINER_HOOK(removed)

/* Never dereferenced. */
#define LISTED ((const struct ec_container *)happened)
static const struct ec_container *const listed[] = { LISTED, NULL };

#define LIST_HOOK(hook)                                                                                        \
        static int hook(void *self, struct ec_op *op, const struct ec_container *const *c, struct ec_err *err) \
        {                                                                                                      \
                (void)op;                                                                                      \
                assert_ptr_equal(c[0], LISTED);                                                                \
                assert_null(c[1]);                                                                             \
                return call(self, #hook, err);                                                                 \
        }
LIST_HOOK(started)
LIST_HOOK(updated)
LIST_HOOK(stopped)
LIST_HOOK(failed)

static void finish(void *self, struct ec_op *op, int status)
{
        struct ec_err err = { 0 };

        (void)op;
        assert_int_equal(status, 3);
        call(self, "finish", &err);
        err_done(&err);
}

static const struct ec_hooks hooks = {
        .size = sizeof(hooks),
        .configure = configure,
        .eval = eval,
        .pre_install = pre_install,
        .installed = installed,
        .undo = undo,
        .started = started,
        .updated = updated,
        .stopped = stopped,
        .failed = failed,
        .shell = shell,
        .pre_destroy = pre_destroy,
        .removed = removed,
        .finish = finish,
};
static const struct ec_plugin plugins[] = {
        { .name = "late", .order = 10, .hooks = &hooks },
        { .name = "b", .hooks = &hooks, .provides = EC_PROVIDES_GCROOT },
        { .name = "none" },
        { .name = "a", .hooks = &hooks },
        { .name = "early", .order = -5, .hooks = &hooks },
};
static struct self selves[ARRAY_SIZE(plugins)];
static struct registry reg;
static struct ec_op op = OP_INIT;

static int setup(void **state)
{
        (void)state;
        reg = (struct registry){ .plugins = calloc(ARRAY_SIZE(plugins), sizeof(*reg.plugins)) };
        for (size_t i = 0; i < ARRAY_SIZE(plugins); i++) {
                selves[i] = (struct self){ .name = plugins[i].name };
                reg.plugins[reg.n++] = (struct plugin_ref){ .plugin = &plugins[i], .self = &selves[i] };
        }
        registry_sort(&reg);
        op.registry = &reg;
        happened[0] = 0;
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        registry_done(&reg);
        return 0;
}

static void assert_happened(const char *text)
{
        assert_string_equal(happened, text);
        happened[0] = 0;
}

static void test_order(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(hooks_configure(&op, &err), 0);
        assert_happened("early:configure a:configure b:configure late:configure ");
        assert_int_equal(hooks_eval(&op, NULL, &err), 0);
        assert_happened("early:eval a:eval b:eval late:eval ");
        assert_int_equal(hooks_pre_install(&op, NULL, &err), 0);
        assert_happened("early:pre_install a:pre_install b:pre_install late:pre_install ");
        assert_int_equal(hooks_installed(&op, NULL, &err), 0);
        assert_happened("early:installed a:installed b:installed late:installed ");
        hooks_started(&op, listed);
        assert_happened("early:started a:started b:started late:started ");
        hooks_updated(&op, listed);
        assert_happened("early:updated a:updated b:updated late:updated ");
        hooks_stopped(&op, listed);
        assert_happened("early:stopped a:stopped b:stopped late:stopped ");
        hooks_failed(&op, listed);
        assert_happened("early:failed a:failed b:failed late:failed ");
        hooks_failed(&op, &listed[1]); /* not called for an empty list */
        assert_happened("");
        assert_int_equal(hooks_shell(&op, NULL, &err), 0);
        assert_happened("early:shell a:shell b:shell late:shell ");
        hooks_pre_destroy(&op, NULL);
        assert_happened("early:pre_destroy a:pre_destroy b:pre_destroy late:pre_destroy ");
        hooks_removed(&op, NULL);
        assert_happened("late:removed b:removed a:removed early:removed ");
        hooks_finish(&op, 3);
        assert_happened("late:finish b:finish a:finish early:finish ");
        assert_int_equal(err.code, 0);
}

static void test_failure_stops(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        selves[3].fails = "configure"; /* a */
        assert_int_equal(hooks_configure(&op, &err), -ENOENT);
        assert_string_equal(err_msg(&err), "plugin a: no luck");
        assert_happened("early:configure a:configure ");
        err_done(&err);

        selves[3].fails = "pre_install";
        selves[3].without_error = true;
        assert_int_equal(hooks_pre_install(&op, NULL, &err), -EBUSY);
        assert_string_equal(err_msg(&err), "plugin a: pre_install failed: Device or resource busy");
        err_done(&err);
}

static int stale(void *self, struct ec_op *o, struct ec_err *err)
{
        (void)self, (void)o;
        err_usage(err, "no matter");
        return 0;
}

/* An error that was set although the hook succeeded is nobody's. */
static void test_stale_error(void **state)
{
        static const struct ec_hooks with = { .size = sizeof(with), .configure = stale };
        static const struct ec_plugin own = { .name = "a", .hooks = &with };
        struct plugin_ref one = { .plugin = &own };
        struct registry only = { .plugins = &one, .n = 1 };
        struct ec_op o = OP_INIT;
        struct ec_err err = { 0 };

        (void)state;
        o.registry = &only;
        assert_int_equal(hooks_configure(&o, &err), 0);
        assert_int_equal(err.code, 0);
        assert_false(err.usage);
}

static void test_installed_undoes(void **state)
{
        struct ec_err err = { 0 };

        (void)state;
        selves[1].fails = "installed"; /* b: early and a were called before it */
        selves[4].fails = "undo";      /* a failing undo does not stop the others */
        assert_int_equal(hooks_installed(&op, NULL, &err), -ENOENT);
        assert_string_equal(err_msg(&err), "plugin b: no luck");
        assert_happened("early:installed a:installed b:installed a:undo early:undo ");
        err_done(&err);
}

static void test_warnings(void **state)
{
        (void)state;
        selves[4].fails = "started"; /* early */
        hooks_started(&op, listed);
        assert_happened("early:started a:started b:started late:started ");
        selves[4].fails = "pre_destroy";
        hooks_pre_destroy(&op, NULL);
        assert_happened("early:pre_destroy a:pre_destroy b:pre_destroy late:pre_destroy ");
}

static void test_provides(void **state)
{
        struct registry none = { 0 };

        (void)state;
        assert_true(registry_provides(&reg, EC_PROVIDES_GCROOT));
        assert_false(registry_provides(&reg, UINT32_C(1) << 9));
        assert_false(registry_provides(&none, EC_PROVIDES_GCROOT));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_order),    TEST(test_failure_stops), TEST(test_installed_undoes),
                TEST(test_warnings), TEST(test_provides),      TEST(test_stale_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
