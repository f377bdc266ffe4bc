/* SPDX-License-Identifier: MIT */
#pragma once
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
void term_out(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* stdout, flushed by line */
/* The same; returns the first failure on stdout, now or before. */
int term_outv(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
int term_outs(const char *s); /* NULL: out of memory */
int term_flush(void);         /* -errno if anything did not reach stdout */
/* Called before each write to stdout; waits until it cannot block, or fails, as after an interrupt. */
void term_set_wait(int (*wait)(int fd));
bool term_stdout_tty(void);
bool term_stderr_tty(void);
unsigned term_stdout_columns(void); /* of the terminal, 40 at least; 80 without one */
bool term_stdout_colour(void);      /* stdout is a terminal, NO_COLOR unset, TERM not dumb */
bool term_colour(void);             /* stderr is a terminal, NO_COLOR unset, TERM not dumb */
/* One line on stderr that is redrawn; nothing without a terminal. */
void term_progress(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void term_progress_clear(void);
/* Clears the progress line and writes a text to stderr, in one write. Whatever it contains, only sequences that set
 * colours reach the terminal. */
void term_err_write(const char *text);

/* The same for whole lines from several containers, of which none waits because the terminal is slow: they are written
 * when a write does not block. -ENOMEM. */
int term_queue(const char *lines);
void term_queue_fill(struct pollfd *fd); /* to wait for that; its fd is -1 if there is nothing to write */
void term_queue_handle(const struct pollfd *fd);
void term_queue_drain(void); /* waits until all of it is written; after an interrupt, the rest is dropped */
