/* SPDX-License-Identifier: MIT */
/* Fuzzes listings, for people, for programs and as JSON. The first byte selects one of these, the rest are cells, one
 * per line. */
#include "fuzz.h"

#include "svc/term/table.c"
#include "util/utf8.c"

#define COLUMNS 4
static const struct ec_column columns[COLUMNS] = {
        { .key = "name", .title = "NAME", .type = EC_COL_STR },
        { .key = "number", .title = "NUMBER", .type = EC_COL_INT },
        { .key = "time", .title = "TIME", .type = EC_COL_TIME },
        { .key = "paths", .title = "PATHS", .type = EC_COL_LIST },
};

static bool people;

/* In the place of libc's. */
int isatty(int fd)
{
        (void)fd;
        return people;
}

/* "\n" and the like are written by users as "%0a", because a line is a cell. */
static void unquote(char *s)
{
        char *to = s, hex[3] = "";

        for (; *s; s++) {
                *to = *s;
                if (*s == '%' && s[1] && s[2]) {
                        memcpy(hex, s + 1, 2);
                        *to = (char)strtol(hex, NULL, 16);
                        s += *to ? 2 : 0;
                        *to = *to ? *to : '%';
                }
                to++;
        }
        *to = 0;
}

static size_t fill(struct ec_table *t, const uint8_t *data, size_t size)
{
        size_t rows = 0, n = 0;

        for (char *cell; (cell = fuzz_line(&data, &size)); free(cell)) {
                const struct ec_column *c = &columns[n++ % COLUMNS];

                unquote(cell);
                if (c == columns) {
                        must(table_add_row(t, NULL) == 0);
                        rows++;
                }
                if (!*cell)
                        continue;
                must((c->type == EC_COL_STR || c->type == EC_COL_LIST
                              ? table_set_str(t, c->key, cell, NULL)
                              : table_set_int(t, c->key, strtoll(cell, NULL, 0), NULL)) == 0);
        }
        return rows;
}

/* Whatever is in a cell, it is in its row and column. */
static void check_text(const char *text, size_t rows)
{
        size_t lines = 0, tabs = 0, n;

        for (const char *s = text; *s; s += n) {
                uint32_t c;

                n = utf8_decode(s, strlen(s), &c);
                must(n && (!utf8_control(c) || c == '\n' || (c == '\t' && !people)));
                lines += c == '\n';
                tabs += c == '\t';
        }
        /* Long ones are folded. */
        must(people ? lines >= rows + (rows > 0) : lines == rows);
        must(people || tabs == rows * (COLUMNS - 1));
}

/* What was put in comes out. */
static void check_json(const char *text, const struct ec_table *t)
{
        json_auto_t *all = json_loads(text, 0, NULL);

        must(json_is_array(all) && json_array_size(all) == t->n_rows);
        for (size_t r = 0; r < t->n_rows; r++) {
                const json_t *row = json_array_get(all, r);
                const struct cell *name = &t->rows[r][0], *number = &t->rows[r][1];
                const char *s = json_string_value(json_object_get(row, "name"));

                must(json_object_size(row) == COLUMNS);
                must(name->set == (s != NULL));
                must(!s || !utf8_valid(name->str, strlen(name->str)) || !strcmp(s, name->str));
                must(!number->set || json_integer_value(json_object_get(row, "number")) == number->num);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const struct ec_array array = EC_ARRAY(columns);
        struct ec_table *t;
        char *text = NULL;
        FILE *old = stdout;
        size_t len, rows;

        if (!size)
                return 0;
        people = *data & 1;
        must(table_create(&array, *data & 2, &t, NULL) == 0);
        rows = fill(t, data + 1, size - 1);
        stdout = fuzz_alloc(open_memstream(&text, &len));
        must(table_print(t, NULL) == 0);
        must(fclose(stdout) == 0);
        stdout = old;
        must(strlen(text) == len);
        if (*data & 2)
                check_json(text, t);
        else
                check_text(text, rows);
        free(text);
        table_free(t);
        return 0;
}
