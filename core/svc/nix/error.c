/* SPDX-License-Identifier: MIT */
#include "svc/nix/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define EXCERPT_WIDTH    120
#define EXCERPT_FILE_MAX (16u << 20)

char *nix_names_apply(const struct nix_names *n, const char *text)
{
        char *s = strdup(text);
        for (size_t i = 0; s && n->files && n->files[i]; i++) {
                char *next = nix_text_replace(s, n->files[i], n->names[i]);
                free(s);
                s = next;
        }
        return s;
}

/* ---- positions ----------------------------------------------------------- */

/* A position in an expression of the command line has no file: Nix 2.8 names the
 * text itself, later ones say that it is a string. The option, or NULL. */
static const char *option_of(const struct nix_names *n, const struct nix_pos *p)
{
        if (!n->exprs || !n->exprs[0])
                return NULL;
        for (size_t i = 0; n->exprs[i]; i++)
                if (!strcmp(n->exprs[i], p->file))
                        return n->options[i];
        bool is_string = !strcmp(p->file, "(string)") || !strcmp(p->file, "«string»");
        return is_string && !n->exprs[1] ? n->options[0] : NULL;
}

static bool is_definition(const struct nix_names *n, const char *file)
{
        for (size_t i = 0; n->files && n->files[i]; i++)
                if (!strcmp(n->files[i], file))
                        return true;
        if (!n->definition)
                return false;
        if (!strcmp(file, n->definition))
                return true;
        const char *rest = str_after(file, n->definition);
        return rest && !strcmp(rest, "/default.nix");
}

