/* SPDX-License-Identifier: MIT
 *
 * Built with the frozen header of 1.0 and loaded by the current program: declares one of
 * everything that a plugin can declare, and calls every kind of service.
 */
#include FROZEN

#include <errno.h>
#include <string.h>

static const struct ec_host *host;

static int init(const struct ec_host *h, void **ret_self, struct ec_err *err)
{
        if (h->size < sizeof(struct ec_host) || h->abi_major != EC_ABI_MAJOR)
                return -EPROTO;
        if (!EC_HAS(h->table, free) || !EC_HAS(h->deploy, unlock) || !EC_HAS(h->shell, help))
                return h->err->set(err, -EPROTO, "a service is gone");
        host = h;
        *ret_self = &host;
        return 0;
}

static void done(void *self)
{
        if (self == &host)
                host = NULL;
}

static int run_frozen(void *self, struct ec_op *op, struct ec_err *err)
{
        static const char *const argv[] = { "cat", NULL };
        struct ec_proc p = { .size = sizeof(p), .flags = EC_PROC_CAPTURE, .argv = argv, .in = "from cat", .in_len = 8 };
        struct ec_proc_result res = { .size = sizeof(res) };
        int r;

        if (self != &host)
                return host->err->set(err, -EPROTO, "a wrong self");
        r = host->proc->run(op, &p, &res, err);
        if (r < 0)
                return r;
        host->term->out(host, "%s %d %s %s %s %s\n", host->opt->command(op), host->opt->is_set(op, "frozen-option"),
                        host->opt->value(op, "temperature"), host->conf->get(host, "water"), host->opt->args(op)[0],
                        res.out);
        host->proc->result_done(&res);
        if (host->conf->get_ms(host, "melts") != 1500 || !host->conf->get_bool(host, "ice"))
                return host->err->set(err, -EPROTO, "a wrong setting");
        if (host->cancel->check(op, err) < 0 || host->cancel->fd(op) < 0)
                return host->err->set(err, -EPROTO, "no interrupt was expected");
        if (!host->plugin_dir || !strstr(host->plugin_dir, "/frozen") || host->program[0] != '/')
                return host->err->set(err, -EPROTO, "wrong paths");
        host->err->set(err, -EPROTO, "one");
        host->err->prefix(err, -EPROTO, "two");
        if (strcmp(host->err->message(err), "two: one"))
                return -EPROTO;
        host->err->clear(err);
        return 5;
}

static int hook_configure(void *self, struct ec_op *op, struct ec_err *err)
{
        (void)self, (void)op, (void)err;
        host->log->log(host, 5, "configure");
        return 0;
}

static int hook_container(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        (void)self, (void)op, (void)c, (void)err;
        return 0;
}

static void hook_finish(void *self, struct ec_op *op, int status)
{
        (void)self, (void)op;
        host->log->log(host, 5, "finish %d", status);
}

static const struct ec_option own[] = {
        { .name = "temperature", .metavar = "N", .help = "How cold", .arg = EC_ARG_ONE, .short_name = 't' },
        { .name = "depth", .metavar = "N", .help = "How deep", .arg = EC_ARG_ONE },
};
static const struct ec_command commands[] = {
        { .name = "frozen",
          .alias = "icy",
          .synopsis = "[ARG]",
          .summary = "Stay as it was",
          .scopes = EC_SCOPE_BUILD,
          .options = EC_ARRAY(own),
          .run = run_frozen },
        { .name = "frozen-too", .summary = "The second of an array", .options = EC_ARRAY(own), .run = run_frozen },
};
static const struct ec_option options[] = {
        { .name = "frozen-first", .help = "An option", .scopes = EC_SCOPE_BUILD },
        { .name = "frozen-option", .help = "Another", .scopes = EC_SCOPE_BUILD },
};
static const struct ec_setting settings[] = {
        { "water", "string", "cold", "Of the sea" },
        { "ice", "bool", "true", "Is there any" },
        { "melts", "duration", "1500ms", "After this time" },
};
static const struct ec_hooks hooks = {
        .size = sizeof(hooks),
        .configure = hook_configure,
        .installed = hook_container,
        .removed = hook_container,
        .finish = hook_finish,
};

EC_PLUGIN(frozen, .version = "1.0", .summary = "Built long ago", .order = -3, .commands = EC_ARRAY(commands),
          .options = EC_ARRAY(options), .settings = EC_ARRAY(settings), .hooks = &hooks, .init = init, .done = done);
