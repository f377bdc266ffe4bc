/* SPDX-License-Identifier: MIT */
#include "svc/nix/error.h"

#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "svc/nix/reads_host.h"
#include "svc/nix/text.h"
#include "svc/nix/untracked.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define EXCERPT_FILE_MAX (16u << 20)
#define SOURCE_MAX       200 /* bytes of a line */
#define CUT              "..."
#define DAEMON_SOCKET    "/daemon-socket/socket"

static char *apply_names(const struct nix_names *n, const char *text)
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

static bool is_definition(const struct nix_names *n, const char *file)
{
        const char *rest;

        for (size_t i = 0; n->files && n->files[i]; i++)
                if (!strcmp(n->files[i], file))
                        return true;
        rest = n->definition ? str_after(file, n->definition) : NULL;
        return rest && (!*rest || !strcmp(rest, "/default.nix"));
}

static bool is_dir(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Is one of the directories between the first len bytes and the file a nixpkgs? */
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

/* Next to the definition or in the current directory, so probably the user's as well. */
static bool is_near(const struct nix_names *n, const char *file)
{
        _cleanup_free_ char *cwd = getcwd(NULL, 0);
        const char *slash;
        size_t len;

        if (cwd && cwd[1] && is_below(file, cwd, strlen(cwd)))
                return true;
        if (!n->definition)
                return false;
        slash = strrchr(n->definition, '/');
        len = is_dir(n->definition) ? strlen(n->definition) : slash ? (size_t)(slash - n->definition) : 0;
        return is_below(file, n->definition, len);
}

/* The innermost frame in the definition, else in a file next to it. */
static const struct nix_pos *users_frame(const struct nix_error *e, const struct nix_names *n)
{
        bool (*const tests[])(const struct nix_names *, const char *) = { is_definition, is_near };

        for (size_t k = 0; k < ARRAY_SIZE(tests); k++)
                for (size_t i = 0; i < e->n_trace; i++)
                        if (e->trace[i].pos.file && tests[k](n, e->trace[i].pos.file))
                                return &e->trace[i].pos;
        return NULL;
}

static void put_pos(FILE *f, const struct nix_names *n, const struct nix_pos *p)
{
        _cleanup_free_ char *name = apply_names(n, p->file);

        fprintf(f, "%s:%" PRId64, name ? name : p->file, p->line);
        if (p->column > 0)
                fprintf(f, ":%" PRId64, p->column);
}

/* One line of source; below it a caret at the column, which counts bytes, if there is one. Of a long line, what is near
 * the column. */
static void put_source_line(FILE *f, int64_t number, const char *s, size_t len, int64_t column)
{
        size_t from = column > SOURCE_MAX ? (size_t)column - SOURCE_MAX / 2 : 0, to = from + SOURCE_MAX;
        int caret = from ? (int)strlen(CUT) : 0;

        fprintf(f, "\n  %5" PRId64 "| %s", number, from ? CUT : "");
        for (size_t i = from; i < len && i < to; i++) {
                unsigned char c = (unsigned char)s[i];

                /* It begins within a character. */
                if (i == from && (c & 0xc0) == 0x80)
                        from++;
                else
                        fputc(c < 0x20 || c == 0x7f ? ' ' : c, f);
                if ((int64_t)i + 1 < column && (c & 0xc0) != 0x80)
                        caret++;
        }
        if (len > to)
                fputs(CUT, f);
        if (column > 0)
                fprintf(f, "\n       | %*s^", caret, "");
}

/* The line and its neighbours; nothing if the file cannot be read. */
static void put_excerpt(FILE *f, const struct nix_pos *p)
{
        _cleanup_free_ char *text = NULL;
        size_t len = 0;
        int64_t line = 1;

        if (*p->file != '/' || fs_read(p->file, EXCERPT_FILE_MAX, &text, &len) < 0)
                return;
        for (const char *s = text, *end = text + len; s < end && line <= p->line + 1; line++) {
                const char *nl = memchr(s, '\n', (size_t)(end - s));
                size_t n = nl ? (size_t)(nl - s) : (size_t)(end - s);

                if (line >= p->line - 1)
                        put_source_line(f, line, s, n, line == p->line ? p->column : 0);
                s += n + 1;
        }
}

/* ---- evaluation ---------------------------------------------------------- */

static void put_trace(FILE *f, const struct nix_error *e, const struct nix_names *n)
{
        for (size_t i = 0; i < e->n_trace; i++) {
                _cleanup_free_ char *text = apply_names(n, e->trace[i].text);

                fprintf(f, "\n  … %s", text ? text : e->trace[i].text);
                if (e->trace[i].pos.file) {
                        fputs("\n    at ", f);
                        put_pos(f, n, &e->trace[i].pos);
                }
        }
}

/* The container that was being evaluated, quoted, as eval-config.nix names it; NULL: none yet. */
static const char *container_of(const struct nix_error *e)
{
        for (size_t i = 0; i < e->n_trace; i++) {
                const char *name = str_after(e->trace[i].text, "while evaluating container ");

                if (name && *name == '\'')
                        return name;
        }
        return NULL;
}

/* For an error without a position: the definition and the container, unless the text names them. */
static void put_where(FILE *f, const struct nix_error *e, const struct nix_names *n, const char *text)
{
        _cleanup_free_ char *where = n->where ? strdup(n->where) : apply_names(n, n->definition);
        const char *container = container_of(e);

        if (where && !strstr(text, where))
                fprintf(f, "%s: ", where);
        if (container && !strstr(text, container))
                fprintf(f, "container %s: ", container);
}

/* A definition that is not a file is copied to a private directory. If the text names another file there, that was a
 * relative path: returns its position, and the lengths of the directory and of the path as the user wrote it. */
static const char *beside_text(const struct nix_names *n, const char *text, size_t *ret_dir, size_t *ret_len)
{
        const char *slash = n->definition ? strrchr(n->definition, '/') : NULL;
        const char *found = NULL;

        for (size_t i = 0; slash && n->files && n->files[i] && !found; i++) {
                _cleanup_free_ char *dir = NULL;

                if (*n->names[i] != '(' || strcmp(n->files[i], n->definition))
                        continue;
                *ret_dir = (size_t)(slash + 1 - n->definition);
                dir = strndup(n->definition, *ret_dir);
                found = dir ? strstr(text, dir) : NULL;
        }
        if (found)
                *ret_len = strcspn(found + *ret_dir, "'\"`\n ");
        return found && *ret_len ? found : NULL;
}

/* Nix's text, with the user's names for files; NULL: no memory. */
static char *error_text(const struct nix_error *e, const struct nix_names *n)
{
        _cleanup_free_ char *text = apply_names(n, e->text);
        size_t dir, len;
        const char *beside = text ? beside_text(n, text, &dir, &len) : NULL;

        if (!beside)
                return TAKE_PTR(text);
        return str_printf("%.*s./%s (this definition is not in a directory; use <pwd/%.*s> for a path relative to the "
                          "working directory)",
                          (int)(beside - text), text, beside + dir, (int)len, beside + dir);
}

/* The text in quotes after prefix in the innermost frame that has one: "... the option `a.b':". NULL: none. */
static char *quoted_in_trace(const struct nix_error *e, const char *prefix,
                             bool (*test)(const struct nix_names *, const char *), const struct nix_names *n)
{
        for (size_t i = 0; i < e->n_trace; i++) {
                const char *s = str_after(e->trace[i].text, prefix), *end = s ? strrchr(s, '\'') : NULL;
                char *found = end ? strndup(s, (size_t)(end - s)) : NULL;

                if (found && (!test || test(n, found)))
                        return found;
                free(found);
        }
        return NULL;
}

static bool is_users(const struct nix_names *n, const char *file)
{
        return is_definition(n, file) || is_near(n, file);
}

/* For a position in nixpkgs: the option, and the user's file that defines it. */
static void put_option(FILE *f, const struct nix_error *e, const struct nix_names *n)
{
        _cleanup_free_ char *option = quoted_in_trace(e, "while evaluating the option `", NULL, n);
        _cleanup_free_ char *file = quoted_in_trace(e, "while evaluating definitions from `", is_users, n);
        _cleanup_free_ char *name = file ? apply_names(n, file) : NULL;

        if (option)
                fprintf(f, "\n  while evaluating option '%s'%s%s", option, name ? ", defined in " : "",
                        name ? name : "");
}

/* false: no memory. */
static bool put_evaluation(FILE *f, const struct nix_error *e, const struct nix_names *n, bool show_trace)
{
        const struct nix_pos *pos = e->pos.file ? &e->pos : NULL, *user = NULL;
        _cleanup_free_ char *text = error_text(e, n), *untracked = NULL;
        const char *what, *ours;
        bool users, foreign = false;

        if (!text)
                return false;
        /* Some messages of NixOS begin with an empty line. */
        what = text + strspn(text, " \n");
        ours = str_after(what, "extra-container: ");
        users = pos && is_users(n, pos->file);
        if (!ours && !users) {
                user = users_frame(e, n);
                foreign = pos && !user;
        }
        if (!ours && !pos && !user && n->definition)
                put_where(f, e, n, text);
        fputs(ours ? ours : what, f);
        untracked = ours ? NULL : nix_untracked_file(e->text, text);
        if (untracked)
                fprintf(f, "; " NIX_UNTRACKED_HINT " %s", untracked);
        if (!ours && users && nix_reads_host(pos->file, pos->line, e->text))
                fputs("; only containers are evaluated here, and `config` has nothing of the host", f);
        if (foreign)
                put_option(f, e, n);
        if (!ours && (user || pos)) {
                fputs("\n  at ", f);
                put_pos(f, n, user ? user : pos);
                put_excerpt(f, user ? user : pos);
        }
        if (user && pos) {
                fputs("\n  raised at ", f);
                put_pos(f, n, pos);
        }
        if (show_trace)
                put_trace(f, e, n);
        return true;
}

/* ---- builds -------------------------------------------------------------- */

/* The end of a build's log, if there is one. */
static void put_log(FILE *f, const struct nix_log *l, const char *drv, size_t drv_len)
{
        const char *tail[NIX_TAIL_LINES];
        size_t total = 0, n = nix_log_tail(l, drv, drv_len, tail, &total);

        if (!n)
                return;
        fputs(total > n ? "\n  the end of its log:" : "\n  its log:", f);
        for (size_t i = 0; i < n; i++)
                fprintf(f, "\n    %s", tail[i]);
        if (total > n)
                fprintf(f, "\n  the whole log: nix-store --read-log %.*s", (int)drv_len, drv);
}

static bool has_log(const struct nix_log *l, const struct nix_error *e)
{
        const char *drv, *tail[NIX_TAIL_LINES];
        size_t drv_len, total;

        return nix_text_drv(e->text, &drv, &drv_len) && nix_log_tail(l, drv, drv_len, tail, &total);
}

/* The daemon and its client may both report a failure. */
static bool is_repeated(const struct nix_log *l, size_t k)
{
        for (size_t i = 0; i < k; i++)
                if (!strcmp(l->errors[i].text, l->errors[k].text))
                        return true;
        return false;
}

/* Nix's texts, each with the log of its build: the first, which is the cause, and those of other failed builds. */
static void put_build(FILE *f, const struct nix_log *l)
{
        for (size_t i = 0; i < l->n_errors; i++) {
                const struct nix_error *e = &l->errors[i];
                const char *drv;
                size_t drv_len;

                if (i && (!has_log(l, e) || is_repeated(l, i)))
                        continue;
                fprintf(f, "%s%s", i ? "\n" : "", e->text);
                /* A text of several lines comes from the daemon, and contains the log. */
                if (!strchr(e->text, '\n') && nix_text_drv(e->text, &drv, &drv_len))
                        put_log(f, l, drv, drv_len);
        }
}

/* ---- the daemon ---------------------------------------------------------- */

/* The group that the daemon's socket is for: of its directory, if only that group may enter it, else its own. */
static char *socket_group(const char *text)
{
        const char *path = strchr(text, '/'), *end = path ? strstr(path, DAEMON_SOCKET) : NULL;
        _cleanup_free_ char *dir = end ? strndup(path, (size_t)(end - path) + strlen("/daemon-socket")) : NULL;
        _cleanup_free_ char *file = dir ? str_printf("%s/socket", dir) : NULL;
        const struct group *g = NULL;
        struct stat st;

        if (file && stat(dir, &st) == 0 && (!(st.st_mode & S_IXOTH) || stat(file, &st) == 0) && st.st_gid)
                g = getgrgid(st.st_gid);
        return g ? strdup(g->gr_name) : NULL;
}

/* -errno, or 0: it is not the daemon's failure. */
static int daemon_failure(const char *text, struct ec_err *err)
{
        _cleanup_free_ char *group = NULL;

        if (strstr(text, DAEMON_SOCKET) && str_ends(text, ": Permission denied")) {
                group = socket_group(text);
                if (group)
                        return err_set(
                                err, -EACCES,
                                "you may not use the Nix daemon: its socket is for members of group '%s'; become "
                                "one with 'sudo usermod -aG %s \"$USER\"', and log in again",
                                group, group);
                return err_set(err, -EACCES, "you may not use the Nix daemon (%s); run this as root", text);
        }
        if (str_after(text, "cannot connect to socket at "))
                return err_set(err, -ECONNREFUSED, "the Nix daemon does not answer (%s); is nix-daemon.socket active?",
                               text);
        /* Without a daemon, Nix tries to use a store of root's itself. */
        if (str_after(text, "could not set permissions on '") && strstr(text, "/profiles/per-user'"))
                return err_set(
                        err, -EACCES,
                        "no Nix daemon runs, and the Nix store belongs to root (%s); start nix-daemon.socket, or "
                        "run this as root",
                        text);
        if (str_after(text, "cannot open connection to remote store"))
                return err_set(err, -ECONNRESET,
                               "the Nix daemon closed the connection (%s); allowed-users in /etc/nix/nix.conf must "
                               "include you, and 'journalctl -u nix-daemon' may show another reason",
                               text);
        if (!strcmp(text, "unexpected end-of-file") || str_after(text, "Nix daemon disconnected"))
                return err_set(err, -ECONNRESET,
                               "the Nix daemon ended (%s); 'journalctl -u nix-daemon' may show why, then run the "
                               "command again",
                               text);
        return 0;
}

/* ---- the failure of a run ------------------------------------------------ */

int nix_error_set(const struct nix_log *l, const struct nix_names *n, const char *program, int status, bool show_trace,
                  struct ec_err *err)
{
        const struct nix_error *e = l->n_errors ? &l->errors[0] : NULL;
        _cleanup_free_ char *text = NULL;
        bool build, complete = true;
        size_t size;
        FILE *f;
        int r;

        if (!e && l->oom)
                return err_oom(err);
        if (!e && status > 128)
                return err_set(err, -EIO, "%s was killed by signal %d%s", program, status - 128,
                               status == 128 + 9 ? "; perhaps the machine ran out of memory" : "");
        /* Other output of Nix was passed on to stderr. */
        if (!e)
                return err_set(err, -EIO, "%s failed with exit status %d", program, status);
        r = daemon_failure(e->text, err);
        if (r < 0)
                return r;
        if (str_after(e->text, "unrecognised flag '"))
                return err_usage(err, "--build-args: %s", e->text);
        build = has_log(l, e) || (status >= 100 && status < 108) || !strcmp(program, "nix-store");
        f = open_memstream(&text, &size);
        if (!f)
                return err_oom(err);
        if (build)
                put_build(f, l);
        else
                complete = put_evaluation(f, e, n, show_trace);
        complete = complete && !ferror(f);
        return fclose(f) || !complete ? err_oom(err) : err_set(err, build ? -EIO : -EINVAL, "%s", text);
}
