/* SPDX-License-Identifier: MIT */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
struct ec_err;

/* ---- nix.c ---------------------------------------------------------------- */

struct nix_args;
struct ec_eval {
        char *eval_nix, *tmp_dir;
        bool print_build_logs, show_trace;
        char **build_args;
        char **env;       /* of Nix: "K=V", "K" */
        char **arg_names; /* of eval-config.nix, */
        char **arg_values;
        char **arg_kinds; /* and "--argstr" or "--arg" */
        char **search_path;
        char **files, **display;
        char **warned;
        char *flake;       /* source of the flake in the store, or NULL: the definition is a file */
        char *flake_dir;   /* where its reference is relative to, or NULL */
        char *installable; /* of the flake, where it is not for us to evaluate; or NULL */
        json_t *modules, *args, *disabled;
};
int nix_find_program(const char *name, char **ret, struct ec_err *err);
/* Runs Nix in directory cwd, or where we are. */
int nix_run(struct ec_eval *ev, const struct nix_args *a, const char *program, const char *what, const char *cwd,
            char **argv, char **ret_out, struct ec_err *err);
/* Begins the command line of nix(1): the program, the command and the options that every command gets. */
int nix_push_program(char ***argv, const char *program, const struct nix_args *a, const char *const *command);
int nix_sort_args(const struct ec_eval *ev, struct nix_args *ret, struct ec_err *err);

/* ---- nix_text.c: what Nix writes, made fit to be shown ------------------- */

/* Without terminal escapes and control characters; with colour, the sequences
 * that only colour stay. Line feeds and tabs stay. NULL: no memory. */
char *nix_text_clean(const char *s, bool colour);
/* "/nix/store/HASH-name.drv" to "name"; a new string; NULL: no memory. */
char *nix_text_short(const char *store_path);
/* All occurrences of from; a new string; NULL: no memory. */
char *nix_text_replace(const char *s, const char *from, const char *to);
/* The first path that ends in .drv, at *ret_start with *ret_len bytes. */
bool nix_text_drv(const char *s, const char **ret_start, size_t *ret_len);

/* ---- nix_args.c: --build-args -------------------------------------------- */

struct nix_args {
        char **eval;      /* for nix-instantiate */
        char **realise;   /* for nix-store --realise */
        char **all;       /* for nix-build, where one is unknown */
        char **flake;     /* for nix flake metadata */
        char **build;     /* for nix build, likewise of a flake */
        char *flake_only; /* the first one that nothing but flakes has a use for, or NULL */
        bool unknown;     /* some option is none of the tables: nix-build has to take it */
        bool jobs;        /* max-jobs is among them */
        bool format;      /* a log format of the user's own */
        bool logs;        /* -L */
        bool no_logs;     /* -Q */
        bool show_trace;
};
int nix_args_sort(const char *const *args, struct nix_args *ret, struct ec_err *err);
void nix_args_done(struct nix_args *a);
/* Is max-jobs set in NIX_CONFIG or in a nix.conf? */
bool nix_args_jobs_configured(void);

/* ---- nix_store.c: the store without Nix -------------------------------------- */

/* Makes the gc root, and the link by which Nix finds it, as nix-store --realise
 * would, which takes longer than a hundred containers do. Only where no
 * collection runs that could have looked for roots before: false otherwise,
 * with nothing changed. */
bool nix_hold_directly(const char *store_path, const char *root);

/* ---- nix_log.c: what one run of Nix says on stderr ----------------------- */

#define NIX_TAIL_LINES 20

struct nix_pos {
        char *file; /* NULL: unknown */
        int64_t line, column;
};
struct nix_frame {
        char *text;
        struct nix_pos pos;
};
struct nix_error {
        char *text; /* cleaned */
        struct nix_pos pos;
        struct nix_frame *trace; /* innermost first */
        size_t n_trace;
};
struct nix_activity {
        uint64_t id;
        int type;
        char *name; /* short */
        char *drv;  /* of a build */
        uint64_t done, expected, running, failed;
        uint64_t expect_bytes;
        char *tail[NIX_TAIL_LINES];
        size_t n_lines; /* of the log so far */
};
struct nix_log {
        const char *what; /* "evaluating web.nix": shown until a build begins */
        bool raw;         /* the user's own log format: everything is passed on */
        bool print_logs, quiet;
        uint64_t start_usec;
        struct nix_activity *acts;
        size_t n_acts;
        struct nix_activity *ended; /* builds; the oldest is forgotten */
        size_t n_ended;
        uint64_t bytes_done, bytes_expected; /* of downloads that are through */
        struct nix_error *errors;
        size_t n_errors;
        char **held;    /* plain lines from "error:" on */
        char ***warned; /* shown once, over several runs; or NULL */
        char *part;     /* of an event that came in several pieces */
        size_t part_len;
        unsigned spin;
        bool oom;
};
#define NIX_ACT_COPY_PATH  100
#define NIX_ACT_TRANSFER   101
#define NIX_ACT_COPY_PATHS 103
#define NIX_ACT_BUILDS     104
#define NIX_ACT_BUILD      105
#define NIX_ACT_SUBSTITUTE 108

void nix_log_init(struct nix_log *l);
void nix_log_done(struct nix_log *l);
/* One line of stderr, without its line feed; any bytes. */
void nix_log_line(struct nix_log *l, const char *line, size_t len);
/* Passes on what was held, where no error came of it. */
void nix_log_flush(struct nix_log *l);
/* The end of a build's log: ret has room for NIX_TAIL_LINES. */
size_t nix_log_tail(const struct nix_log *l, const char *drv, size_t drv_len, const char **ret, size_t *ret_total);

/* ---- nix_progress.c ------------------------------------------------------ */

/* One line, as of now_usec. */
void nix_progress_format(const struct nix_log *l, uint64_t now_usec, char *buf, size_t size);
/* For struct proc_stream: data is a struct nix_log. */
void nix_progress_tick(void *data);

/* ---- nix_error.c --------------------------------------------------------- */

struct nix_names {
        const char *const *files;   /* paths, */
        const char *const *names;   /* and what to call each */
        const char *definition;     /* the user's file, or NULL */
        const char *where;          /* what to call that where nothing tells more, or NULL: its name */
        const char *const *exprs;   /* expressions given as arguments, */
        const char *const *options; /* and the option of each */
};
char *nix_names_apply(const struct nix_names *n, const char *text);
/* The failure of a run, out of what it said. status is its exit status, program its name. */
int nix_error_set(const struct nix_log *l, const struct nix_names *n, const char *program, int status, bool show_trace,
                  struct ec_err *err);
