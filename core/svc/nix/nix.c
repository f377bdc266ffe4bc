/* SPDX-License-Identifier: MIT */
#include "svc/nix/nix.h"

#include <ctype.h>
#include <extra-container/plugin.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/utsname.h>

#include "svc/nix/internal.h"
#include "svc/process/interrupt.h"
#include "svc/process/proc.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define TICK_MS 100

int eval_create(const struct nix_settings *s, struct ec_eval **ret, struct ec_err *err)
{
        struct ec_eval *ev = calloc(1, sizeof(*ev));
        if (!ev)
                return err_oom(err);
        ev->print_build_logs = s->print_build_logs;
        ev->show_trace = s->show_trace;
        ev->eval_nix = strdup(s->eval_nix);
        ev->tmp_dir = strdup(s->tmp_dir);
        ev->modules = json_array();
        ev->args = json_object();
        ev->disabled = json_object();
        /* It would give Nix the host's configuration in place of ours. */
        if (!ev->eval_nix || !ev->tmp_dir || !ev->modules || !ev->args || !ev->disabled ||
            strv_push(&ev->env, "NIXOS_CONFIG") < 0) {
                eval_free(ev);
                return err_oom(err);
        }
        *ret = ev;
        return 0;
}

void eval_free(struct ec_eval *ev)
{
        if (!ev)
                return;
        free(ev->eval_nix);
        free(ev->tmp_dir);
        free(ev->flake);
        free(ev->flake_dir);
        free(ev->installable);
        strv_free(ev->build_args);
        strv_free(ev->env);
        strv_free(ev->arg_names);
        strv_free(ev->arg_values);
        strv_free(ev->arg_kinds);
        strv_free(ev->search_path);
        strv_free(ev->files);
        strv_free(ev->display);
        strv_free(ev->warned);
        json_decref(ev->modules);
        json_decref(ev->args);
        json_decref(ev->disabled);
        free(ev);
}

/* ---- what an evaluation is put together of ------------------------------- */

int eval_add_module(struct ec_eval *ev, const char *path, struct ec_err *err)
{
        if (*path != '/')
                return err_set(err, -EINVAL, "the path of feature module '%s' is not absolute", path);
        if (json_array_append_new(ev->modules, json_string(path)) < 0)
                return err_set(err, -EINVAL, "the path of feature module '%s' is not UTF-8 text", path);
        return 0;
}

static int set_member(json_t *o, const char *name, const char *value, struct ec_err *err)
{
        if (json_object_set_new(o, name, json_string(value)) < 0)
                return err_set(err, -EINVAL, "argument '%s' is not UTF-8 text", name);
        return 0;
}

int eval_add_arg(struct ec_eval *ev, const char *name, const char *value, struct ec_err *err)
{
        return set_member(ev->args, name, value, err);
}

int eval_disabled(struct ec_eval *ev, const char *option, const char *feature, struct ec_err *err)
{
        return set_member(ev->disabled, option, feature, err);
}

int eval_add_build_arg(struct ec_eval *ev, const char *arg, struct ec_err *err)
{
        return strv_push(&ev->build_args, arg) < 0 ? err_oom(err) : 0;
}

int eval_setenv(struct ec_eval *ev, const char *key, const char *value, struct ec_err *err)
{
        if (!*key || strchr(key, '='))
                return err_set(err, -EINVAL, "'%s' is not the name of an environment variable", key);
        int r = value ? strv_pushf(&ev->env, "%s=%s", key, value) : strv_push(&ev->env, key);
        return r < 0 ? err_oom(err) : 0;
}

/* A second value takes the place of the first: Nix would use the first. */
static int set_arg(struct ec_eval *ev, const char *kind, const char *name, const char *value, struct ec_err *err)
{
        for (size_t i = 0; ev->arg_names && ev->arg_names[i]; i++) {
                if (strcmp(ev->arg_names[i], name))
                        continue;
                char *v = strdup(value), *k = strdup(kind);
                if (!v || !k) {
                        free(v);
                        free(k);
                        return err_oom(err);
                }
                free(ev->arg_values[i]);
                free(ev->arg_kinds[i]);
                ev->arg_values[i] = v;
                ev->arg_kinds[i] = k;
                return 0;
        }
        if (strv_push(&ev->arg_values, value) < 0 || strv_push(&ev->arg_kinds, kind) < 0 ||
            strv_push(&ev->arg_names, name) < 0)
                return err_oom(err);
        return 0;
}

