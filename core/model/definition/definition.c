/* SPDX-License-Identifier: MIT */
#include "model/definition/definition.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "model/operation/op.h"
#include "model/operation/options.h"
#include "svc/nix/store.h"
#include "svc/process/interrupt.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/name.h"
#include "util/strv.h"

#define TEXT_MAX   ((size_t)256 << 20)
#define NAMES_LAST "'%s' is not a file; give the definition first, then the names of containers"
#define HOW        "give a file, a directory, a flake reference, a store path, --expr EXPR, or '-' for standard input"

void definition_done(struct definition *d)
{
        free(d->path);
        free(d->dir);
        free(d->attr);
        free(d->display);
        strv_free(d->names);
        *d = (struct definition){ 0 };
}

/* ---- text ---------------------------------------------------------------- */

/* Lets ^C end the wait: the writer of a pipe may never finish. */
static int wait_readable(int fd, struct ec_err *err)
{
        struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = interrupt_fd(), .events = POLLIN } };
        for (;;) {
                int r = interrupt_check(err);
                if (r < 0)
                        return r;
                r = poll(p, 2, -1);
                if (r < 0 && errno != EINTR)
                        return err_set(err, -errno, "cannot wait for input: %s", strerror(errno));
                if (r > 0 && p[0].revents)
                        return 0;
        }
}

static int copy_all(int fd, FILE *to, const char *name, struct ec_err *err)
{
        char part[65536];
        for (size_t len = 0; len <= TEXT_MAX;) {
                int r = wait_readable(fd, err);
                if (r < 0)
                        return r;
                ssize_t n = read(fd, part, sizeof(part));
                if (n == 0)
                        return 0;
                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        return err_set(err, -errno, "cannot read %s: %s", name, strerror(errno));
                if (n > 0 && fwrite(part, 1, n, to) < (size_t)n)
                        return err_oom(err);
                len += n > 0 ? n : 0;
        }
        return err_set(err, -EFBIG, "%s is too large for a definition", name);
}

static bool is_blank(const char *s, size_t len)
{
        for (; len && *s && strchr(" \t\r\n", *s); s++)
                len--;
        return !len;
}

/* Nix reads it from a file, because an argument is limited to 128 KiB. */
static int set_text(struct ec_op *op, const char *text, size_t len, const char *display, struct definition *d,
                    struct ec_err *err)
{
        const char *dir;
        if (is_blank(text, len))
                return err_set(err, -EINVAL, "%s is empty; it defines no containers", display);
        if (memchr(text, '\0', len))
                return err_set(err, -EINVAL, "%s is not a Nix expression: it contains a zero byte", display);
        int r = op_tmp_dir(op, &dir, err);
        if (r < 0)
                return r;
        d->kind = DEFINITION_TEXT;
        d->path = fs_join(dir, "definition.nix");
        d->display = strdup(display);
        if (!d->path || !d->display)
                return err_oom(err);
        r = fs_write_atomic(d->path, text, len, 0600);
        return r < 0 ? err_set(err, r, "cannot write '%s': %s", d->path, strerror(-r)) : 0;
}

static int set_stream(struct ec_op *op, int fd, const char *display, struct definition *d, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);
        int r = f ? copy_all(fd, f, display, err) : err_oom(err);
        if (f && fclose(f) && r >= 0)
                r = err_oom(err);
        return r < 0 ? r : set_text(op, text, len, display, d, err);
}

/* ---- store paths --------------------------------------------------------- */

/* Does it have units of containers, apart from the template unit? 1 or 0, -errno. */
static int has_containers(const char *path)
{
        _cleanup_free_ char *dir = fs_join(path, "etc/systemd/system");
        _cleanup_strv_ char **names = NULL;
        int r = dir ? container_names_in(dir, &names) : -ENOMEM;
        return r == -ENOENT || r == -ENOTDIR ? 0 : r < 0 ? r : names != NULL;
}

static bool has_entry(const char *dir, const char *name)
{
        _cleanup_free_ char *path = fs_join(dir, name);
        return path && access(path, F_OK) == 0;
}

