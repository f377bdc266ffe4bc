/* SPDX-License-Identifier: MIT */
/* Fuzzes what is read from a container's journal: its entries, what they say about units, and what the sandbox sends
 * back, which the container could have taken over. The first byte selects one of these. */
#include "fuzz.h"

#include "svc/systemd/journal_entries.c"
#include "svc/systemd/journal_inside.c"

static const char *message, *unit;
static char field[8192];

/* In the place of libsystemd's: an entry with two fields. */
int sd_journal_get_data(sd_journal *j, const char *name, const void **ret, size_t *ret_size)
{
        const char *value = !strcmp(name, "MESSAGE") ? message : !strcmp(name, "UNIT") ? unit : NULL;

        (void)j;
        if (!value)
                return -ENOENT;
        *ret_size = (size_t)snprintf(field, sizeof(field), "%s=%s", name, value);
        *ret = field;
        return 0;
}

static size_t count_lines(const char *text, char kind)
{
        size_t n = *text == kind;

        for (const char *s = text; (s = strchr(s, '\n')); s++)
                n += s[1] == kind;
        return n;
}

static void check_answer(const char *text)
{
        struct journal_inside in = { 0 };

        must(journal_inside_parse(text, &in) == 0);
        must(strv_len(STRV_CONST(in.failed)) == count_lines(text, 'F'));
        must(strv_len(STRV_CONST(in.starting)) == count_lines(text, 'S'));
        must(strv_len(STRV_CONST(in.lines)) == count_lines(text, 'L'));
        for (char **l = in.lines; l && *l; l++)
                must(!strchr(*l, '\n'));
        journal_inside_done(&in);
}

/* The first line is the unit, the rest is the message. Each line begins with a time. */
static void check_entry(const uint8_t *data, size_t size)
{
        char *name = fuzz_line(&data, &size), *rest = fuzz_text(data, size), **lines = NULL;

        unit = name;
        message = rest;
        must(entry_lines(NULL, &(struct journal_query){ 0 }, &lines) == 0);
        must(entry_lines(NULL, &(struct journal_query){ .unit = unit }, &lines) == 0);
        for (char **l = lines; l && *l; l++) {
                char *clean = fuzz_alloc(escape_text(*l, false));

                must(!strcmp(clean, *l) && !strpbrk(*l, "\n\t"));
                must(strlen(*l) <= strlen("00:00:00 ") + 2 * (JOURNAL_LINE_BYTES + 3) + 2);
                free(clean);
        }
        strv_free(lines);
        free(rest);
        free(name);
}

static void check_unique(char **v)
{
        for (; v && *v; v++)
                must(!strv_contains(STRV_CONST(v + 1), *v));
}

/* Each line is a message: a letter, and a unit. */
static void check_units(const uint8_t *data, size_t size)
{
        static const char *const ids[] = { SD_MESSAGE_UNIT_FAILURE_RESULT_STR, SD_MESSAGE_UNIT_FAILED_STR,
                                           SD_MESSAGE_UNIT_STARTED_STR, SD_MESSAGE_UNIT_STARTING_STR,
                                           SD_MESSAGE_UNIT_STOPPING_STR };
        struct journal_inside in = { 0 };
        uint64_t when = 0;

        for (char *line; (line = fuzz_line(&data, &size)); free(line)) {
                const char *id = ids[(unsigned char)*line % ARRAY_SIZE(ids)], *name = *line ? line + 1 : line;
                bool started = !strcmp(id, SD_MESSAGE_UNIT_STARTED_STR);

                must(note_unit(&in, name, id, *line & 8 ? "failed" : NULL, ++when) == 0);
                must(!started || !in.failed || !strv_contains(STRV_CONST(in.failed), name));
                must(!started || !in.starting || !strv_contains(STRV_CONST(in.starting), name));
                must(in.stopping_usec <= when);
                check_unique(in.failed);
                check_unique(in.starting);
        }
        journal_inside_done(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text;

        if (!size)
                return 0;
        switch (*data % 3) {
        case 0:
                text = fuzz_text(data + 1, size - 1);
                check_answer(text);
                free(text);
                break;
        case 1:
                check_entry(data + 1, size - 1);
                break;
        default:
                check_units(data + 1, size - 1);
        }
        return 0;
}
