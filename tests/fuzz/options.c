/* SPDX-License-Identifier: MIT */
/* Fuzzes the parser of command lines. */
#include "fuzz.h"

#include "model/operation/options.c"
#include "util/err.h"

static const struct ec_option own[] = {
        { .name = "start", .help = "x", .short_name = 's' },
        { .name = "run",
          .metavar = "CMD...",
          .help = "x",
          .arg = EC_ARG_REST,
          .flags = EC_OPT_FINAL,
          .short_name = 'r' },
        { .name = "host", .metavar = "HOST", .help = "x", .arg = EC_ARG_ONE, .short_name = 'h' },
        { .name = "tag", .metavar = "TAG", .help = "x", .arg = EC_ARG_ONE, .flags = EC_OPT_REPEAT, .short_name = 't' },
        { .name = "hidden", .help = "x", .flags = EC_OPT_HIDDEN },
};
static const struct ec_option core[] = {
        { .name = "build-args", .metavar = "ARG...", .help = "x", .arg = EC_ARG_REST, .short_name = 'B' },
        { .name = "help", .help = "x", .short_name = 'h' },
};
static const struct ec_option foreign = { .name = "key", .metavar = "FILE", .help = "x", .arg = EC_ARG_ONE };

/* Reads everything that was stored, so that this is checked too. */
static size_t use(const struct parsed_options *p, const struct option_set *set)
{
        size_t words = strv_len(options_args(p));

        for (size_t i = 0; i < set->n; i++) {
                const struct ec_option *o = set->items[i].option;
                const char *const *v = options_values(p, o->name);
                const char *last = options_value(p, o->name);

                must(!*v || options_is_set(p, o->name));
                must(last == (*v ? v[strv_len(v) - 1] : NULL));
                must(o->arg != EC_ARG_NONE || !*v);
                must(o->arg != EC_ARG_ONE || o->flags & EC_OPT_REPEAT || strv_len(v) <= 1);
                words += strv_len(v);
        }
        return words;
}

/* The first byte selects the kind of command, the rest are words, one per line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct ec_command cmd = { .name = "fuzz" };
        struct parsed_options *p = NULL;
        struct option_set set = { 0 };
        struct ec_err err = { 0 };
        char **argv = NULL;
        int r = 0;

        if (!size--)
                return 0;
        cmd.flags = *data++ & 1 ? EC_CMD_WORDS : 0;
        for (char *word; (word = fuzz_line(&data, &size));)
                must(strv_push_take(&argv, word) == 0);
        for (size_t i = 0; i < ARRAY_SIZE(own) && r == 0; i++)
                r = option_set_add(&set, &own[i], "mine", true);
        for (size_t i = 0; i < ARRAY_SIZE(core) && r == 0; i++)
                r = option_set_add(&set, &core[i], NULL, false);
        if (r == 0)
                r = option_set_add(&set, &foreign, "ssh", false);
        must(r == 0);

        static const char *const none[] = { NULL };
        r = options_parse(&set, &cmd, argv ? STRV_CONST(argv) : none, &p, &err);
        must(r <= 0 && (r < 0) == (*err_msg(&err) != 0) && (r == 0 || (!p && err.usage)));
        /* A word may contain an option and its value, but never two values. */
        must(r < 0 || use(p, &set) <= strv_len(STRV_CONST(argv)));

        options_free(p);
        option_set_done(&set);
        err_done(&err);
        strv_free(argv);
        return 0;
}
