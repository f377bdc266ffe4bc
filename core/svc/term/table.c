/* SPDX-License-Identifier: MIT */
#include "svc/term/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "svc/term/fold.h"
#include "svc/term/term.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/strv.h"
#include "util/utf8.h"

struct column {
        char *key, *title;
        uint32_t type, flags;
};

struct cell {
        bool set;
        int64_t num;
        char *str;
};

struct ec_table {
        struct column *columns;
        size_t n_columns;
        struct cell **rows;
        size_t n_rows;
        bool json;
};

int table_create(const struct ec_array *columns, bool json, struct ec_table **ret, struct ec_err *err)
{
        _cleanup_(cleanup_table_free) struct ec_table *t = calloc(1, sizeof(*t));

        if (!t)
                return err_oom(err);
        if (!columns->count || columns->stride < sizeof(struct ec_column))
                return err_set(err, -EINVAL, "the listing has no columns");
        t->json = json;
        t->columns = calloc(columns->count, sizeof(*t->columns));
        if (!t->columns)
                return err_oom(err);
        for (uint32_t i = 0; i < columns->count; i++) {
                const struct ec_column *c = (const void *)((const char *)columns->items + (size_t)i * columns->stride);

                if (!c->key || !*c->key || c->type > EC_COL_TIME)
                        return err_set(err, -EINVAL, "column %" PRIu32 " of the listing has no key or an unknown type",
                                       i + 1);
                t->columns[i] = (struct column){
                        .key = strdup(c->key),
                        .title = strdup(c->title ? c->title : c->key),
                        .type = c->type,
                        .flags = c->flags,
                };
                t->n_columns = i + 1;
                if (!t->columns[i].key || !t->columns[i].title)
                        return err_oom(err);
        }
        *ret = TAKE_PTR(t);
        return 0;
}

void table_free(struct ec_table *t)
{
        if (!t)
                return;
        for (size_t r = 0; r < t->n_rows; r++) {
                for (size_t i = 0; i < t->n_columns; i++)
                        free(t->rows[r][i].str);
                free(t->rows[r]);
        }
        for (size_t i = 0; i < t->n_columns; i++) {
                free(t->columns[i].key);
                free(t->columns[i].title);
        }
        free(t->rows);
        free(t->columns);
        free(t);
}

int table_add_row(struct ec_table *t, struct ec_err *err)
{
        struct cell **rows = reallocarray(t->rows, t->n_rows + 1, sizeof(*rows));

        if (!rows)
                return err_oom(err);
        t->rows = rows;
        rows[t->n_rows] = calloc(t->n_columns, sizeof(**rows));
        if (!rows[t->n_rows])
                return err_oom(err);
        t->n_rows++;
        return 0;
}

static int find(struct ec_table *t, const char *key, bool number, struct cell **ret, struct ec_err *err)
{
        if (!t->n_rows)
                return err_set(err, -EINVAL, "the listing has no row yet for column '%s'", key);
        for (size_t i = 0; i < t->n_columns; i++) {
                if (strcmp(t->columns[i].key, key) != 0)
                        continue;
                if (number == (t->columns[i].type == EC_COL_STR || t->columns[i].type == EC_COL_LIST))
                        return err_set(err, -EINVAL, "column '%s' of the listing does not take %s", key,
                                       number ? "numbers" : "text");
                *ret = &t->rows[t->n_rows - 1][i];
                return 0;
        }
        return err_set(err, -EINVAL, "the listing has no column '%s'", key);
}

int table_set_str(struct ec_table *t, const char *key, const char *value, struct ec_err *err)
{
        struct cell *c;
        char *copy;
        int r = find(t, key, false, &c, err);

        if (r < 0)
                return r;
        copy = value ? strdup(value) : NULL;
        if (value && !copy)
                return err_oom(err);
        free(c->str);
        *c = (struct cell){ .set = value, .str = copy };
        return 0;
}

int table_set_int(struct ec_table *t, const char *key, int64_t value, struct ec_err *err)
{
        struct cell *c;
        int r = find(t, key, true, &c, err);

        if (r >= 0)
                *c = (struct cell){ .set = true, .num = value };
        return r;
}

/* ---- JSON --------------------------------------------------------------- */

/* A JSON string of arbitrary bytes: invalid UTF-8 becomes U+FFFD. */
static json_t *json_text(const char *s, size_t len)
{
        _cleanup_free_ char *buf = NULL;
        char *to;

        if (utf8_valid(s, len))
                return json_stringn(s, len);
        to = buf = malloc(len * 3 + 1);
        if (!buf)
                return NULL;
        while (len) {
                uint32_t c;
                size_t n = utf8_decode(s, len, &c);

                to = n ? mempcpy(to, s, n) : mempcpy(to, "\xef\xbf\xbd", 3);
                s += n ? n : 1;
                len -= n ? n : 1;
        }
        return json_stringn(buf, to - buf);
}

static json_t *json_list(const char *s)
{
        json_auto_t *a = json_array();

        while (*s) {
                size_t n = strcspn(s, "\n");

                if (n && json_array_append_new(a, json_text(s, n)) < 0)
                        return NULL;
                s += n + (s[n] == '\n');
        }
        return json_incref(a);
}

