/* SPDX-License-Identifier: MIT */
#include "svc/nix/progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "svc/term/term.h"
#include "util/clock.h"

#define NAMES_SHOWN 3

static void put_names(FILE *f, const struct nix_log *l, int type)
{
        size_t shown = 0, more = 0;
        for (size_t i = 0; i < l->n_acts; i++) {
                const struct nix_activity *a = &l->acts[i];
                if (a->type != type || !a->name)
                        continue;
                if (shown < NAMES_SHOWN)
                        fprintf(f, "%s %s", shown++ ? "," : ":", a->name);
                else
                        more++;
        }
        if (more)
                fprintf(f, " and %zu more", more);
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

static void put_bytes(FILE *f, const struct nix_log *l)
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
                fprintf(f, " (%.1f of %.1f MiB)", (double)done / 1048576,
                        (double)(expected > done ? expected : done) / 1048576);
}

static void put_elapsed(FILE *f, uint64_t usec)
{
        uint64_t s = usec / USEC_PER_SEC;

        if (s >= 60)
                fprintf(f, " %" PRIu64 ":%02" PRIu64 " min", s / 60, s % 60);
        else
                fprintf(f, " %" PRIu64 " s", s);
}

void nix_progress_format(const struct nix_log *l, uint64_t now_usec, char *buf, size_t size)
{
        static const char spinner[] = "|/-\\";
        FILE *f = size > 1 ? fmemopen(buf, size - 1, "w") : NULL;
        const char *separator = "";
        uint64_t done, expected;
        bool loading = false;
        if (size)
                buf[0] = buf[size - 1] = '\0';
        if (!f)
                return;
        fprintf(f, "%c ", spinner[l->spin % 4]);
        if (sum(l, NIX_ACT_BUILDS, &done, &expected)) {
                fprintf(f, "building %" PRIu64 "/%" PRIu64, done, expected);
                put_names(f, l, NIX_ACT_BUILD);
                separator = "; ";
        }
        for (size_t i = 0; i < l->n_acts; i++)
                loading = loading || l->acts[i].type == NIX_ACT_TRANSFER;
        if (sum(l, NIX_ACT_COPY_PATHS, &done, &expected)) {
                fprintf(f, "%sfetching %" PRIu64 "/%" PRIu64, separator, done, expected);
                put_bytes(f, l);
                put_names(f, l, NIX_ACT_SUBSTITUTE);
        } else if (loading) {
                fprintf(f, "%sdownloading", separator);
                put_bytes(f, l);
                put_names(f, l, NIX_ACT_TRANSFER);
        } else if (!*separator) {
                fputs(l->what ? l->what : "Nix works", f);
        }
        put_elapsed(f, now_usec - l->start_usec);
        (void)fclose(f); /* a longer text is cut */
}

void nix_progress_tick(void *data)
{
        struct nix_log *l = data;
        char buf[512];
        nix_progress_format(l, clock_usec(), buf, sizeof(buf));
        l->spin++;
        term_progress("%s", buf);
}