static bool is_dir(const char *path)
{
        struct stat st;
        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Is one of the directories on the way from the first len bytes to the file a nixpkgs? */
static bool in_nixpkgs(const char *file, size_t len)
{
        for (const char *s = file + len; (s = strchr(s, '/')); s++) {
                _cleanup_free_ char *nixos = str_printf("%.*s/nixos/modules", (int)(s - file), file);
                if (nixos && is_dir(nixos))
                        return true;
        }
        return false;
}

static bool is_below(const char *file, const char *dir, size_t len)
{
        return len && !strncmp(file, dir, len) && file[len] == '/' && !strstr(file + len, "/.") &&
               !in_nixpkgs(file, len);
}

/* Beside the definition or in the current directory, so probably the user's as well. */
static bool is_near(const struct nix_names *n, const char *file)
{
        _cleanup_free_ char *cwd = getcwd(NULL, 0);
        if (cwd && cwd[1] && is_below(file, cwd, strlen(cwd)))
                return true;
        if (!n->definition)
                return false;
        const char *slash = strrchr(n->definition, '/');
        size_t len = is_dir(n->definition) ? strlen(n->definition) : slash ? (size_t)(slash - n->definition) : 0;
        return is_below(file, n->definition, len);
}

/* The innermost frame in the definition, else in a file beside it. */
static const struct nix_frame *users_frame(const struct nix_error *e, const struct nix_names *n)
{
        for (size_t i = 0; i < e->n_trace; i++)
                if (e->trace[i].pos.file && is_definition(n, e->trace[i].pos.file))
                        return &e->trace[i];
        for (size_t i = 0; i < e->n_trace; i++)
                if (e->trace[i].pos.file && is_near(n, e->trace[i].pos.file))
                        return &e->trace[i];
        return NULL;
}

static void put_pos(FILE *f, const struct nix_names *n, const struct nix_pos *p)
{
        _cleanup_free_ char *name = nix_names_apply(n, p->file);
        const char *option = option_of(n, p);
        fprintf(f, "%s:%" PRId64, option ? option : name ? name : p->file, p->line);
        if (p->column > 0)
                fprintf(f, ":%" PRId64, p->column);
}

/* One line of source, cut to what is around the column. Returns the caret's place. */
static size_t put_source_line(FILE *f, const char *s, size_t len, size_t column)
{
        size_t from = 0, caret = 0;
        if (column > EXCERPT_WIDTH - 20)
                from = column - (EXCERPT_WIDTH - 20);
        while (from < len && ((unsigned char)s[from] & 0xc0) == 0x80)
                from++;
        size_t end = from + EXCERPT_WIDTH < len ? from + EXCERPT_WIDTH : len;
        while (end < len && ((unsigned char)s[end] & 0xc0) == 0x80)
                end++;
        for (size_t i = from; i < end; i++) {
                unsigned char c = (unsigned char)s[i];
                fputc(c < 0x20 || c == 0x7f ? ' ' : c, f);
                if (i + 1 < column && (c & 0xc0) != 0x80)
                        caret++;
        }
        return caret;
}

/* The line and its neighbours, with a caret below the column. Nothing if the
 * file cannot be read: it is help, no more. */
static void put_excerpt(FILE *f, const struct nix_pos *p)
{
        struct stat st;
        _cleanup_free_ char *text = NULL;
        size_t len = 0;
        if (*p->file != '/' || stat(p->file, &st) < 0 || !S_ISREG(st.st_mode) ||
            fs_read(p->file, EXCERPT_FILE_MAX, &text, &len) < 0)
                return;
        int64_t line = 1;
        for (const char *s = text, *end = text + len; s < end && line <= p->line + 1; line++) {
                const char *nl = memchr(s, '\n', (size_t)(end - s));
                size_t n = nl ? (size_t)(nl - s) : (size_t)(end - s);
                if (line >= p->line - 1) {
                        size_t column = line == p->line && p->column > 0 ? (size_t)p->column : 0;
                        fprintf(f, "\n  %5" PRId64 "| ", line);
                        size_t caret = put_source_line(f, s, n, column);
                        if (column)
                                fprintf(f, "\n       | %*s^", (int)caret, "");
                }
                s += n + 1;
        }
}

/* ---- evaluation ---------------------------------------------------------- */

static char *without_hint(const char *text)
{
        return nix_text_replace(text, " (use '--show-trace' to show detailed location information)", "");
}

static void put_trace(FILE *f, const struct nix_error *e, const struct nix_names *n)
{
        for (size_t i = 0; i < e->n_trace; i++) {
                _cleanup_free_ char *text = nix_names_apply(n, e->trace[i].text);
                fprintf(f, "\n  … %s", text ? text : e->trace[i].text);
                if (e->trace[i].pos.file) {
                        fputs("\n    at ", f);
                        put_pos(f, n, &e->trace[i].pos);
                }
        }
}

/* The container that was looked at, quoted, as eval-config.nix says it; NULL: before any was. */
static const char *container_of(const struct nix_error *e)
{
        for (size_t i = 0; i < e->n_trace; i++) {
                const char *name = str_after(e->trace[i].text, "while evaluating container ");

                if (name && *name == '\'')
                        return name;
        }
        return NULL;
}

/* What the text names beside a definition that is no file of the user's: it lies in a private directory. Behind *ret_dir
 * there is the name as the user wrote it, *ret_len long. NULL: nothing. */
static const char *beside_text(const struct nix_names *n, const char *text, size_t *ret_dir, size_t *ret_len)
{
        const char *slash = n->definition ? strrchr(n->definition, '/') : NULL;
        const char *found = NULL;

        for (size_t i = 0; slash && n->files && n->files[i] && !found; i++) {
                if (*n->names[i] != '(' || strcmp(n->files[i], n->definition))
                        continue;
                *ret_dir = (size_t)(slash + 1 - n->definition);
                _cleanup_free_ char *dir = strndup(n->definition, *ret_dir);
                found = dir ? strstr(text, dir) : NULL;
        }
        if (found)
                *ret_len = strcspn(found + *ret_dir, "'\"`\n ");
        return found && *ret_len ? found : NULL;
}

static int set_evaluation(const struct nix_error *e, const struct nix_names *n, bool show_trace, struct ec_err *err)
{
        _cleanup_free_ char *bare = without_hint(e->text);
        _cleanup_free_ char *text = bare ? nix_names_apply(n, bare) : NULL;
        if (!text)
                return err_oom(err);

        size_t dir, len;
        const char *beside = beside_text(n, text, &dir, &len);
        if (beside) {
                char *hinted = str_printf(
                        "%.*s./%s (relative paths begin nowhere here; of the working directory it is <pwd/%.*s>)",
                        (int)(beside - text), text, beside + dir, (int)len, beside + dir);
                free(text);
                text = hinted;
        }
        if (!text)
                return err_oom(err);

        /* NixOS begins them with an empty line. */
        const char *what = text + strspn(text, " \n");
        const char *ours = str_after(what, "extra-container: ");
        if (ours && !show_trace)
                return err_set(err, -EINVAL, "%s", ours);

        char *buf = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&buf, &size);
        if (!f)
                return err_oom(err);
        const struct nix_pos *pos = e->pos.file ? &e->pos : NULL;
        const struct nix_frame *user = NULL;
        if (!ours && !(pos && (is_definition(n, pos->file) || option_of(n, pos) || is_near(n, pos->file))))
                user = users_frame(e, n);
        if (!ours && !pos && !user && n->definition) {
                /* Nothing tells where: name the definition, unless the message does. */
                _cleanup_free_ char *where = n->where ? strdup(n->where) : nix_names_apply(n, n->definition);
                const char *container = container_of(e);
                if (where && !strstr(text, where))
                        fprintf(f, "%s: ", where);
                if (container && !strstr(text, container))
                        fprintf(f, "container %s: ", container);
        }
        fputs(ours ? ours : what, f);
        if (user) {
                fputs("\n  at ", f);
                put_pos(f, n, &user->pos);
                put_excerpt(f, &user->pos);
                if (pos) {
                        fputs("\n  raised at ", f);
                        put_pos(f, n, pos);
                }
        } else if (pos && !ours) {
                fputs("\n  at ", f);
                put_pos(f, n, pos);
                put_excerpt(f, pos);
        }
        if (show_trace)
                put_trace(f, e, n);
        bool failed = ferror(f);
        if (fclose(f) || failed) {
                free(buf);
                return err_oom(err);
        }
        int r = err_set(err, -EINVAL, "%s", buf);
        free(buf);
        return r;
}

