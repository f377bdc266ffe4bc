/* SPDX-License-Identifier: MIT
 *
 * A plugin that prints what it receives, to test the core's command line from the
 * other side of the ABI.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <extra-container/plugin.h>

#define OUT(h, ...) (h)->term->out((h), __VA_ARGS__)

static int init(const struct ec_host *host, void **ret_self, struct ec_err *err)
{
        if (getenv("PROBE_INIT_FAILS"))
                return host->err->set(err, -EIO, "no luck");
        *ret_self = (void *)host;
        return 0;
}

static void print(const struct ec_host *h, const struct ec_op *op, const char *name)
{
        const char *const *v = h->opt->values(op, name);

        if (!h->opt->is_set(op, name))
                return;
        OUT(h, "%s=%d", name, h->opt->is_set(op, name));
        for (; *v; v++)
                OUT(h, " [%s]", *v);
        OUT(h, "\n");
}

static int run_probe(void *self, struct ec_op *op, struct ec_err *err)
{
        static const char *const names[] = {
                "fast",        "level", "word", "rest",       "final",   "probe-build",
                "probe-value", "expr",  "attr", "build-args", "verbose", "debug",
        };
        const struct ec_host *h = self;
        const char *const *args = h->opt->args(op);

        (void)err;
        OUT(h, "command %s\n", h->opt->command(op));
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                print(h, op, names[i]);
        for (; *args; args++)
                OUT(h, "arg [%s]\n", *args);
        if (h->conf->get(h, "greeting"))
                OUT(h, "greeting [%s]\n", h->conf->get(h, "greeting"));
        h->log->log(h, 6, "this is info");
        h->log->log(h, 7, "this is debug");
        return 0;
}

static int run_status(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        const char *arg = h->opt->args(op)[0];

        if (!arg)
                return h->err->usage(err, "status: say which");
        if (!strcmp(arg, "error"))
                return h->err->set(err, -ENOENT, "no such thing");
        if (!strcmp(arg, "silent"))
                return -EBUSY;
        return atoi(arg);
}

static int run_wait(void *self, struct ec_op *op, struct ec_err *err)
{
        static const char *const argv[] = { "sh", "-c", "echo ready; exec cat", NULL };
        const struct ec_host *h = self;
        struct ec_proc p = { .size = sizeof(p), .argv = argv };
        struct ec_proc_result res = { .size = sizeof(res) };
        int r = h->proc->run(op, &p, &res, err);

        h->proc->result_done(&res);
        return r < 0 ? r : res.status;
}

static int run_flood(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;

        (void)op, (void)err;
        for (int i = 0; i < 100000; i++)
                OUT(h, "line %d\n", i);
        return 0;
}

static int run_table(void *self, struct ec_op *op, struct ec_err *err)
{
        static const struct ec_column columns[] = { { "name", "NAME", EC_COL_STR, 0 }, { "n", "N", EC_COL_INT, 0 } };
        static const struct ec_array a = EC_ARRAY(columns);
        const struct ec_host *h = self;
        struct ec_table *t = NULL;
        int r = h->table->create(op, &a, &t, err);

        if (r >= 0)
                r = h->table->add_row(t, err);
        if (r >= 0)
                r = h->table->set_str(t, "name", "x", err);
        if (r >= 0)
                r = h->table->set_int(t, "n", 7, err);
        if (r >= 0)
                r = h->table->print(t, err);
        if (t)
                h->table->free(t);
        return r;
}

static int configure(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;

        if (h->opt->is_set(op, "probe-veto"))
                return h->err->set(err, -EPERM, "vetoed");
        return 0;
}

static void finish(void *self, struct ec_op *op, int status)
{
        const struct ec_host *h = self;

        if (getenv("PROBE_FINISH"))
                h->log->log(h, 5, "finish %s %d", h->opt->command(op), status);
}

static const struct ec_option probe_options[] = {
        { .name = "fast", .help = "Be fast", .short_name = 'f' },
        { .name = "level", .metavar = "N", .help = "How much", .arg = EC_ARG_ONE, .short_name = 'l' },
        { .name = "word",
          .metavar = "WORD",
          .help = "May be given again",
          .arg = EC_ARG_ONE,
          .flags = EC_OPT_REPEAT,
          .short_name = 'w' },
        { .name = "final", .metavar = "CMD...", .help = "Runs it", .arg = EC_ARG_REST, .flags = EC_OPT_FINAL },
        { .name = "hidden", .help = "Not shown", .flags = EC_OPT_HIDDEN },
};
static const struct ec_option all_options[] = {
        { .name = "probe-build", .help = "For what builds", .scopes = EC_SCOPE_BUILD },
        { .name = "probe-value",
          .metavar = "X",
          .help = "For what builds, too",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_ONE },
        { .name = "probe-start", .help = "For what starts", .scopes = EC_SCOPE_START },
        { .name = "probe-veto", .help = "Fail at once", .scopes = EC_SCOPE_BUILD },
};
static const struct ec_setting settings[] = { { "greeting", "string", "hello", "What to say" },
                                              { "count", "int", "1", "How often" } };

static const struct ec_command commands[] = {
        { .name = "probe",
          .alias = "sonde",
          .synopsis = "[ARG...]",
          .summary = "Print the arguments",
          .details = "The first paragraph has enough words in it that it must be folded at the width of any terminal "
                     "that we know of.\n\n"
                     "    as it is:   three   blanks\n\nThe last one.",
          .scopes = EC_SCOPE_BUILD,
          .options = EC_ARRAY(probe_options),
          .run = run_probe },
        { .name = "probe-words",
          .synopsis = "NAME [CMD...]",
          .summary = "Print the arguments, options first",
          .flags = EC_CMD_WORDS,
          .options = EC_ARRAY(probe_options),
          .run = run_probe },
        { .name = "probe-none", .synopsis = "", .summary = "Takes no argument", .run = run_probe },
        { .name = "probe-root",
          .synopsis = "[ARG...]",
          .summary = "Needs root",
          .flags = EC_CMD_ROOT,
          .run = run_probe },
        { .name = "probe-shell",
          .synopsis = "[ARG...]",
          .summary = "Opens no session",
          .scopes = EC_SCOPE_SHELL,
          .options = EC_ARRAY(probe_options),
          .run = run_probe },
        { .name = "probe-hidden", .synopsis = "", .summary = "Not listed", .flags = EC_CMD_HIDDEN, .run = run_probe },
        { .name = "probe-status", .synopsis = "N", .summary = "End like this", .run = run_status },
        { .name = "probe-wait", .synopsis = "", .summary = "Wait for a signal", .run = run_wait },
        { .name = "probe-flood", .synopsis = "", .summary = "Print much", .run = run_flood },
        { .name = "probe-table",
          .synopsis = "",
          .summary = "Print a listing",
          .flags = EC_CMD_LISTING,
          .run = run_table },
};
static const struct ec_hooks hooks = { .size = sizeof(hooks), .configure = configure, .finish = finish };

EC_PLUGIN(probe, .version = "1.2", .summary = "For tests of the command line", .commands = EC_ARRAY(commands),
          .options = EC_ARRAY(all_options), .settings = EC_ARRAY(settings), .hooks = &hooks, .init = init);
