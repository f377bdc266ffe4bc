/* SPDX-License-Identifier: MIT */
#include "svc/nix/log.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "svc/nix/text.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/escape.h"
#include "util/strv.h"

#define RESULT_LOG_LINE       101
#define RESULT_PROGRESS       105
#define RESULT_EXPECTED       106
#define RESULT_POST_BUILD_LOG 107

#define LEVEL_ERROR 0
#define LEVEL_WARN  1
#define LEVEL_INFO  3

/* Limits on what is kept. */
#define MAX_ERRORS     64
#define MAX_TRACE      4096
#define MAX_WARNED     200
#define MAX_ENDED      32
#define MAX_ACTIVITIES 4096
#define MAX_LOG_LINE   500
#define MAX_EVENT      ((size_t)64 << 20)
#define MIN_PIECE      65536

void nix_log_init(struct nix_log *l)
{
        *l = (struct nix_log){ .start_usec = clock_usec() };
}

static void activity_done(struct nix_activity *a)
{
        free(a->name);
        free(a->drv);
        for (size_t i = 0; i < NIX_TAIL_LINES; i++)
                free(a->tail[i]);
}

static void error_done(struct nix_error *e)
{
        free(e->text);
        free(e->pos.file);
        for (size_t i = 0; i < e->n_trace; i++) {
                free(e->trace[i].text);
                free(e->trace[i].pos.file);
        }
        free(e->trace);
}

void nix_log_done(struct nix_log *l)
{
        for (size_t i = 0; i < l->n_acts; i++)
                activity_done(&l->acts[i]);
        for (size_t i = 0; i < l->n_ended; i++)
                activity_done(&l->ended[i]);
        for (size_t i = 0; i < l->n_errors; i++)
                error_done(&l->errors[i]);
        free(l->acts);
        free(l->ended);
        free(l->errors);
        free(l->part);
        *l = (struct nix_log){ 0 };
}

/* Appends a zeroed element to an array of structs; NULL: no memory. */
static void *grow(void **array, size_t *n, size_t size)
{
        void *p = reallocarray(*array, *n + 1, size);
        if (!p)
                return NULL;
        *array = p;
        void *item = (char *)p + *n * size;
        memset(item, 0, size);
        (*n)++;
        return item;
}

static const char *get_str(const json_t *o, const char *key)
{
        const char *s = json_string_value(json_object_get(o, key));
        return s ? s : "";
}

static int64_t get_int(const json_t *o, const char *key)
{
        return json_integer_value(json_object_get(o, key));
}

static uint64_t field_count(const json_t *fields, size_t i)
{
        json_int_t n = json_integer_value(json_array_get(fields, i));
        return n > 0 ? (uint64_t)n : 0;
}

/* ---- messages ------------------------------------------------------------ */

static char *clean_trimmed(const char *s)
{
        char *text = escape_text(s, false);
        if (!text)
                return NULL;
        size_t n = strlen(text);
        while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
                text[--n] = '\0';
        return text;
}

static bool get_pos(const json_t *o, struct nix_pos *ret)
{
        const char *file = get_str(o, "file");
        struct nix_pos pos = { .line = get_int(o, "line"), .column = get_int(o, "column") };
        *ret = (struct nix_pos){ 0 };
        if (!*file || pos.line <= 0)
                return true;
        /* Since 2.19 the file's name ends in its line and column. */
        char suffix[64];
        snprintf(suffix, sizeof(suffix), pos.column ? ":%" PRId64 ":%" PRId64 : ":%" PRId64, pos.line, pos.column);
        size_t len = strlen(file);
        if (str_ends(file, suffix))
                len -= strlen(suffix);
        pos.file = strndup(file, len);
        if (!pos.file)
                return false;
        *ret = pos;
        return true;
}

static bool add_trace(struct nix_error *e, const json_t *trace)
{
        size_t i;
        json_t *v;
        json_array_foreach(trace, i, v) {
                if (i >= MAX_TRACE)
                        break;
                struct nix_frame *f = grow((void **)&e->trace, &e->n_trace, sizeof(*f));
                if (!f)
                        return false;
                f->text = clean_trimmed(get_str(v, "raw_msg"));
                if (!f->text || !get_pos(v, &f->pos))
                        return false;
        }
        return true;
}

static void add_error(struct nix_log *l, const char *text, const json_t *o)
{
        if (l->n_errors >= MAX_ERRORS)
                return;
        struct nix_error *e = grow((void **)&l->errors, &l->n_errors, sizeof(*e));
        if (!e) {
                l->oom = true;
                return;
        }
        e->text = strdup(text);
        if (!e->text || !get_pos(o, &e->pos) || !add_trace(e, json_object_get(o, "trace"))) {
                error_done(e);
                l->n_errors--;
                l->oom = true;
        }
}