/* ---- builds -------------------------------------------------------------- */

/* Says only that another failure came first. */
static bool is_consequence(const char *text)
{
        return (strstr(text, "dependenc") && (strstr(text, "failed to build") || strstr(text, "dependencies failed") ||
                                              strstr(text, "dependency failed"))) ||
               strstr(text, "failed dependenc") || strstr(text, "due to failed dependency");
}

static bool is_build_failure(const char *text)
{
        return str_after(text, "builder for '") || str_after(text, "Cannot build '") || str_after(text, "build of '") ||
               str_after(text, "building of '");
}

/* Where Nix' own copy of the log, or its advice, begins. */
static size_t message_length(const char *text)
{
        for (const char *s = text; s;) {
                const char *t = s + strspn(s, " ");
                if ((t[0] == 'l' || t[0] == 'L') && str_after(t + 1, "ast ") && strstr(t, "log line"))
                        return (size_t)(s - text);
                if (str_after(t, "For full logs") || str_after(t, "Output paths:"))
                        return (size_t)(s - text);
                s = strchr(s, '\n');
                if (s)
                        s++;
        }
        return strlen(text);
}

static char *build_summary(const char *text, const char *name)
{
        _cleanup_free_ char *head = strndup(text, message_length(text));
        if (!head)
                return NULL;
        for (size_t n = strlen(head); n && strchr(" \n;.", head[n - 1]);)
                head[--n] = '\0';
        const char *reason;
        if (str_after(head, "Cannot build '") && (reason = strstr(head, "Reason: ")))
                return str_printf("building '%s' failed: %s", name, reason + strlen("Reason: "));
        const char *quote = strstr(head, ".drv'");
        if (str_after(head, "builder for '") && quote)
                return str_printf("building '%s'%s", name, quote + strlen(".drv'"));
        return strdup(head);
}

/* The log lines that Nix put into its message, where it sent no log. */
static void put_own_log(FILE *f, const char *text)
{
        for (const char *s = text + message_length(text); s && *s;) {
                const char *t = s + strspn(s, " ");
                const char *nl = strchr(t, '\n');
                int n = nl ? (int)(nl - t) : (int)strlen(t);
                if (n > 1 && t[0] == '>')
                        fprintf(f, "\n    %.*s", n - 2 > 0 ? n - 2 : 0, t + 2);
                s = nl ? nl + 1 : NULL;
        }
}

