/* SPDX-License-Identifier: MIT */
/* A plugin such as a site could have; its commands and options are completed like all others. */
#include <errno.h>
#include <extra-container/plugin.h>

static int run(void *self, struct ec_op *op, struct ec_err *err)
{
        (void)self;
        (void)op;
        (void)err;
        return 0;
}

static const struct ec_option site_options[] = {
        { .name = "out",
          .metavar = "DIR",
          .help = "Where it goes: \\ \"here\" or $there",
          .arg = EC_ARG_ONE,
          .short_name = 'o' },
        { .name = "from", .metavar = "NAME", .help = "Another container", .arg = EC_ARG_ONE },
        { .name = "mark", .metavar = "TEXT", .help = "Any text", .arg = EC_ARG_ONE, .flags = EC_OPT_REPEAT },
        { .name = "secret", .help = "Hidden", .flags = EC_OPT_HIDDEN },
        { .name = "fast", .help = "A switch", .short_name = 'f' },
        { .name = "then", .metavar = "CMD...", .help = "What follows", .arg = EC_ARG_REST, .flags = EC_OPT_FINAL },
        { .name = "all-of", .metavar = "ARG...", .help = "All that follows", .arg = EC_ARG_REST },
};
static const struct ec_command commands[] = {
        { .name = "site-build",
          .alias = "site-make",
          .synopsis = "[DEFINITION] [NAME...]",
          .summary = "Builds: it's for tests",
          .scopes = EC_SCOPE_BUILD,
          .flags = EC_CMD_DEFINITION,
          .options = EC_ARRAY(site_options),
          .run = run },
        { .name = "site-both",
          .synopsis = "NAME... | DEFINITION [NAME...]",
          .summary = "Names or a definition",
          .run = run },
        { .name = "site-one", .synopsis = "NAME", .summary = "One name", .run = run },
        { .name = "site-words",
          .synopsis = "NAME [CMD...]",
          .summary = "A name and words",
          .flags = EC_CMD_WORDS,
          .options = EC_ARRAY(site_options),
          .run = run },
        { .name = "site-hidden", .synopsis = "", .summary = "Hidden", .flags = EC_CMD_HIDDEN, .run = run },
        { .name = "site-none", .synopsis = "", .summary = "Nothing", .run = run },
};
static const struct ec_option options[] = {
        { .name = "site-opt",
          .metavar = "FILE",
          .help = "In all that builds",
          .scopes = EC_SCOPE_BUILD,
          .arg = EC_ARG_ONE },
};

EC_PLUGIN(probe, .version = "1", .summary = "For tests of completion", .commands = EC_ARRAY(commands),
          .options = EC_ARRAY(options));