int definition_check_output(const char *display, const char *path, struct ec_err *err)
{
        int r = has_containers(path);
        if (r < 0)
                return err_set(err, r, "cannot read '%s/etc/systemd/system': %s", path, strerror(-r));
        if (!r && has_entry(path, "etc"))
                return err_set(
                        err, -ENOENT,
                        "'%s' defines no containers: there is no container@NAME.service in its etc/systemd/system",
                        display);
        if (!r)
                return err_set(err, -ENOENT,
                               "'%s' is neither a system nor a build output with containers: it has no etc directory",
                               display);
        return 0;
}

/* A directory in the store is a build output, unless it is a source. */
static int set_output(const char *arg, const char *real, struct definition *d, struct ec_err *err)
{
        int r = definition_check_output(arg, real, err);
        if (r < 0)
                return r;
        d->kind = DEFINITION_OUTPUT;
        d->path = strdup(real);
        d->display = strdup(arg);
        return d->path && d->display ? 0 : err_oom(err);
}

/* ---- flakes -------------------------------------------------------------- */

/* ".#web", "github:owner/repo", "nixpkgs#web": what Nix calls an installable. */
static bool is_flake_reference(const char *arg)
{
        static const char *const schemes[] = {
                "path:", "github:",  "gitlab:", "sourcehut:", "git:",   "git+",
                "hg+",   "tarball+", "file+",   "http:",      "https:", "flake:",
        };
        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
                if (str_after(arg, schemes[i]))
                        return true;
        return strchr(arg, '#');
}

static int set_flake(const char *arg, const char *ref, size_t ref_len, const char *dir, const char *attr,
                     struct definition *d, struct ec_err *err)
{
        d->kind = DEFINITION_FLAKE;
        d->path = strndup(ref, ref_len);
        d->attr = strdup(attr);
        d->display = strdup(arg);
        if (!d->path || !d->attr || !d->display)
                return err_oom(err);
        if (dir && !(d->dir = realpath(dir, NULL)))
                return err_set(err, -errno, "cannot read directory '%s': %s", dir, strerror(errno));
        return 0;
}

/* A directory becomes Nix's working directory, because many characters have a special meaning in a URL. */
static int set_reference(const char *arg, struct definition *d, struct ec_err *err)
{
        size_t len = strcspn(arg, "#"), dir_len = strcspn(arg, "?#");
        const char *attr = arg[len] ? arg + len + 1 : "";
        _cleanup_free_ char *dir = dir_len ? strndup(arg, dir_len) : strdup("."), *ref = NULL;
        struct stat st;
        if (!dir)
                return err_oom(err);
        bool is_path = *dir == '.' || *dir == '/';
        int r = stat(dir, &st) < 0 ? -errno : 0;
        if (is_path && r < 0)
                return err_set(err, r,
                               r == -ENOENT ? "no such directory: '%s' (of flake reference '%s')"
                                            : "cannot read '%s' (of flake reference '%s')",
                               dir, arg);
        if (is_path && !S_ISDIR(st.st_mode))
                return err_set(err, -ENOTDIR,
                               "'%s' is a file, but flake reference '%s' must name a directory with a flake.nix", dir,
                               arg);
        /* A name without a slash is in Nix's registry, unless there is a flake of that name here. */
        if (!is_path && (r < 0 || !S_ISDIR(st.st_mode) || !has_entry(dir, "flake.nix")))
                return set_flake(arg, arg, len, NULL, attr, d, err);
        ref = str_printf(".%.*s", (int)(len - dir_len), arg + dir_len);
        return ref ? set_flake(arg, ref, strlen(ref), dir, attr, d, err) : err_oom(err);
}

/* ---- files --------------------------------------------------------------- */

static int set_file(const char *arg, const char *path, struct definition *d, struct ec_err *err)
{
        /* Links are not resolved, so that messages show relative paths as the user wrote them. */
        _cleanup_free_ char *cwd = *path == '/' ? strdup("") : getcwd(NULL, 0);
        if (!cwd)
                return err_set(err, -errno, "cannot determine the current directory: %s", strerror(errno));
        const char *rest = path;
        while (*path != '/' && rest[0] == '.' && rest[1] == '/')
                rest += 2 + strspn(rest + 2, "/");
        if (*path != '/' && !strcmp(rest, "."))
                rest = "";
        d->kind = DEFINITION_FILE;
        d->path = *path == '/' ? strdup(path) : *rest ? fs_join(cwd, rest) : strdup(cwd);
        d->display = strdup(arg);
        if (!d->path || !d->display)
                return err_oom(err);
        for (size_t n = strlen(d->path); n > 1 && d->path[n - 1] == '/';)
                d->path[--n] = '\0';
        return 0;
}