int eval_argstr(struct ec_eval *ev, const char *name, const char *value, struct ec_err *err)
{
        return set_arg(ev, "--argstr", name, value, err);
}

int eval_argexpr(struct ec_eval *ev, const char *name, const char *expr, struct ec_err *err)
{
        return set_arg(ev, "--arg", name, expr, err);
}

int eval_search_path(struct ec_eval *ev, const char *entry, struct ec_err *err)
{
        return strv_push(&ev->search_path, entry) < 0 ? err_oom(err) : 0;
}

int eval_display_name(struct ec_eval *ev, const char *file, const char *name, struct ec_err *err)
{
        _cleanup_free_ char *real = realpath(file, NULL);
        if (strv_push(&ev->files, file) < 0 || strv_push(&ev->display, name) < 0)
                return err_oom(err);
        /* Nix may name it without the symbolic links on the way. */
        if (real && strcmp(real, file) && (strv_push(&ev->files, real) < 0 || strv_push(&ev->display, name) < 0))
                return err_oom(err);
        return 0;
}

static const char *arg_value(const struct ec_eval *ev, const char *name)
{
        for (size_t i = 0; ev->arg_names && ev->arg_names[i]; i++)
                if (!strcmp(ev->arg_names[i], name))
                        return ev->arg_values[i];
        return NULL;
}

/* ---- running Nix --------------------------------------------------------- */

int nix_find_program(const char *name, char **ret, struct ec_err *err)
{
        return proc_find(name, ret) ? 0 : err_set(err, -ENOENT, "Nix is not installed: '%s' is not in PATH", name);
}

static int push_json(char ***argv, const char *name, json_t *v)
{
        char *text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
        int r = text ? strv_push(argv, "--argstr") : -ENOMEM;
        if (r >= 0)
                r = strv_push(argv, name);
        if (r >= 0)
                r = strv_push(argv, text);
        free(text);
        return r;
}

/* "6.1.0-18-amd64" to "6.1.0": what NixOS compares is a package's version. */
static int push_kernel(char ***argv)
{
        struct utsname u;
        if (uname(&u) < 0)
                return 0;
        u.release[strspn(u.release, "0123456789.")] = '\0';
        for (size_t n = strlen(u.release); n && u.release[n - 1] == '.';)
                u.release[--n] = '\0';
        if (strv_push(argv, "--argstr") < 0 || strv_push(argv, "kernelVersion") < 0)
                return -ENOMEM;
        return strv_push(argv, u.release);
}

static int push_search_path(const struct ec_eval *ev, char ***argv)
{
        bool have_pwd = false;
        for (char **s = ev->search_path; s && *s; s++) {
                have_pwd = have_pwd || str_after(*s, "pwd=");
                if (strv_push(argv, "-I") < 0 || strv_push(argv, *s) < 0)
                        return -ENOMEM;
        }
        _cleanup_free_ char *cwd = have_pwd ? NULL : getcwd(NULL, 0);
        if (cwd && (strv_push(argv, "-I") < 0 || strv_pushf(argv, "pwd=%s", cwd) < 0))
                return -ENOMEM;
        return 0;
}

/* What all of the programs that evaluate get. */
static int push_eval(const struct ec_eval *ev, const char *attr, char ***argv)
{
        int r = 0;
        if (strv_push(argv, ev->eval_nix) < 0 || strv_push(argv, "-A") < 0 || strv_push(argv, attr) < 0)
                return -ENOMEM;
        for (size_t i = 0; ev->arg_names && ev->arg_names[i]; i++)
                if (strv_push(argv, ev->arg_kinds[i]) < 0 || strv_push(argv, ev->arg_names[i]) < 0 ||
                    strv_push(argv, ev->arg_values[i]) < 0)
                        return -ENOMEM;
        if (json_array_size(ev->modules))
                r = push_json(argv, "modules", ev->modules);
        if (r >= 0 && json_object_size(ev->args))
                r = push_json(argv, "args", ev->args);
        if (r >= 0 && json_object_size(ev->disabled))
                r = push_json(argv, "disabled", ev->disabled);
        if (r >= 0 && !arg_value(ev, "kernelVersion"))
                r = push_kernel(argv);
        return r < 0 ? r : push_search_path(ev, argv);
}

/* The program and how it is to talk. The trace comes with errors only, and it
 * alone leads from a place inside of NixOS to the user's own lines. */
