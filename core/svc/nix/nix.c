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
        bool oom; /* argv is incomplete */
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

/* run() reports a failure. */
static void add(struct run *x, const char *const *words)
{
        x->oom = strv_extend(&x->argv, words) < 0 || x->oom;
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

        if (!x->args.format)
                add(x, WORDS("--log-format", "internal-json"));
        if (!x->args.format && !x->args.show_trace)
                add(x, WORDS("--show-trace"));
        if (x->nix->flakes)
                add(x, WORDS("--extra-experimental-features", "flakes"));
        if (!x->args.jobs)
                add(x, WORDS("-j", "auto"));
        return r;
}

/* nix(1) itself. It must not write the lock file: as root it would make one that the user cannot change. */
static int begin_new(struct run *x, const char *const *command, const char *what, struct ec_err *err)
{
        int r = begin(x, "nix", what, err);

        add(x, command);
        add(x, WORDS("--no-write-lock-file", "--extra-experimental-features", "nix-command flakes"));
        if (!x->args.format)
                add(x, WORDS("--log-format", "internal-json", "--show-trace"));
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

        if (x->oom)
                return err_oom(err);
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

/* The path of a gc root to be made, alone in its directory. */
static int new_root(const char *tmp_dir, char **ret, struct ec_err *err)
{
        _cleanup_free_ char *dir = fs_join(tmp_dir, "gcroot-XXXXXX");

        if (!dir)
                return err_oom(err);
        if (!mkdtemp(dir))
                return err_set(err, -errno, "cannot make a directory in '%s': %s", tmp_dir, strerror(errno));
        *ret = fs_join(dir, "result");
        return *ret ? 0 : err_oom(err);
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

static int check_one_line(const char *out, const char *program, const char *attr, struct ec_err *err)
{
        const char *nl = strchr(out, '\n');

        if (!nl)
                return err_set(err, -EIO, "%s ended without printing a whole path; run the command again", program);
        if (nl[1])
                return err_set(err, -EINVAL, "attribute '%s' is not a single derivation", attr);
        return 0;
}

/* ---- old programs -------------------------------------------------------- */

static int run_expr(struct run *x, const char *program, const char *const *options, const struct nix_expr *e,
                    char **ret_out, struct ec_err *err)
{
        int r = begin_old(x, program, e->what, err);

        add(x, options);
        add(x, WORDS(e->file, "-A", e->attr));
        add(x, e->args);
        add(x, STRV_CONST(x->args.unknown ? x->args.all : x->args.eval));
        return r < 0 ? r : run(x, ret_out, err);
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
        add(&x, WORDS("--realise", path, "--add-root", root));
        add(&x, STRV_CONST(x.args.realise));
        return r < 0 ? r : run(&x, &out, err);
}

int nix_build(struct nix *n, const struct nix_expr *e, char **ret_path, struct ec_err *err)
{
        _cleanup_free_ char *root = NULL, *drv = NULL, *out = NULL;
        _cleanup_run_ struct run x = { 0 };
        int r = run_init(&x, n, err);

        if (r >= 0)
                r = new_root(n->tmp_dir, &root, err);
        if (r < 0)
                return r;
        drv = str_printf("%s.drv", root);
        if (!drv)
                return err_oom(err);
        /* Two processes if possible, because one with the large heap of an evaluation starts builders slowly. */
        if (x.args.unknown)
                r = run_expr(&x, "nix-build", WORDS("--out-link", root), e, &out, err);
        else
                r = run_expr(&x, "nix-instantiate", WORDS("--add-root", drv), e, &out, err);
        if (r >= 0)
                r = check_one_line(out, x.program, e->attr, err);
        if (r >= 0 && !x.args.unknown)
                r = realise(n, drv, root, err);
        return r < 0 ? r : read_root(root, x.args.unknown ? "nix-build" : "nix-store", ret_path, err);
}

int nix_eval_json(struct nix *n, const struct nix_expr *e, char **ret_json, struct ec_err *err)
{
        _cleanup_run_ struct run x = { 0 };
        int r = run_init(&x, n, err);

        return r < 0 ? r : run_expr(&x, "nix-instantiate", WORDS("--eval", "--strict", "--json"), e, ret_json, err);
}

int nix_hold_path(const char *store_path, const char *tmp_dir, struct ec_err *err)
{
        struct nix n = { 0 };
        _cleanup_free_ char *root = NULL;
        int r = new_root(tmp_dir, &root, err);

        if (r < 0 || nix_hold_directly(store_path, root))
                return r;
        r = realise(&n, store_path, root, err);
        nix_done(&n);
        if (r == -ECANCELED || r >= 0 || access(store_path, F_OK) >= 0 || errno != ENOENT)
                return r;
        err_done(err);
        return err_set(err, -ENOENT, "'%s' is gone, perhaps because of a garbage collection; build it again",
                       store_path);
}

/* ---- nix(1) -------------------------------------------------------------- */

int nix_flake_metadata(struct nix *n, const char *ref, const char *dir, const char *what, char **ret_json,
                       struct ec_err *err)
{
        _cleanup_run_ struct run x = { .dir = dir };
        int r = run_init(&x, n, err);

        if (r >= 0)
                r = begin_new(&x, WORDS("flake", "metadata", "--json"), what, err);
        add(&x, STRV_CONST(x.args.flake));
        add(&x, WORDS("--", ref));
        return r < 0 ? r : run(&x, ret_json, err);
}

int nix_build_installable(struct nix *n, const char *installable, const char *dir, char **ret_path, struct ec_err *err)
{
        _cleanup_free_ char *out = NULL, *root = NULL, *what = str_printf("evaluating %s", installable);
        _cleanup_run_ struct run x = { .dir = dir };
        int r = run_init(&x, n, err);

        if (r >= 0)
                r = what ? new_root(n->tmp_dir, &root, err) : err_oom(err);
        if (r >= 0)
                r = begin_new(&x, WORDS("build", "--out-link", root), what, err);
        if (!x.args.jobs)
                add(&x, WORDS("--max-jobs", "auto"));
        add(&x, STRV_CONST(x.args.build));
        add(&x, WORDS("--", installable));
        if (r >= 0)
                r = run(&x, &out, err);
        return r < 0 ? r : read_root(root, "nix", ret_path, err);
}
