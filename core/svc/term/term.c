/* SPDX-License-Identifier: MIT */
#include "svc/term/term.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "util/escape.h"
#include "util/strv.h"
#include "util/utf8.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_MIN     40
#define PIECE           1024

/* State of stdout and stderr, which belong to the process. */
static struct {
        int out_error; /* the first failure on stdout */
        int (*wait)(int fd);
        char *progress; /* the line that is shown, NULL: none */
        bool midline;   /* the last write to stderr did not end its line */
} term;

bool term_stdout_tty(void)
{
        return isatty(STDOUT_FILENO);
}

unsigned term_stdout_columns(void)
{
        struct winsize w;

        if (!term_stdout_tty() || ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || !w.ws_col)
                return COLUMNS_DEFAULT;
        return w.ws_col < COLUMNS_MIN ? COLUMNS_MIN : w.ws_col;
}

bool term_stderr_tty(void)
{
        return isatty(STDERR_FILENO);
}

static bool colours_wanted(void)
{
        const char *no = getenv("NO_COLOR"), *name = getenv("TERM");

        return (!no || !*no) && name && *name && strcmp(name, "dumb") != 0;
}

bool term_colour(void)
{
        return colours_wanted() && term_stderr_tty();
}

bool term_stdout_colour(void)
{
        return colours_wanted() && term_stdout_tty();
}

static int write_all(int fd, const char *p, size_t len)
{
        while (len) {
                ssize_t n = write(fd, p, len);

                if (n >= 0) {
                        p += n;
                        len -= n;
                } else if (errno == EAGAIN) {
                        /* Another process made our terminal non-blocking. */
                        struct pollfd pfd = { .fd = fd, .events = POLLOUT };

                        if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
                                return -errno;
                } else if (errno != EINTR) {
                        return -errno;
                }
        }
        return 0;
}

/* There is nowhere to report a broken stderr. */
static void write_stderr(const char *p, size_t len)
{
        (void)write_all(STDERR_FILENO, p, len);
}

/* ---- stdout ------------------------------------------------------------- */

/* In pieces that a pipe takes whole once it is writable. */
static int write_stdout(const char *s, size_t n)
{
        bool line = memchr(s, '\n', n);

        while (n) {
                size_t piece = n < PIECE ? n : PIECE;
                int r = term.wait ? term.wait(STDOUT_FILENO) : 0;

                if (r < 0)
                        return r;
                if (fwrite(s, 1, piece, stdout) != piece || (line && fflush(stdout)))
                        return -errno;
                s += piece;
                n -= piece;
        }
        return 0;
}

int term_outv(const char *fmt, va_list ap)
{
        _cleanup_free_ char *s = NULL;
        int n = vasprintf(&s, fmt, ap);

        if (n < 0)
                s = NULL;
        /* Nothing more after a failure, so that the output has no gap. */
        if (term.out_error)
                return term.out_error;
        if (term.progress && term_stdout_tty())
                term_progress_clear();
        return term.out_error = s ? write_stdout(s, (size_t)n) : -ENOMEM;
}

void term_out(const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        term_outv(fmt, ap);
        va_end(ap);
}

void term_set_wait(int (*wait)(int fd))
{
        term.wait = wait;
}

int term_flush(void)
{
        if (fflush(stdout) && !term.out_error)
                term.out_error = -errno;
        return term.out_error;
}

/* ---- stderr ------------------------------------------------------------- */

static unsigned columns(void)
{
        struct winsize ws;

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &ws) < 0 || !ws.ws_col)
                return COLUMNS_DEFAULT;
        return ws.ws_col;
}

/* Cuts a line to the width, in place; control characters become blanks, escape sequences are removed. */
static void fit(char *line, unsigned width)
{
        const char *s = line, *end = line + strlen(line);
        unsigned used = 0;
        char *to = line;

        while (s < end) {
                uint32_t c;
                size_t n;

                if (*s == '\033') {
                        s = escape_skip(s, NULL);
                        continue;
                }
                n = utf8_decode(s, end - s, &c);
                if (!n || utf8_control(c)) {
                        if (used + 1 > width)
                                break;
                        *to++ = n ? ' ' : '?';
                        used++;
                } else {
                        if (used + utf8_width(c) > width)
                                break;
                        used += utf8_width(c);
                        memmove(to, s, n);
                        to += n;
                }
                s += n ? n : 1;
        }
        *to = 0;
}

static void end_line(void)
{
        if (term.midline)
                write_stderr("\n", 1);
        term.midline = false;
}

void term_progress(const char *fmt, ...)
{
        _cleanup_free_ char *line = NULL, *out = NULL;
        va_list ap;
        int n;

        if (!term_colour())
                return;
        va_start(ap, fmt);
        n = vasprintf(&line, fmt, ap);
        va_end(ap);
        if (n < 0) {
                line = NULL;
                return;
        }
        /* Leave the last column free: some terminals wrap as soon as it is used. */
        fit(line, columns() - 1);
        if (term.progress && !strcmp(term.progress, line))
                return;
        end_line();
        out = str_printf("\r%s\033[K", line);
        if (!out)
                return;
        write_stderr(out, strlen(out));
        free(term.progress);
        term.progress = TAKE_PTR(line);
}

void term_progress_clear(void)
{
        if (!term.progress)
                return;
        write_stderr("\r\033[K", 4);
        free(term.progress);
        term.progress = NULL;
}

void term_err_write(const char *text)
{
        _cleanup_free_ char *clean = escape_text(text, term_colour());
        size_t len = clean ? strlen(clean) : 0;

        if (!len)
                return;
        term_progress_clear();
        write_stderr(clean, len);
        term.midline = clean[len - 1] != '\n';
}
