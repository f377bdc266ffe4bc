/* SPDX-License-Identifier: MIT */
#pragma once
/* Feeds events of Nix to the log and captures stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "svc/nix/log.h"
#include "util/clock.h"

#define DRV  "/nix/store/3sd60ih5rjklrmxr7w30vsdfksn55vlx-bad-thing.drv"
#define DRV2 "/nix/store/y213rczmacxwk5q5ya22m8zx091xnr5c-other.drv"

static inline void feed(struct nix_log *l, const char *line)
{
        /* Of exactly this length, so that a sanitizer detects reads beyond it. */
        size_t n = strlen(line);
        char *copy = malloc(n ? n : 1);
        memcpy(copy, line, n);
        nix_log_line(l, copy, n);
        free(copy);
}

__attribute__((format(printf, 2, 3))) static inline void feedf(struct nix_log *l, const char *fmt, ...)
{
        char *s;
        va_list ap;
        va_start(ap, fmt);
        assert_true(vasprintf(&s, fmt, ap) >= 0);
        va_end(ap);
        feed(l, s);
        free(s);
}

static inline void start_build(struct nix_log *l, int id, const char *drv)
{
        feedf(l,
              "@nix "
              "{\"action\":\"start\",\"fields\":[\"%s\",\"\",1,1],\"id\":%d,\"level\":3,\"text\":\"building\",\"type\":"
              "105}",
              drv, id);
}

static inline void stop(struct nix_log *l, int id)
{
        feedf(l, "@nix {\"action\":\"stop\",\"id\":%d}", id);
}

static inline void log_line(struct nix_log *l, int id, const char *json)
{
        feedf(l, "@nix {\"action\":\"result\",\"fields\":[\"%s\"],\"id\":%d,\"type\":101}", json, id);
}

/* Between these two calls, stderr goes to a file. */
static inline int capture_begin(FILE **ret)
{
        fflush(stderr);
        int saved = dup(STDERR_FILENO);
        *ret = tmpfile();
        assert_non_null(*ret);
        assert_true(dup2(fileno(*ret), STDERR_FILENO) >= 0);
        return saved;
}

static inline char *capture_end(FILE *f, int saved)
{
        fflush(stderr);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        close(saved);
        long n = lseek(fileno(f), 0, SEEK_END);
        char *s = calloc(1, (size_t)n + 1);
        assert_int_equal(pread(fileno(f), s, (size_t)n, 0), n);
        fclose(f);
        return s;
}