static int push_program(const struct ec_eval *ev, char ***argv, const char *path, const struct nix_args *a)
{
        if (strv_push(argv, path) < 0)
                return -ENOMEM;
        if (!a->format && (strv_push(argv, "--log-format") < 0 || strv_push(argv, "internal-json") < 0 ||
                           (!a->show_trace && strv_push(argv, "--show-trace") < 0)))
                return -ENOMEM;
        if (ev->flake && (strv_push(argv, "--extra-experimental-features") < 0 || strv_push(argv, "flakes") < 0))
                return -ENOMEM;
        if (!a->jobs && (strv_push(argv, "-j") < 0 || strv_push(argv, "auto") < 0))
                return -ENOMEM;
        return 0;
}

int nix_push_program(char ***argv, const char *program, const struct nix_args *a, const char *const *command)
{
        /* Its lock file is the user's: root is not to write one that he cannot change. */
        const char *const words[] = { "--no-write-lock-file", "--extra-experimental-features", "nix-command flakes",
                                      NULL };
        const char *const format[] = { "--log-format", "internal-json", "--show-trace", NULL };
        int r = strv_push(argv, program);

        if (r >= 0)
                r = strv_extend(argv, command);
        if (r >= 0)
                r = strv_extend(argv, words);
        return r < 0 || a->format ? r : strv_extend(argv, format);
}

/* "nixpkgsPath" to "(--nixpkgs-path)": the option that it came from. */
static int push_option_name(char ***v, const char *arg)
{
        char buf[64] = "(--";
        size_t n = strlen(buf);
        for (; *arg && n + 4 < sizeof(buf); arg++) {
                if (isupper((unsigned char)*arg))
                        buf[n++] = '-';
                buf[n++] = (char)tolower((unsigned char)*arg);
        }
        memcpy(buf + n, ")", 2);
        return strv_push(v, buf);
}

static void on_line(void *data, const char *line, size_t len)
{
        nix_log_line(data, line, len);
}

int nix_run(struct ec_eval *ev, const struct nix_args *a, const char *program, const char *what, const char *cwd,
            char **argv, char **ret_out, struct ec_err *err)
{
        struct nix_log log;
        _cleanup_strv_ char **exprs = NULL, **options = NULL;
        for (size_t i = 0; ev->arg_names && ev->arg_names[i]; i++)
                if (!strcmp(ev->arg_kinds[i], "--arg") &&
                    (strv_push(&exprs, ev->arg_values[i]) < 0 || push_option_name(&options, ev->arg_names[i]) < 0))
                        return err_oom(err);
        struct nix_names names = {
                .files = STRV_CONST(ev->files),
                .names = STRV_CONST(ev->display),
                .definition = !strcmp(program, "nix-store") ? NULL
                              : ev->flake                   ? ev->flake
                                                            : arg_value(ev, "definitionFile"),
                .exprs = STRV_CONST(exprs),
                .options = STRV_CONST(options),
                .where = ev->flake ? arg_value(ev, "definitionName") : NULL,
        };

        struct ec_proc p = {
                .size = sizeof(p),
                .flags = EC_PROC_CAPTURE | EC_PROC_NULL_STDIN,
                .argv = STRV_CONST(argv),
                .env = STRV_CONST(ev->env),
                .cwd = cwd,
        };
        log_info("%s", what);
        nix_log_init(&log);
        log.what = what;
        log.raw = a->format;
        log.warned = &ev->warned;
        log.print_logs = (ev->print_build_logs || a->logs) && !a->no_logs;
        struct proc_stream s = { .line = on_line, .data = &log };
        if (term_stderr_tty() && !a->format) {
                s.tick = nix_progress_tick;
                s.tick_ms = TICK_MS;
        }
        _cleanup_proc_result_ struct ec_proc_result res = { .size = sizeof(res) };
        int r = proc_run_stream(&p, &s, &res, err);
        if (s.tick)
                term_progress_clear();
        if (r >= 0 && res.status) {
                /* ^C reaches Nix as well, and it may be the first to say so. */
                r = interrupt_check(err);
                if (r >= 0)
                        r = nix_error_set(&log, &names, program, res.status, ev->show_trace || a->show_trace, err);
        } else if (r >= 0) {
                nix_log_flush(&log);
                *ret_out = TAKE_PTR(res.out);
                if (!*ret_out)
                        r = err_oom(err);
        }
        nix_log_done(&log);
        return r;
}