static int set_directory(const char *arg, struct definition *d, struct ec_err *err)
{
        _cleanup_free_ char *real = realpath(arg, NULL);
        if (!real)
                return err_set(err, -errno, "cannot read directory '%s': %s", arg, strerror(errno));
        bool has_default = has_entry(arg, "default.nix");
        if (nix_is_store_path(real) && (!(has_default || has_entry(arg, "flake.nix")) || has_containers(real)))
                return set_output(arg, real, d, err);
        if (!has_default && has_entry(arg, "flake.nix"))
                return set_flake(arg, ".", 1, arg, "", d, err);
        if (!has_default)
                return err_set(err, -ENOENT, "directory '%s' has no default.nix and no flake.nix", arg);
        _cleanup_free_ char *file = fs_join(arg, "default.nix");
        if (!file)
                return err_oom(err);
        _cleanup_close_ int fd = fs_open_regular(AT_FDCWD, file, O_RDONLY, 0); /* Nix would wait for a FIFO's writer */
        if (fd < 0)
                return err_set(err, fd, "cannot read '%s': %s", file, fs_strerror(fd));
        return set_file(arg, arg, d, err);
}

static bool is_name(const char *arg)
{
        struct ec_err err = { 0 };
        bool is = container_name_check(arg, &err) == 0;
        err_done(&err);
        return is;
}

static int set_missing(const char *arg, int code, struct ec_err *err)
{
        if (code != -ENOENT && code != -ENOTDIR)
                return err_set(err, code, "cannot read definition '%s': %s", arg, strerror(-code));
        if (is_name(arg))
                return err_set(err, code, NAMES_LAST, arg);
        return err_set(err, code, "no such file: '%s'", arg);
}

static int set_argument(struct ec_op *op, const char *arg, struct definition *d, struct ec_err *err)
{
        struct stat st;
        if (!*arg)
                return err_usage(err, "the definition's path is empty; " HOW);
        if (!strcmp(arg, "-"))
                return set_stream(op, STDIN_FILENO, "(standard input)", d, err);
        if (stat(arg, &st) < 0) {
                int r = -errno;
                bool missing = r == -ENOENT || r == -ENOTDIR || r == -ENAMETOOLONG;
                return missing && is_flake_reference(arg) ? set_reference(arg, d, err) : set_missing(arg, r, err);
        }
        if (S_ISDIR(st.st_mode))
                return set_directory(arg, d, err);

        /* O_NONBLOCK: ^C could not end a wait for the writer of a named pipe. */
        _cleanup_close_ int fd = S_ISSOCK(st.st_mode) ? -1 : open(arg, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 && S_ISSOCK(st.st_mode))
                return err_set(err, -EINVAL, "'%s' is a socket, not a definition", arg);
        if (fd < 0)
                return err_set(err, -errno, "cannot read definition '%s': %s", arg, strerror(errno));
        if (fs_check_regular(fd) < 0)
                return set_stream(op, fd, arg, d, err); /* <(command) */

        char head[4096];
        ssize_t n = read(fd, head, sizeof(head));
        if (n < 0)
                return err_set(err, -errno, "cannot read definition '%s': %s", arg, strerror(errno));
        if (n == st.st_size && is_blank(head, (size_t)n))
                return err_set(err, -EINVAL, "'%s' is empty; it defines no containers", arg);
        return set_file(arg, arg, d, err);
}

/* ---- the command line ---------------------------------------------------- */

static bool looks_like_file(const char *arg)
{
        return !strcmp(arg, "-") || strchr(arg, '/') || str_ends(arg, ".nix") || strpbrk(arg, "#:");
}