/* The text after "warning: ", which lib.warn, builtins.warn and we ourselves begin differently; or NULL. */
static const char *warning_text(const char *text)
{
        static const char *const prefixes[] = { "trace: ", "extra-container: ", "evaluation " };

        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
                const char *rest = str_after(text, prefixes[i]);

                text = rest ? rest : text;
        }
        return str_after(text, "warning: ");
}

/* Each program warns about the same settings. */
static void warn_once(struct nix_log *l, const char *text)
{
        /* Nix waits for another Nix, and retries by itself. */
        if (strstr(text, "SQLite database '") && str_ends(text, "' is busy")) {
                log_info("%s", text);
                return;
        }
        if (l->warned && strv_contains(STRV_CONST(*l->warned), text))
                return;
        if (l->warned && strv_len(STRV_CONST(*l->warned)) < MAX_WARNED && strv_push(l->warned, text) < 0)
                l->oom = true;
        log_warn("%s", text);
}

/* "Did you mean hello?" is only in `msg`, the message as Nix would print it, not in `raw_msg`. */
static char *with_suggestion(const char *text, const char *msg)
{
        _cleanup_free_ char *clean = escape_text(msg, false);
        char *found = clean ? strstr(clean, "Did you mean ") : NULL;

        if (found)
                found[strcspn(found, "\n")] = '\0';
        if (found && !strstr(text, found))
                return str_printf("%s\n%s", text, found);
        return clean ? strdup(text) : NULL;
}

static void on_error(struct nix_log *l, const char *text, const json_t *o)
{
        _cleanup_free_ char *full = with_suggestion(text, get_str(o, "msg"));

        if (full)
                add_error(l, full, o);
        else
                l->oom = true;
}

static void on_message(struct nix_log *l, const json_t *o)
{
        const char *raw = json_string_value(json_object_get(o, "raw_msg"));
        _cleanup_free_ char *text = clean_trimmed(raw ? raw : get_str(o, "msg"));
        int64_t level = get_int(o, "level");
        const char *rest;

        if (!text)
                l->oom = true;
        else if (raw && level <= LEVEL_ERROR)
                on_error(l, text, o);
        else if ((rest = warning_text(text)))
                warn_once(l, rest);
        else if (raw && level == LEVEL_WARN)
                warn_once(l, text);
        else if ((rest = str_after(text, "error: "))) /* from the daemon */
                add_error(l, rest, o);
        else if (level == LEVEL_INFO)
                log_info("%s", text); /* what will be built: the progress says so */
        else if (*text)
                log_notice("%s", text);
}

/* ---- activities ---------------------------------------------------------- */

static struct nix_activity *find(const struct nix_log *l, uint64_t id)
{
        for (size_t i = l->n_acts; i-- > 0;)
                if (l->acts[i].id == id)
                        return &l->acts[i];
        return NULL;
}

static void on_start(struct nix_log *l, const json_t *o)
{
        int64_t type = get_int(o, "type");
        bool named = type == NIX_ACT_BUILD || type == NIX_ACT_SUBSTITUTE || type == NIX_ACT_COPY_PATH ||
                     type == NIX_ACT_TRANSFER;
        if (!named && type != NIX_ACT_BUILDS && type != NIX_ACT_COPY_PATHS && type != NIX_ACT_REALISE)
                return;
        if (l->n_acts >= MAX_ACTIVITIES)
                return;
        struct nix_activity *a = grow((void **)&l->acts, &l->n_acts, sizeof(*a));
        if (!a) {
                l->oom = true;
                return;
        }
        a->id = (uint64_t)get_int(o, "id");
        a->type = (int)type;
        const char *path = json_string_value(json_array_get(json_object_get(o, "fields"), 0));
        if (named && path) {
                a->name = nix_text_short(path);
                if (type == NIX_ACT_BUILD)
                        a->drv = strdup(path);
                l->oom = l->oom || !a->name || (type == NIX_ACT_BUILD && !a->drv);
        }
}

static void on_stop(struct nix_log *l, const json_t *o)
{
        struct nix_activity *a = find(l, (uint64_t)get_int(o, "id"));
        if (!a)
                return;
        if (a->type == NIX_ACT_TRANSFER) {
                l->bytes_done += a->done;
                l->bytes_expected += a->expected > a->done ? a->expected : a->done;
        }
        struct nix_activity *kept = NULL;
        if (a->type == NIX_ACT_BUILD && a->n_lines) {
                /* The error, if any, comes later, so keep the log for a while. */
                if (l->n_ended == MAX_ENDED) {
                        activity_done(&l->ended[0]);
                        memmove(&l->ended[0], &l->ended[1], (--l->n_ended) * sizeof(*l->ended));
                }
                kept = grow((void **)&l->ended, &l->n_ended, sizeof(*kept));
        }
        if (kept)
                *kept = *a;
        else
                activity_done(a);
        *a = l->acts[--l->n_acts];
}