int nix_sort_args(const struct ec_eval *ev, struct nix_args *ret, struct ec_err *err)
{
        int r = nix_args_sort(STRV_CONST(ev->build_args), ret, err);
        if (r < 0)
                return r;
        /* Nix' own default is a single build at a time. */
        ret->jobs = ret->jobs || nix_args_jobs_configured();
        return 0;
}

static int sort_args(const struct ec_eval *ev, struct nix_args *ret, struct ec_err *err)
{
        int r = nix_sort_args(ev, ret, err);
        if (r < 0 || !ret->flake_only || ev->flake)
                return r;
        r = err_usage(err, "--build-args: option '%s' is for flakes, and the definition is none", ret->flake_only);
        nix_args_done(ret);
        return r;
}

static int what_text(const struct ec_eval *ev, char **ret, struct ec_err *err)
{
        struct nix_names names = { .files = STRV_CONST(ev->files), .names = STRV_CONST(ev->display) };
        const char *file = ev->flake ? arg_value(ev, "definitionName") : arg_value(ev, "definitionFile");
        _cleanup_free_ char *name = file ? nix_names_apply(&names, file) : strdup("the definition");
        *ret = name ? str_printf("evaluating %s", name) : NULL;
        return *ret ? 0 : err_oom(err);
}

/* ---- the two results ----------------------------------------------------- */

static int make_root_dir(const char *tmp_dir, char **ret, struct ec_err *err)
{
        _cleanup_free_ char *dir = fs_join(tmp_dir, "gcroot-XXXXXX");
        if (!dir)
                return err_oom(err);
        if (!mkdtemp(dir))
                return err_set(err, -errno, "cannot make a directory in '%s': %s", tmp_dir, strerror(errno));
        *ret = TAKE_PTR(dir);
        return 0;
}

static int read_root(const char *root, const char *program, char **ret, struct ec_err *err)
{
        _cleanup_free_ char *path = NULL;
        int r = fs_readlinkat(AT_FDCWD, root, &path);
        if (r < 0)
                return err_set(err, r, "%s made no gc root '%s': %s", program, root, strerror(-r));
        if (!nix_is_store_path(path))
                return err_set(err, -EINVAL, "%s gave '%s', which is no store path", program, path);
        *ret = TAKE_PTR(path);
        return 0;
}

static int check_one_line(const char *out, const char *attr, struct ec_err *err)
{
        const char *nl = strchr(out, '\n');
        if (!*out || !nl || nl[1])
                return err_set(err, -EINVAL, "attribute '%s' is not one derivation", attr);
        return 0;
}

static int instantiate(struct ec_eval *ev, const struct nix_args *a, const char *attr, const char *root,
                       struct ec_err *err)
{
        _cleanup_free_ char *program = NULL, *out = NULL, *what = NULL;
        _cleanup_strv_ char **argv = NULL;
        int r = nix_find_program("nix-instantiate", &program, err);
        if (r < 0 || (r = what_text(ev, &what, err)) < 0)
                return r;
        if (push_program(ev, &argv, program, a) < 0 || strv_push(&argv, "--add-root") < 0 ||
            strv_push(&argv, root) < 0 || push_eval(ev, attr, &argv) < 0 || strv_extend(&argv, STRV_CONST(a->eval)) < 0)
                return err_oom(err);
        r = nix_run(ev, a, "nix-instantiate", what, NULL, argv, &out, err);
        return r < 0 ? r : check_one_line(out, attr, err);
}

static int realise(struct ec_eval *ev, const struct nix_args *a, const char *drv, const char *root, struct ec_err *err)
{
        _cleanup_free_ char *program = NULL, *out = NULL;
        _cleanup_strv_ char **argv = NULL;
        int r = nix_find_program("nix-store", &program, err);
        if (r < 0)
                return r;
        if (push_program(ev, &argv, program, a) < 0 || strv_push(&argv, "--realise") < 0 || strv_push(&argv, drv) < 0 ||
            strv_push(&argv, "--add-root") < 0 || strv_push(&argv, root) < 0 ||
            strv_extend(&argv, STRV_CONST(a->realise)) < 0)
                return err_oom(err);
        return nix_run(ev, a, "nix-store", "building", NULL, argv, &out, err);
}