/* The definition follows names. */
static int set_late(const struct ec_op *op, const char *definition, struct ec_err *err)
{
        const char *const *args = options_args(op->options);
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *list = NULL;
        for (const char *const *a = args; *a; a++)
                if (strcmp(*a, definition) && strv_push(&names, *a) < 0)
                        return err_oom(err);
        list = strv_join(STRV_CONST(names), " ");
        return list ? err_usage(err, NAMES_LAST ": %s %s %s", *args, op->command->name, definition, list)
                    : err_oom(err);
}

static int set_names(const char *const *args, const char *first, struct definition *d, struct ec_err *err)
{
        for (; *args; args++) {
                if (looks_like_file(*args))
                        return err_usage(err, "two definitions were given: %s and '%s'", first, *args);
                int r = container_name_check(*args, err);
                if (r < 0) {
                        if (err)
                                err->usage = true;
                        return r;
                }
                if (!strv_contains(STRV_CONST(d->names), *args) && strv_push(&d->names, *args) < 0)
                        return err_oom(err);
        }
        return 0;
}

/* The value of an option may have been forgotten, so that it took the definition. */
static int add_taken(const struct ec_op *op, int r, struct ec_err *err)
{
        static const char *const options[] = { "nixpkgs-path", "nixos-path", "attr" };
        for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
                const char *value = options_value(op->options, options[i]);
                bool usage = err && err->usage;
                if (!value || !str_ends(value, ".nix") || access(value, F_OK) < 0)
                        continue;
                r = err_set(err, r, "%s; option '--%s' took '%s' as its value", err_msg(err), options[i], value);
                if (err)
                        err->usage = usage;
                return r;
        }
        return r;
}

static int set_stdin(struct ec_op *op, struct definition *d, struct ec_err *err)
{
        int r = isatty(STDIN_FILENO) ? err_usage(err, "no definition; " HOW)
                                     : set_stream(op, STDIN_FILENO, "(standard input)", d, err);
        return r == -EINVAL ? add_taken(op, r, err) : r;
}

static int parse(struct ec_op *op, struct definition *d, struct ec_err *err)
{
        const char *const *args = options_args(op->options);
        const char *expr = options_value(op->options, "expr");
        const char *etc = getenv("EXTRA_CONTAINER_ETC");
        if (expr) {
                int r = set_names(args, "--expr", d, err);
                return r < 0 ? r : set_text(op, expr, strlen(expr), "(--expr)", d, err);
        }
        if (etc && *etc && (!*args || is_name(*args))) {
                int r = set_names(args, "EXTRA_CONTAINER_ETC", d, err);
                if (r < 0)
                        return r;
                _cleanup_free_ char *real = realpath(etc, NULL);
                if (!real)
                        return err_set(err, -errno, "EXTRA_CONTAINER_ETC: cannot read '%s': %s", etc, strerror(errno));
                if (!nix_is_store_path(real))
                        return err_set(err, -EINVAL, "EXTRA_CONTAINER_ETC: '%s' is not a store path", etc);
                r = set_output(etc, real, d, err);
                return r < 0 ? err_prefix(err, "EXTRA_CONTAINER_ETC") : 0;
        }
        if (!*args)
                return set_stdin(op, d, err);
        /* Check the names before reading standard input, so that a typing error is reported at once. */
        _cleanup_free_ char *first = str_printf("'%s'", *args);
        if (!first)
                return err_oom(err);
        for (const char *const *a = args + 1; *a && is_name(*args) && access(*args, F_OK) < 0; a++)
                if (looks_like_file(*a))
                        return set_late(op, *a, err);
        int r = set_names(args + 1, first, d, err);
        if (r >= 0)
                r = set_argument(op, *args, d, err);
        if (r >= 0 && d->kind == DEFINITION_FLAKE && options_is_set(op->options, "attr"))
                return err_usage(err, "--attr is for files; write an attribute of a flake after a '#', as in '%s%s%s'",
                                 *args, strchr(*args, '#') ? *d->attr ? "." : "" : "#",
                                 options_value(op->options, "attr"));
        return r;
}

int definition_parse(struct ec_op *op, struct definition *ret, struct ec_err *err)
{
        struct definition d = { 0 };
        int r = parse(op, &d, err);
        if (r < 0) {
                definition_done(&d);
                return r;
        }
        *ret = d;
        return 0;
}
