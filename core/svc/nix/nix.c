/* SPDX-License-Identifier: MIT */
#include "svc/nix/nix.h"

#include <extra-container/plugin.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "svc/nix/args.h"
#include "svc/nix/progress.h"
#include "svc/nix/store.h"
#include "svc/process/env.h"
#include "svc/process/interrupt.h"
#include "svc/process/proc.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

#define TICK_MS 100

void nix_done(struct nix *n)
{
        free(n->tmp_dir);
        strv_free(n->build_args);
        strv_free(n->env);
        strv_free(n->warned);
        *n = (struct nix){ 0 };
}

/* ---- a run --------------------------------------------------------------- */

struct run {
        struct nix *nix;
        struct nix_args args;
        const struct nix_names *names;
        const char *program, *what, *dir;
        char **argv;
};

static void run_done(struct run *x)
{
        nix_args_done(&x->args);
        strv_free(x->argv);
}
#define _cleanup_run_ _cleanup_(run_done)

static int run_init(struct run *x, struct nix *n, struct ec_err *err)
{
        int r = nix_args_sort(STRV_CONST(n->build_args), &x->args, err);

        if (r < 0)
                return r;
        x->nix = n;
        x->names = &n->names;
        /* Nix's own default is a single build at a time. */
        x->args.jobs = x->args.jobs || nix_args_jobs_configured();
        if (x->args.flake_only && !n->flakes)
                return err_usage(err, "--build-args: option '%s' is only for flake references", x->args.flake_only);
        return 0;
}

static int add(struct run *x, const char *const *words, struct ec_err *err)
{
        return words && strv_extend(&x->argv, words) < 0 ? err_oom(err) : 0;
}
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int begin(struct run *x, const char *program, const char *what, struct ec_err *err)
{
        char *path = NULL;

        x->program = program;
        x->what = what;
        if (!proc_find(program, &path))
                return err_set(err, -ENOENT, "Nix is not installed: '%s' is not in PATH", program);
        return strv_push_take(&x->argv, path) < 0 ? err_oom(err) : 0;
}

/* One of the programs that nix(1) replaces, with our log format. The trace is only part of errors, and only the trace
 * leads from a place in NixOS to the user's own lines. */
static int begin_old(struct run *x, const char *program, const char *what, struct ec_err *err)
{
        int r = begin(x, program, what, err);

        if (r >= 0 && !x->args.format)
                r = add(x, WORDS("--log-format", "internal-json"), err);
        if (r >= 0 && !x->args.format && !x->args.show_trace)
                r = add(x, WORDS("--show-trace"), err);
        if (r >= 0 && x->nix->flakes)
                r = add(x, WORDS("--extra-experimental-features", "flakes"), err);
        if (r >= 0 && !x->args.jobs)
                r = add(x, WORDS("-j", "auto"), err);
        return r;
}

/* nix(1) itself. It must not write the lock file: as root it would make one that the user cannot change. */
static int begin_new(struct run *x, const char *const *command, const char *what, struct ec_err *err)
{
        int r = begin(x, "nix", what, err);

        if (r >= 0)
                r = add(x, command, err);
        if (r >= 0)
                r = add(x, WORDS("--no-write-lock-file", "--extra-experimental-features", "nix-command flakes"), err);
        if (r >= 0 && !x->args.format)
                r = add(x, WORDS("--log-format", "internal-json", "--show-trace"), err);
        return r;
}

static void on_line(void *data, const char *line, size_t len)
{
        nix_log_line(data, line, len);
}

static int finish(const struct run *x, const struct nix_log *l, int status, struct ec_err *err)
{
        int r = 0;

        /* ^C reaches Nix as well, which may be the first to fail because of it. */
        if (status)
                r = interrupt_check(err);
        if (r < 0 || !status)
                return r;
        return nix_error_set(l, x->names, x->program, status, x->nix->show_trace || x->args.show_trace, err);
}