static int build_at_once(struct ec_eval *ev, const struct nix_args *a, const char *attr, const char *root,
                         struct ec_err *err)
{
        _cleanup_free_ char *program = NULL, *out = NULL, *what = NULL;
        _cleanup_strv_ char **argv = NULL;
        int r = nix_find_program("nix-build", &program, err);
        if (r < 0 || (r = what_text(ev, &what, err)) < 0)
                return r;
        if (push_program(ev, &argv, program, a) < 0 || strv_push(&argv, "--out-link") < 0 ||
            strv_push(&argv, root) < 0 || push_eval(ev, attr, &argv) < 0 || strv_extend(&argv, STRV_CONST(a->all)) < 0)
                return err_oom(err);
        r = nix_run(ev, a, "nix-build", what, NULL, argv, &out, err);
        return r < 0 ? r : check_one_line(out, attr, err);
}

static int build_installable(struct ec_eval *ev, const struct nix_args *a, const char *root, struct ec_err *err)
{
        _cleanup_free_ char *program = NULL, *out = NULL, *what = str_printf("evaluating %s", ev->installable);
        _cleanup_strv_ char **argv = NULL;
        const char *const command[] = { "build", "--out-link", root, NULL }, *const last[] = { "--", ev->installable,
                                                                                               NULL };
        int r = nix_find_program("nix", &program, err);

        if (r < 0)
                return r;
        if (!what || nix_push_program(&argv, program, a, command) < 0 ||
            (!a->jobs && (strv_push(&argv, "--max-jobs") < 0 || strv_push(&argv, "auto") < 0)) ||
            strv_extend(&argv, STRV_CONST(a->build)) < 0 || strv_extend(&argv, last) < 0)
                return err_oom(err);
        return nix_run(ev, a, "nix", what, ev->flake_dir, argv, &out, err);
}

/* Two processes: one that has evaluated has a large heap, and starting builders
 * out of it is slow. */
static int build(struct ec_eval *ev, const struct nix_args *a, const char *attr, char **ret, struct ec_err *err)
{
        _cleanup_free_ char *dir = NULL, *drv = NULL, *root = NULL;
        int r = make_root_dir(ev->tmp_dir, &dir, err);
        if (r < 0)
                return r;
        drv = fs_join(dir, "drv");
        root = fs_join(dir, "result");
        if (!drv || !root)
                return err_oom(err);
        if (ev->installable)
                r = build_installable(ev, a, root, err);
        else if (a->unknown)
                r = build_at_once(ev, a, attr, root, err);
        else
                r = (r = instantiate(ev, a, attr, drv, err)) < 0 ? r : realise(ev, a, drv, root, err);
        return r < 0 ? r : read_root(root, ev->installable ? "nix" : a->unknown ? "nix-build" : "nix-store", ret, err);
}

int eval_build(struct ec_eval *ev, const char *attr, char **ret_path, struct ec_err *err)
{
        struct nix_args a;
        int r = sort_args(ev, &a, err);
        if (r < 0)
                return r;
        r = build(ev, &a, attr, ret_path, err);
        nix_args_done(&a);
        return r;
}

int eval_json(struct ec_eval *ev, const char *attr, char **ret_json, struct ec_err *err)
{
        _cleanup_free_ char *program = NULL, *what = NULL;
        _cleanup_strv_ char **argv = NULL;
        struct nix_args a;
        int r = sort_args(ev, &a, err);
        if (r < 0)
                return r;
        if ((r = nix_find_program("nix-instantiate", &program, err)) < 0 || (r = what_text(ev, &what, err)) < 0)
                goto out;
        if (push_program(ev, &argv, program, &a) < 0 || strv_push(&argv, "--eval") < 0 ||
            strv_push(&argv, "--strict") < 0 || strv_push(&argv, "--json") < 0 || push_eval(ev, attr, &argv) < 0 ||
            strv_extend(&argv, STRV_CONST(a.unknown ? a.all : a.eval)) < 0)
                r = err_oom(err);
        else
                r = nix_run(ev, &a, "nix-instantiate", what, NULL, argv, ret_json, err);
out:
        nix_args_done(&a);
        return r;
}

int nix_hold_path(const char *store_path, const char *tmp_dir, struct ec_err *err)
{
        struct ec_eval ev = { 0 };
        struct nix_args a = { .jobs = true };
        _cleanup_free_ char *dir = NULL, *root = NULL;
        int r = make_root_dir(tmp_dir, &dir, err);
        if (r < 0)
                return r;
        root = fs_join(dir, "result");
        if (!root)
                return err_oom(err);
        if (nix_hold_directly(store_path, root))
                return 0;
        r = realise(&ev, &a, store_path, root, err);
        strv_free(ev.warned);
        return r;
}
