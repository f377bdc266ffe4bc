/* SPDX-License-Identifier: MIT */
#pragma once
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/err.h"

#define UNUSED __attribute__((unused))

/* Captures what code writes to one of the standard streams. */
struct capture {
        int fd, saved, file;
};

static inline void capture_begin(struct capture *c, int fd)
{
        fflush(NULL);
        c->fd = fd;
        c->saved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        c->file = memfd_create("capture", MFD_CLOEXEC);
        assert_true(c->saved >= 0 && c->file >= 0);
        assert_true(dup2(c->file, fd) == fd);
}

/* Owned by the caller. */
static inline char *capture_end(struct capture *c)
{
        off_t len;
        char *s;

        fflush(NULL);
        assert_true(dup2(c->saved, c->fd) == c->fd);
        close(c->saved);
        len = lseek(c->file, 0, SEEK_END);
        s = calloc(1, len + 1);
        assert_non_null(s);
        assert_int_equal(pread(c->file, s, len, 0), len);
        close(c->file);
        return s;
}

/* The same with a terminal as the stream; the output must fit into the terminal's buffer. */
struct terminal {
        int fd, saved, master;
};

static inline void terminal_begin(struct terminal *t, int fd, unsigned short columns)
{
        struct winsize ws = { .ws_row = 24, .ws_col = columns };
        int slave;

        fflush(NULL);
        t->fd = fd;
        t->saved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        assert_int_equal(openpty(&t->master, &slave, NULL, NULL, &ws), 0);
        assert_true(dup2(slave, fd) == fd);
        close(slave);
        fcntl(t->master, F_SETFL, O_NONBLOCK);
}

static inline char *terminal_end(struct terminal *t)
{
        size_t len = 0;
        char *s = calloc(1, 65536);
        ssize_t n;

        fflush(NULL);
        while ((n = read(t->master, s + len, 65535 - len)) > 0)
                len += n;
        assert_true(dup2(t->saved, t->fd) == t->fd);
        close(t->saved);
        close(t->master);
        return s;
}

#define assert_err(err, c, text)                                                       \
        do {                                                                           \
                if (!strstr(err_msg(err), text))                                       \
                        fail_msg("message is \"%s\", not \"%s\"", err_msg(err), text); \
                assert_int_equal((err)->code, c);                                      \
                err_done(err);                                                         \
        } while (0)

/* A directory for the test, removed with its contents. */
static inline char *temp_dir(void)
{
        char path[] = "/tmp/extra-container-test-XXXXXX";

        assert_non_null(mkdtemp(path));
        return strdup(path);
}
