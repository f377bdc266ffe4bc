/* SPDX-License-Identifier: MIT */
/* Fuzzes the completion of command lines. The input is the words, one per line. */
#include "fuzz.h"

/* The only container is 'web'. */
#define layout_init          fuzz_layout_init
#define containers_installed fuzz_installed
#define containers_of_host   fuzz_installed
#include "cli/complete.c"
#undef layout_init
#undef containers_installed
#undef containers_of_host

static const struct ec_option own[] = {
        { .name = "start", .help = "x", .short_name = 's' },
        { .name = "run",
          .metavar = "CMD...",
          .help = "x",
          .arg = EC_ARG_REST,
          .flags = EC_OPT_FINAL,
          .short_name = 'r' },
        { .name = "dir", .metavar = "DIR", .help = "x", .arg = EC_ARG_ONE, .short_name = 'd' },
        { .name = "tag",
          .metavar = "TAG",
          .help = "x\ty",
          .arg = EC_ARG_ONE,
          .flags = EC_OPT_REPEAT,
          .short_name = 't' },
        { .name = "hidden", .help = "x", .flags = EC_OPT_HIDDEN },
};
static const struct ec_command commands[] = {
        { .name = "create",
          .alias = "add",
          .synopsis = "NAME... | DEFINITION [NAME...] | --all",
          .summary = "x",
          .options = EC_ARRAY(own),
          .scopes = EC_SCOPE_BUILD,
          .flags = EC_CMD_DEFINITION },
        { .name = "run", .synopsis = "NAME CMD...", .summary = "x", .flags = EC_CMD_WORDS | EC_CMD_LISTING },
        { .name = "help", .synopsis = "[COMMAND]", .summary = "x" },
};

int fuzz_layout_init(struct layout *l, struct conf *c, struct ec_err *err)
{
        (void)l;
        (void)c;
        (void)err;
        return 0;
}

int fuzz_installed(const struct layout *l, struct container_list *ret, struct ec_err *err)
{
        (void)l;
        (void)err;
        *ret = (struct container_list){ .items = fuzz_alloc(calloc(1, sizeof(*ret->items))), .n = 1 };
        ret->items[0] = fuzz_alloc(calloc(1, sizeof(*ret->items[0])));
        ret->items[0]->name = fuzz_alloc(strdup("web"));
        return 0;
}

/* Each line is ":files", ":dirs", or a word, a tab and a description. */
static void check(const char *out, const char *last)
{
        for (const char *line = out; *line;) {
                const char *end = strchr(line, '\n'), *tab = strchr(line, '\t');

                must(end);
                if (*line == ':') {
                        must(str_after(line, ":files\n") || str_after(line, ":dirs\n"));
                } else {
                        must(tab && tab > line && tab < end && !memchr(tab + 1, '\t', (size_t)(end - tab - 1)));
                        must(!str_after(line, "--hidden\t"));
                        /* Options are only offered where one has been begun. */
                        must(*line != '-' || *last == '-');
                }
                line = end + 1;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct app a = { .plugins = { .builtin = EC_ARRAY(commands) } };
        struct ec_err err = { 0 };
        char **words = NULL, *out = NULL;
        FILE *old = stdout;
        size_t len, n;

        for (char *word; (word = fuzz_line(&data, &size));)
                must(strv_push_take(&words, word) == 0);
        n = strv_len(STRV_CONST(words));
        if (!n)
                return 0;
        stdout = fuzz_alloc(open_memstream(&out, &len));
        must(complete_words(&a, STRV_CONST(words), &err) == 0);
        must(!*err_msg(&err) && fclose(stdout) == 0);
        stdout = old;
        check(out, words[n - 1]);
        free(out);
        strv_free(words);
        return 0;
}