static int set_build(const struct nix_log *l, const struct nix_error *e, struct ec_err *err)
{
        const char *drv = NULL;
        size_t drv_len = 0;
        if (!nix_text_drv(e->text, &drv, &drv_len))
                return err_set(err, -EIO, "%s", e->text);
        _cleanup_free_ char *path = strndup(drv, drv_len);
        _cleanup_free_ char *name = path ? nix_text_short(path) : NULL;
        _cleanup_free_ char *summary = name ? build_summary(e->text, name) : NULL;
        char *buf = NULL;
        size_t size = 0;
        FILE *f = summary ? open_memstream(&buf, &size) : NULL;
        if (!f)
                return err_oom(err);
        fputs(summary, f);

        const char *tail[NIX_TAIL_LINES];
        size_t total = 0, n = nix_log_tail(l, drv, drv_len, tail, &total);
        if (n)
                fputs(total > n ? "\n  the end of its log:" : "\n  its log:", f);
        for (size_t i = 0; i < n; i++)
                fprintf(f, "\n    %s", tail[i]);
        if (!n && e->text[message_length(e->text)]) {
                fputs("\n  the end of its log:", f);
                put_own_log(f, e->text);
                total = SIZE_MAX;
        }
        if (total > n)
                fprintf(f, "\n  all of it: nix-store --read-log %s", path);

        bool first = true;
        for (size_t i = 0; i < l->n_errors; i++) {
                const struct nix_error *o = &l->errors[i];
                if (o == e || !is_build_failure(o->text) || is_consequence(o->text) ||
                    !nix_text_drv(o->text, &drv, &drv_len))
                        continue;
                if (strlen(path) == drv_len && !memcmp(path, drv, drv_len))
                        continue;
                _cleanup_free_ char *other_path = strndup(drv, drv_len);
                _cleanup_free_ char *other = other_path ? nix_text_short(other_path) : NULL;
                fprintf(f, "%s '%s'", first ? "\n  these failed as well:" : ",", other ? other : "?");
                first = false;
        }
        bool failed = ferror(f);
        if (fclose(f) || failed) {
                free(buf);
                return err_oom(err);
        }
        int r = err_set(err, -EIO, "%s", buf);
        free(buf);
        return r;
}

/* ---- the failure of a run ------------------------------------------------ */

/* The cause of what failed; what it led to, only if there is nothing else. */
static const struct nix_error *first_error(const struct nix_log *l)
{
        for (size_t i = 0; i < l->n_errors; i++)
                if (!is_consequence(l->errors[i].text))
                        return &l->errors[i];
        return l->n_errors ? &l->errors[0] : NULL;
}

static bool is_about_option(const char *text)
{
        return str_after(text, "unrecognised flag '") || str_after(text, "unknown flag '") ||
               str_after(text, "flag '-") || str_after(text, "configuration setting '");
}

static bool is_unreachable(const char *text)
{
        return strstr(text, "cannot connect to socket") || strstr(text, "cannot connect to daemon") ||
               strstr(text, "cannot open connection to remote store");
}

static int set_held(const struct nix_log *l, const char *program, struct ec_err *err)
{
        _cleanup_strv_ char **lines = NULL;
        for (char **s = l->held; *s; s++)
                if (!(str_after(*s, "Try '") && strstr(*s, "--help")) && strv_push(&lines, *s) < 0)
                        return err_oom(err);
        _cleanup_free_ char *text = strv_join(STRV_CONST(lines), "\n");
        if (!text)
                return err_oom(err);
        const char *rest = str_after(text, "error:");
        rest = rest ? rest + strspn(rest, " \n") : text;
        for (size_t n = strlen(text); n && strchr(" \n", text[n - 1]);)
                text[--n] = '\0';
        return err_set(err, -EIO, "%s: %s", program, rest);
}

int nix_error_set(const struct nix_log *l, const struct nix_names *n, const char *program, int status, bool show_trace,
                  struct ec_err *err)
{
        if (l->oom && !l->n_errors)
                return err_oom(err);
        const struct nix_error *e = first_error(l);
        if (!e && status > 128)
                return err_set(err, -EIO, "%s was killed by signal %d%s", program, status - 128,
                               status == 128 + 9 ? "; perhaps the machine ran out of memory" : "");
        if (!e && l->held)
                return set_held(l, program, err);
        if (!e)
                return err_set(err, -EIO, "%s failed with exit status %d", program, status);

        if (is_unreachable(e->text))
                return err_set(err, -ECONNREFUSED, "the Nix daemon does not answer (%s); is nix-daemon.socket active?",
                               e->text);
        const char *drv;
        size_t drv_len;
        if (is_build_failure(e->text) || (status >= 100 && status < 108 && nix_text_drv(e->text, &drv, &drv_len)))
                return set_build(l, e, err);
        if (strstr(e->text, "No space left on device"))
                return err_set(err, -ENOSPC, "no space is left on a disk that Nix writes to: %s", e->text);
        if (is_about_option(e->text))
                return err_usage(err, "--build-args: %s", e->text);
        return set_evaluation(e, n, show_trace, err);
}