static void on_log_line(struct nix_log *l, struct nix_activity *a, const char *s)
{
        if (a && a->type == NIX_ACT_BUILD) {
                char **slot = &a->tail[a->n_lines++ % NIX_TAIL_LINES];
                free(*slot);
                *slot = escape_text(s, false);
                if (*slot && strlen(*slot) > MAX_LOG_LINE) {
                        char *end = *slot + MAX_LOG_LINE;
                        while ((*end & 0xc0) == 0x80)
                                end--;
                        *end = '\0';
                }
        }
        if (!l->print_logs)
                return;
        _cleanup_free_ char *line = str_printf("%s> %s\n", a && a->name ? a->name : "build", s);
        if (line)
                term_err_write(line);
}

static void on_result(struct nix_log *l, const json_t *o)
{
        int64_t type = get_int(o, "type");
        const json_t *fields = json_object_get(o, "fields");
        struct nix_activity *a = find(l, (uint64_t)get_int(o, "id"));
        if (type == RESULT_LOG_LINE || type == RESULT_POST_BUILD_LOG) {
                const char *s = json_string_value(json_array_get(fields, 0));
                if (s)
                        on_log_line(l, a, s);
        } else if (a && type == RESULT_PROGRESS) {
                a->done = field_count(fields, 0);
                a->expected = field_count(fields, 1);
        } else if (a && type == RESULT_EXPECTED) {
                if (json_integer_value(json_array_get(fields, 0)) == NIX_ACT_TRANSFER)
                        a->expect_bytes = field_count(fields, 1);
        }
}

/* ---- lines --------------------------------------------------------------- */

/* Lines that are not events are passed on. */
static void on_plain(struct nix_log *l, const char *line, size_t len)
{
        _cleanup_free_ char *copy = str_printf("%.*s\n", (int)len, line);
        if (copy)
                term_err_write(copy);
        else
                l->oom = true;
}

static bool on_event(struct nix_log *l, const char *text, size_t len)
{
        json_t *o = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
        const char *action = get_str(o, "action");
        bool valid = json_is_object(o);
        if (!strcmp(action, "msg"))
                on_message(l, o);
        else if (!strcmp(action, "start"))
                on_start(l, o);
        else if (!strcmp(action, "stop"))
                on_stop(l, o);
        else if (!strcmp(action, "result"))
                on_result(l, o);
        json_decref(o);
        return valid;
}

/* The event of an infinite recursion can be longer than the longest line that proc.c passes on in one piece: pieces are
 * appended until they are a JSON object. */
static bool add_part(struct nix_log *l, const char *s, size_t len)
{
        if (l->part_len + len > MAX_EVENT)
                return false;
        char *p = realloc(l->part, l->part_len + len);
        if (!p)
                return false;
        memcpy(p + l->part_len, s, len);
        l->part = p;
        l->part_len += len;
        return true;
}

static void forget_part(struct nix_log *l)
{
        free(l->part);
        l->part = NULL;
        l->part_len = 0;
}

void nix_log_line(struct nix_log *l, const char *line, size_t len)
{
        bool event = !l->raw && len > 5 && !memcmp(line, "@nix ", 5);
        if (event)
                forget_part(l); /* a new event: the old one is incomplete */
        if (!event && !l->part) {
                on_plain(l, line, len);
                return;
        }
        const char *text = event ? line + 5 : line;
        len -= (size_t)(text - line);
        bool closed = len && text[len - 1] == '}';
        if (!l->part && closed && on_event(l, text, len))
                return;
        if (!l->part && len < MIN_PIECE) {
                log_debug("Nix wrote an event that is not JSON");
        } else if (!add_part(l, text, len)) {
                forget_part(l);
                l->oom = true;
        } else if (closed && on_event(l, l->part, l->part_len)) {
                forget_part(l);
        }
}

size_t nix_log_tail(const struct nix_log *l, const char *drv, size_t drv_len, const char **ret, size_t *ret_total)
{
        const struct nix_activity *found = NULL;
        for (size_t i = 0; i < l->n_acts + l->n_ended; i++) {
                const struct nix_activity *a = i < l->n_acts ? &l->acts[i] : &l->ended[i - l->n_acts];
                if (a->drv && a->n_lines && strlen(a->drv) == drv_len && !memcmp(a->drv, drv, drv_len))
                        found = a;
        }
        if (!found)
                return 0;
        size_t used = 0;
        for (size_t i = 0; i < NIX_TAIL_LINES; i++) {
                const char *s = found->tail[(found->n_lines + i) % NIX_TAIL_LINES];
                if (s)
                        ret[used++] = s;
        }
        *ret_total = found->n_lines;
        return used;
}