static int run(struct run *x, char **ret_out, struct ec_err *err)
{
        _cleanup_proc_result_ struct ec_proc_result res = { .size = sizeof(res) };
        struct ec_proc p = {
                .size = sizeof(p),
                .flags = EC_PROC_CAPTURE | EC_PROC_NULL_STDIN,
                .argv = STRV_CONST(x->argv),
                .env = STRV_CONST(x->nix->env),
                .cwd = x->dir,
        };
        struct nix_log log;
        struct proc_stream s = { .line = on_line, .data = &log };
        int r;

        log_info("%s", x->what);
        nix_log_init(&log);
        log.what = x->what;
        log.raw = x->args.format;
        log.warned = &x->nix->warned;
        log.print_logs = (x->nix->print_build_logs || x->args.logs) && !x->args.no_logs;
        if (term_stderr_tty() && !x->args.format) {
                s.tick = nix_progress_tick;
                s.tick_ms = TICK_MS;
        }
        r = proc_run_stream(&p, &s, &res, err);
        if (s.tick)
                term_progress_clear();
        if (r >= 0)
                r = finish(x, &log, res.status, err);
        nix_log_done(&log);
        if (r < 0)
                return r;
        *ret_out = TAKE_PTR(res.out);
        return *ret_out ? 0 : err_oom(err);
}

/* ---- results ------------------------------------------------------------- */

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
                return err_set(err, r, "%s did not create the gc root '%s': %s", program, root, strerror(-r));
        if (!nix_is_store_path(path))
                return err_set(err, -EINVAL, "%s returned '%s', which is not a store path", program, path);
        *ret = TAKE_PTR(path);
        return 0;
}

static int check_one_line(const char *out, const char *attr, struct ec_err *err)
{
        const char *nl = strchr(out, '\n');

        if (!*out || !nl || nl[1])
                return err_set(err, -EINVAL, "attribute '%s' is not a single derivation", attr);
        return 0;
}

/* ---- old programs -------------------------------------------------------- */

static int add_expr(struct run *x, const struct nix_expr *e, struct ec_err *err)
{
        int r = add(x, WORDS(e->file, "-A", e->attr), err);

        return r < 0 ? r : add(x, e->args, err);
}

static int instantiate(struct nix *n, const struct nix_expr *e, const char *root, struct ec_err *err)
{
        _cleanup_free_ char *out = NULL;
        _cleanup_run_ struct run x = { 0 };
        int r = run_init(&x, n, err);

        if (r >= 0)
                r = begin_old(&x, "nix-instantiate", e->what, err);
        if (r >= 0)
                r = add(&x, WORDS("--add-root", root), err);
        if (r >= 0)
                r = add_expr(&x, e, err);
        if (r >= 0)
                r = add(&x, STRV_CONST(x.args.eval), err);
        if (r >= 0)
                r = run(&x, &out, err);
        return r < 0 ? r : check_one_line(out, e->attr, err);
}

static int realise(struct nix *n, const char *path, const char *root, struct ec_err *err)
{
        /* Errors here are not in the definition. */
        const struct nix_names names = { .files = n->names.files, .names = n->names.names };
        _cleanup_free_ char *out = NULL;
        _cleanup_run_ struct run x = { 0 };
        int r = run_init(&x, n, err);

        x.names = &names;
        if (r >= 0)
                r = begin_old(&x, "nix-store", "building", err);
        if (r >= 0)
                r = add(&x, WORDS("--realise", path, "--add-root", root), err);
        if (r >= 0)
                r = add(&x, STRV_CONST(x.args.realise), err);
        return r < 0 ? r : run(&x, &out, err);
}

static int build_at_once(struct nix *n, const struct nix_expr *e, const char *root, struct ec_err *err)
{
        _cleanup_free_ char *out = NULL;
        _cleanup_run_ struct run x = { 0 };
        int r = run_init(&x, n, err);

        if (r >= 0)
                r = begin_old(&x, "nix-build", e->what, err);
        if (r >= 0)
                r = add(&x, WORDS("--out-link", root), err);
        if (r >= 0)
                r = add_expr(&x, e, err);
        if (r >= 0)
                r = add(&x, STRV_CONST(x.args.all), err);
        if (r >= 0)
                r = run(&x, &out, err);
        return r < 0 ? r : check_one_line(out, e->attr, err);
}