static json_t *json_cell(const struct column *col, const struct cell *c)
{
        if (!c->set)
                return json_null();
        switch (col->type) {
        case EC_COL_STR:
                return json_text(c->str, strlen(c->str));
        case EC_COL_LIST:
                return json_list(c->str);
        case EC_COL_BOOL:
                return json_boolean(c->num);
        default:
                return json_integer(c->num);
        }
}

static int print_json(struct ec_table *t, struct ec_err *err)
{
        json_auto_t *all = json_array();
        _cleanup_free_ char *text = NULL;

        for (size_t r = 0; r < t->n_rows; r++) {
                json_t *row = json_object();

                /* Without memory, these refuse what is NULL. */
                if (json_array_append_new(all, row) < 0)
                        return err_oom(err);
                for (size_t i = 0; i < t->n_columns; i++)
                        if (json_object_set_new(row, t->columns[i].key, json_cell(&t->columns[i], &t->rows[r][i])) < 0)
                                return err_oom(err);
        }
        text = json_dumps(all, JSON_INDENT(2));
        if (!text)
                return err_oom(err);
        term_out("%s\n", text);
        return 0;
}

/* ---- text --------------------------------------------------------------- */

/* Escapes what would move the cursor or begin another cell. */
static void put_text(FILE *f, const char *s, const char *list_separator)
{
        size_t len = strlen(s);

        while (len) {
                uint32_t c;
                size_t n = utf8_decode(s, len, &c);

                if (!n)
                        fprintf(f, "\\x%02x", (unsigned char)*s);
                else if (c == '\n' && list_separator)
                        fputs(s[1] && s[1] != '\n' ? list_separator : "", f);
                else if (c == '\n')
                        fputs("\\n", f);
                else if (c == '\t')
                        fputs("\\t", f);
                else if (c == '\r')
                        fputs("\\r", f);
                else if (utf8_control(c))
                        fprintf(f, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
                else
                        fwrite(s, 1, n, f);
                s += n ? n : 1;
                len -= n ? n : 1;
        }
}

static void put_size(FILE *f, int64_t bytes)
{
        static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double v = (double)bytes;
        size_t u = 0;

        if (bytes < 1024) {
                fprintf(f, "%" PRId64 " B", bytes);
                return;
        }
        /* 1024.0 of a unit is 1.0 of the next. */
        for (v /= 1024; v >= 1023.95 && u + 1 < ARRAY_SIZE(units); u++)
                v /= 1024;
        fprintf(f, "%.1f %s", v, units[u]);
}

/* "3min 2s ago" */
static void put_time(FILE *f, int64_t seconds)
{
        int64_t now = (int64_t)(clock_realtime_usec() / USEC_PER_SEC);
        char span[CLOCK_SPAN_MAX];

        if (seconds <= now)
                fprintf(f, "%s ago", clock_span((uint64_t)(now - seconds) * USEC_PER_SEC, span));
        else
                fprintf(f, "in %s", clock_span((uint64_t)(seconds - now) * USEC_PER_SEC, span));
}

/* For people (table) or for programs (tab-separated). */
static char *text_of(const struct column *col, const struct cell *c, bool people)
{
        char *s = NULL;
        size_t len;
        FILE *f = open_memstream(&s, &len);

        if (!f)
                return NULL;
        if (c->set) {
                if (col->type == EC_COL_STR || col->type == EC_COL_LIST)
                        put_text(f, c->str, col->type == EC_COL_STR ? NULL : people ? ", " : ",");
                else if (col->type == EC_COL_BOOL)
                        fputs(c->num ? "yes" : "no", f);
                else if (col->type == EC_COL_SIZE && people)
                        put_size(f, c->num);
                else if (col->type == EC_COL_TIME && people)
                        put_time(f, c->num);
                else
                        fprintf(f, "%" PRId64, c->num);
        }
        if (fclose(f)) {
                free(s);
                return NULL;
        }
        return s;
}

struct layout {
        char **texts; /* line by line; the first has the titles */
        size_t n_lines;
        unsigned *widths; /* of the columns; 0: not shown. NULL: tabs between the cells */
};

/* The words of systemd, and ours. */
static const char *colour_of(const char *state)
{
        static const struct {
                const char *word, *colour;
        } colours[] = { { "active", "32" },       { "running", "32" },    { "reloading", "32" },
                        { "failed", "31" },       { "activating", "33" }, { "starting", "33" },
                        { "deactivating", "33" }, { "stopping", "33" },   { "restarting", "31" } };

        for (size_t i = 0; i < ARRAY_SIZE(colours); i++)
                if (!strcmp(state, colours[i].word))
                        return colours[i].colour;
        return NULL;
}

static void put_cell(FILE *f, const struct column *col, const char *s, size_t n)
{
        const char *colour = NULL;

        if (col->flags & EC_COL_STATE && term_stdout_colour() && !s[n])
                colour = colour_of(s);
        if (colour)
                fprintf(f, "\033[%sm%.*s\033[0m", colour, (int)n, s);
        else
                fprintf(f, "%.*s", (int)n, s);
}

/* One line, without trailing blanks. Each text is moved to the rest of it. Returns whether there is any. */
static bool put_line(FILE *f, const struct ec_table *t, const char **texts, const unsigned *widths)
{
        unsigned pending = 0;
        bool first = true, more = false;

        for (size_t i = 0; i < t->n_columns; i++) {
                uint32_t type = t->columns[i].type;
                const char *s = texts[i];
                unsigned pad;
                size_t n;

                if (t->columns[i].flags & EC_COL_JSON_ONLY || (widths && !widths[i]))
                        continue;
                if (!widths) {
                        fprintf(f, "%s%s", first ? "" : "\t", s);
                        first = false;
                        continue;
                }
                n = fold_line(s, widths[i], &texts[i]);
                more = more || *texts[i];
                if (!first)
                        pending += 2;
                first = false;
                pad = fold_width(s, n);
                pad = pad < widths[i] ? widths[i] - pad : 0;
                if (type == EC_COL_INT || type == EC_COL_SIZE) {
                        pending += pad;
                        pad = 0;
                }
                if (n) {
                        fprintf(f, "%*s", (int)pending, "");
                        put_cell(f, &t->columns[i], s, n);
                        pending = 0;
                }
                pending += pad;
        }
        fputc('\n', f);
        return more;
}

/* The texts of all cells, and how wide the columns are without a limit. false: no memory. */
static bool lay_out(struct ec_table *t, bool people, struct layout *l)
{
        for (size_t k = 0; k < l->n_lines; k++)
                for (size_t i = 0; i < t->n_columns; i++) {
                        struct cell title = { .set = true, .str = t->columns[i].title };
                        const struct column text = { .type = EC_COL_STR };
                        char *s = k ? text_of(&t->columns[i], &t->rows[k - 1][i], people)
                                    : text_of(&text, &title, people);
                        unsigned width = s ? fold_width(s, strlen(s)) : 0;

                        l->texts[k * t->n_columns + i] = s;
                        if (!s)
                                return false;
                        if (l->widths && !(t->columns[i].flags & EC_COL_JSON_ONLY) && width > l->widths[i])
                                l->widths[i] = width;
                }
        return true;
}

/* If the lines are longer than those of the terminal: without the columns that are empty, and with texts on several
 * lines. false: no memory. */
static bool fit(const struct ec_table *t, struct layout *l)
{
        _cleanup_free_ unsigned *minimum = calloc(t->n_columns, sizeof(*minimum));
        unsigned limit = term_stdout_columns(), total = 0;

        for (size_t i = 0; i < t->n_columns; i++)
                total += l->widths[i] ? l->widths[i] + (total ? 2 : 0) : 0;
        if (!minimum || total <= limit)
                return minimum;
        for (size_t i = 0; i < t->n_columns; i++) {
                bool empty = true;

                for (size_t k = 0; k < l->n_lines; k++) {
                        const char *s = l->texts[k * t->n_columns + i];
                        unsigned word = fold_longest_word(s);

                        empty = empty && (!k || !*s);
                        minimum[i] = word > minimum[i] ? word : minimum[i];
                }
                if (empty)
                        l->widths[i] = 0;
        }
        fold_fit(l->widths, minimum, t->n_columns, 2, limit);
        return true;
}

static bool put_all(FILE *f, const struct ec_table *t, const struct layout *l)
{
        _cleanup_free_ const char **left = calloc(t->n_columns, sizeof(*left));

        for (size_t k = l->widths ? 0 : 1; left && k < l->n_lines; k++) {
                memcpy(left, l->texts + k * t->n_columns, t->n_columns * sizeof(*left));
                while (put_line(f, t, left, l->widths))
                        ;
        }
        return left != NULL;
}

static int print_text(struct ec_table *t, bool people, struct ec_err *err)
{
        _cleanup_free_ unsigned *widths = calloc(t->n_columns, sizeof(*widths));
        struct layout l = { .n_lines = t->n_rows + 1, .widths = people ? widths : NULL };
        _cleanup_free_ char **texts = calloc(l.n_lines * t->n_columns, sizeof(*texts)), *out = NULL;
        bool done = widths && texts;
        size_t len;
        FILE *f;

        l.texts = texts;
        done = done && lay_out(t, people, &l) && (!l.widths || fit(t, &l));
        f = done ? open_memstream(&out, &len) : NULL;
        done = f && put_all(f, t, &l);
        done = !(f && fclose(f)) && done;
        for (size_t i = 0; texts && i < l.n_lines * t->n_columns; i++)
                free(texts[i]);
        if (!done)
                return err_oom(err);
        term_out("%s", out);
        return 0;
}

int table_print(struct ec_table *t, struct ec_err *err)
{
        if (t->json)
                return print_json(t, err);
        /* A header without rows is useless. */
        if (!t->n_rows)
                return 0;
        return print_text(t, term_stdout_tty(), err);
}
