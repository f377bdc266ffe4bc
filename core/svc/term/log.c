/* SPDX-License-Identifier: MIT */
#include "svc/term/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svc/term/term.h"
#include "util/escape.h"
#include "util/strv.h"

static int max_level = LOG_NOTICE;

void log_set_level(int level)
{
        max_level = level;
}

int log_level(void)
{
        return max_level;
}

void log_msg(int level, const char *fmt, ...)
{
        const char *word = level <= LOG_ERR ? "error:" : level == LOG_WARNING ? "warning:" : NULL;
        _cleanup_free_ char *raw = NULL, *msg = NULL, *line = NULL;
        const char *on = "", *off = "", *end;
        va_list ap;
        int n;

        if (level > max_level)
                return;
        va_start(ap, fmt);
        n = vasprintf(&raw, fmt, ap);
        va_end(ap);
        if (n < 0)
                raw = NULL;
        /* Parts of it may come from a container or a definition: no colour of theirs can hide a part. */
        msg = raw ? escape_text(raw, false) : NULL;
        if (!msg) {
                term_err_write("error: out of memory\n");
                return;
        }
        if (term_colour()) {
                on = level <= LOG_ERR ? "\033[1;31m" : "\033[1;35m";
                off = "\033[0m";
        }
        end = *msg && msg[strlen(msg) - 1] == '\n' ? "" : "\n";
        /* In one write, so that output of other processes does not split it. */
        line = word ? str_printf("%s%s%s %s%s", on, word, off, msg, end) : str_printf("%s%s", msg, end);
        term_err_write(line ? line : msg);
}