static int has_unknown_args(struct nix *n, struct ec_err *err)
{
        _cleanup_run_ struct run x = { 0 };
        int r = run_init(&x, n, err);

        return r < 0 ? r : x.args.unknown;
}

int nix_build(struct nix *n, const struct nix_expr *e, char **ret_path, struct ec_err *err)
{
        _cleanup_free_ char *dir = NULL, *drv = NULL, *root = NULL;
        int at_once = has_unknown_args(n, err), r = at_once;

        if (r >= 0)
                r = make_root_dir(n->tmp_dir, &dir, err);
        if (r < 0)
                return r;
        drv = fs_join(dir, "drv");
        root = fs_join(dir, "result");
        if (!drv || !root)
                return err_oom(err);
        if (at_once) {
                r = build_at_once(n, e, root, err);
        } else {
                /* Two processes, because one with the large heap of an evaluation starts builders slowly. */
                r = instantiate(n, e, drv, err);
                if (r >= 0)
                        r = realise(n, drv, root, err);
        }
        return r < 0 ? r : read_root(root, at_once ? "nix-build" : "nix-store", ret_path, err);
}

int nix_eval_json(struct nix *n, const struct nix_expr *e, char **ret_json, struct ec_err *err)
{
        _cleanup_run_ struct run x = { 0 };
        int r = run_init(&x, n, err);

        if (r >= 0)
                r = begin_old(&x, "nix-instantiate", e->what, err);
        if (r >= 0)
                r = add(&x, WORDS("--eval", "--strict", "--json"), err);
        if (r >= 0)
                r = add_expr(&x, e, err);
        if (r >= 0)
                r = add(&x, STRV_CONST(x.args.unknown ? x.args.all : x.args.eval), err);
        return r < 0 ? r : run(&x, ret_json, err);
}

int nix_hold_path(const char *store_path, const char *tmp_dir, struct ec_err *err)
{
        struct nix n = { 0 };
        _cleanup_free_ char *dir = NULL, *root = NULL;
        int r = make_root_dir(tmp_dir, &dir, err);

        if (r < 0)
                return r;
        root = fs_join(dir, "result");
        if (!root)
                return err_oom(err);
        if (nix_hold_directly(store_path, root))
                return 0;
        r = realise(&n, store_path, root, err);
        nix_done(&n);
        return r;
}

/* ---- nix(1) -------------------------------------------------------------- */

int nix_flake_metadata(struct nix *n, const char *ref, const char *dir, const char *what, char **ret_json,
                       struct ec_err *err)
{
        _cleanup_run_ struct run x = { .dir = dir };
        int r = run_init(&x, n, err);

        if (r >= 0)
                r = begin_new(&x, WORDS("flake", "metadata", "--json"), what, err);
        if (r >= 0)
                r = add(&x, STRV_CONST(x.args.flake), err);
        if (r >= 0)
                r = add(&x, WORDS("--", ref), err);
        return r < 0 ? r : run(&x, ret_json, err);
}

int nix_build_installable(struct nix *n, const char *installable, const char *dir, char **ret_path, struct ec_err *err)
{
        _cleanup_free_ char *out = NULL, *root_dir = NULL, *root = NULL, *what = NULL;
        _cleanup_run_ struct run x = { .dir = dir };
        int r = run_init(&x, n, err);

        if (r >= 0)
                r = make_root_dir(n->tmp_dir, &root_dir, err);
        if (r < 0)
                return r;
        root = fs_join(root_dir, "result");
        what = str_printf("evaluating %s", installable);
        if (!root || !what)
                return err_oom(err);
        r = begin_new(&x, WORDS("build", "--out-link", root), what, err);
        if (r >= 0 && !x.args.jobs)
                r = add(&x, WORDS("--max-jobs", "auto"), err);
        if (r >= 0)
                r = add(&x, STRV_CONST(x.args.build), err);
        if (r >= 0)
                r = add(&x, WORDS("--", installable), err);
        if (r >= 0)
                r = run(&x, &out, err);
        return r < 0 ? r : read_root(root, "nix", ret_path, err);
}
