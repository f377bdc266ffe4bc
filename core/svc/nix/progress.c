/* SPDX-License-Identifier: MIT */
#include "svc/nix/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "svc/term/term.h"
#include "util/clock.h"

#define NAMES_SHOWN 3

struct line {
        char *buf;
        size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *fmt, ...)
{
        va_list ap;
        if (l->used + 1 >= l->size)
                return;
        va_start(ap, fmt);
        int n = vsnprintf(l->buf + l->used, l->size - l->used, fmt, ap);
        va_end(ap);
        if (n > 0)
                l->used += (size_t)n;
        if (l->used >= l->size)
                l->used = l->size - 1;
}

static void put_names(struct line *out, const struct nix_log *l, int type)
{
        size_t shown = 0, more = 0;
        for (size_t i = 0; i < l->n_acts; i++) {
                const struct nix_activity *a = &l->acts[i];
                if (a->type != type || !a->name)
                        continue;
                if (shown < NAMES_SHOWN)
                        put(out, "%s %s", shown++ ? "," : ":", a->name);
                else
                        more++;
        }
        if (more)
                put(out, " and %zu more", more);
}

/* Nix counts each kind in an activity of its own; several of them are added up. */
static bool sum(const struct nix_log *l, int type, uint64_t *ret_done, uint64_t *ret_expected)
{
        bool any = false;
        *ret_done = *ret_expected = 0;
        for (size_t i = 0; i < l->n_acts; i++) {
                if (l->acts[i].type != type)
                        continue;
                any = any || l->acts[i].expected;
                *ret_done += l->acts[i].done;
                *ret_expected += l->acts[i].expected;
        }
        return any;
}

static void put_bytes(struct line *out, const struct nix_log *l)
{
        uint64_t done, expected, promised = 0;
        sum(l, NIX_ACT_TRANSFER, &done, &expected);
        done += l->bytes_done;
        expected += l->bytes_expected;
        for (size_t i = 0; i < l->n_acts; i++)
                promised += l->acts[i].expect_bytes;
        if (promised > expected)
                expected = promised;
        if (expected)
                put(out, " (%.1f of %.1f MiB)", (double)done / 1048576,
                    (double)(expected > done ? expected : done) / 1048576);
}

static void put_elapsed(struct line *out, uint64_t usec)
{
        uint64_t s = usec / USEC_PER_SEC;

        if (s >= 60)
                put(out, " %" PRIu64 ":%02" PRIu64 " min", s / 60, s % 60);
        else
                put(out, " %" PRIu64 " s", s);
}

void nix_progress_format(const struct nix_log *l, uint64_t now_usec, char *buf, size_t size)
{
        static const char spinner[] = "|/-\\";
        struct line out = { .buf = buf, .size = size };
        uint64_t done, expected;
        if (!size)
                return;
        *buf = '\0';
        put(&out, "%c ", spinner[l->spin % 4]);

        size_t start = out.used;
        if (sum(l, NIX_ACT_BUILDS, &done, &expected)) {
                put(&out, "building %" PRIu64 "/%" PRIu64, done, expected);
                put_names(&out, l, NIX_ACT_BUILD);
        }
        if (sum(l, NIX_ACT_COPY_PATHS, &done, &expected)) {
                put(&out, "%sfetching %" PRIu64 "/%" PRIu64, out.used > start ? "; " : "", done, expected);
                put_bytes(&out, l);
                put_names(&out, l, NIX_ACT_SUBSTITUTE);
        } else {
                bool loading = false;
                for (size_t i = 0; i < l->n_acts; i++)
                        loading = loading || l->acts[i].type == NIX_ACT_TRANSFER;
                if (loading) {
                        put(&out, "%sdownloading", out.used > start ? "; " : "");
                        put_bytes(&out, l);
                        put_names(&out, l, NIX_ACT_TRANSFER);
                }
        }
        if (out.used == start)
                put(&out, "%s", l->what ? l->what : "Nix works");
        put_elapsed(&out, now_usec - l->start_usec);
}

void nix_progress_tick(void *data)
{
        struct nix_log *l = data;
        char buf[512];
        nix_progress_format(l, clock_usec(), buf, sizeof(buf));
        l->spin++;
        term_progress("%s", buf);
}
