/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* What one run of Nix writes to stderr, in its log format internal-json. */

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
        uint64_t done, expected;
        uint64_t expect_bytes;
        char *tail[NIX_TAIL_LINES];
        size_t n_lines; /* of the log so far */
};
struct nix_log {
        const char *what; /* "evaluating web.nix": shown until a build begins */
        bool raw;         /* the user's own log format: everything is passed on */
        bool print_logs;
        uint64_t start_usec;
        struct nix_activity *acts;
        size_t n_acts;
        struct nix_activity *ended; /* builds; the oldest are forgotten */
        size_t n_ended;
        uint64_t bytes_done, bytes_expected; /* of downloads that have ended */
        struct nix_error *errors;
        size_t n_errors;
        char ***warned; /* shown once, over several runs; or NULL */
        char *part;     /* of an event that arrives in several pieces */
        size_t part_len;
        unsigned spin;
        bool oom;
};
#define NIX_ACT_COPY_PATH  100
#define NIX_ACT_TRANSFER   101
#define NIX_ACT_REALISE    102
#define NIX_ACT_COPY_PATHS 103
#define NIX_ACT_BUILDS     104
#define NIX_ACT_BUILD      105
#define NIX_ACT_SUBSTITUTE 108

void nix_log_init(struct nix_log *l);
void nix_log_done(struct nix_log *l);
/* One line of stderr, without its line feed; any bytes. */
void nix_log_line(struct nix_log *l, const char *line, size_t len);
/* The end of a build's log: ret has room for NIX_TAIL_LINES. */
size_t nix_log_tail(const struct nix_log *l, const char *drv, size_t drv_len, const char **ret, size_t *ret_total);
