/* SPDX-License-Identifier: MIT */
#include "svc/term/term.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "util/cleanup.h"
#include "util/escape.h"
#include "util/fs.h"
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
        struct {
                int fd; /* stderr, or another description of it, which does not block */
                char *text;
                size_t start, end, size;
                bool open, midline; /* a line of it is written in part */
        } queue;
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

int term_outs(const char *s)
{
        /* Nothing more after a failure, so that the output has no gap. */
        if (term.out_error)
                return term.out_error;
        if (term.progress && term_stdout_tty())
                term_progress_clear();
        return term.out_error = s ? write_stdout(s, strlen(s)) : -ENOMEM;
}

int term_outv(const char *fmt, va_list ap)
{
        _cleanup_free_ char *s = NULL;

        if (vasprintf(&s, fmt, ap) < 0)
                s = NULL;
        return term_outs(s);
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

/* ---- stderr, without waiting --------------------------------------------- */

/* A file has a position in each description, and does not block. */
static int open_queue(void)
{
        struct stat st;
        int fd = -1;

        if (fstat(STDERR_FILENO, &st) >= 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
                fd = fs_reopen(STDERR_FILENO, O_WRONLY | O_NONBLOCK);
        return fd < 0 ? STDERR_FILENO : fd;
}

static void queue_done(void)
{
        if (term.queue.open && term.queue.fd != STDERR_FILENO)
                close(term.queue.fd);
        free(term.queue.text);
        memset(&term.queue, 0, sizeof(term.queue));
}

/* Whole lines, if possible, as one write to a pipe is not split. */
static size_t next_piece(void)
{
        size_t n = term.queue.end - term.queue.start;
        const char *text = term.queue.text + term.queue.start, *end;

        if (n <= PIPE_BUF)
                return n;
        end = memrchr(text, '\n', PIPE_BUF);
        return end ? (size_t)(end - text) + 1 : PIPE_BUF;
}

static void write_piece(size_t len)
{
        const char *text = term.queue.text + term.queue.start;
        ssize_t n = send(term.queue.fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == ENOTSOCK)
                n = write(term.queue.fd, text, len);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
                queue_done();
        if (n <= 0)
                return;
        term.queue.midline = text[n - 1] != '\n';
        term.queue.start += (size_t)n;
        if (term.queue.start == term.queue.end)
                queue_done();
}

/* What is written at once does not begin in the middle of it. */
static void finish_line(void)
{
        while (term.queue.midline) {
                struct pollfd p = { .fd = term.queue.fd, .events = POLLOUT };
                const char *text = term.queue.text + term.queue.start;

                if (poll(&p, 1, -1) > 0)
                        write_piece((size_t)((const char *)rawmemchr(text, '\n') - text) + 1);
        }
}

static int append(const char *text, size_t len)
{
        size_t size = term.queue.end + len;

        if (!len)
                return 0;
        if (size > term.queue.size) {
                char *more = realloc(term.queue.text, 2 * size);

                if (!more)
                        return -ENOMEM;
                term.queue.text = more;
                term.queue.size = 2 * size;
        }
        memcpy(term.queue.text + term.queue.end, text, len);
        term.queue.end += len;
        return 0;
}

int term_queue(const char *lines)
{
        _cleanup_free_ char *clean = escape_text(lines, term_colour());

        if (!clean || append(clean, strlen(clean)) < 0)
                return -ENOMEM;
        if (!*clean)
                return 0;
        if (!term.queue.open)
                term.queue.fd = open_queue();
        term.queue.open = true;
        return 0;
}

void term_queue_fill(struct pollfd *fd)
{
        *fd = (struct pollfd){ .fd = term.queue.open ? term.queue.fd : -1, .events = POLLOUT };
}

void term_queue_handle(const struct pollfd *fd)
{
        if (!fd->revents || !term.queue.open)
                return;
        term_progress_clear();
        write_piece(next_piece());
}

void term_queue_drain(void)
{
        while (term.queue.open) {
                struct pollfd p;
                bool enough = term.wait && term.wait(term.queue.fd) < 0;

                term_queue_fill(&p);
                if (poll(&p, 1, enough ? 0 : -1) <= 0 && enough)
                        queue_done();
                else
                        term_queue_handle(&p);
        }
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
        finish_line();
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
        finish_line();
        write_stderr(clean, len);
        term.midline = clean[len - 1] != '\n';
}
