/* SPDX-License-Identifier: MIT */
/* Fuzzes the filters of text that goes to a terminal. The first byte selects the limit of a line, and colours. */
#include "fuzz.h"

#include "util/escape.c"
#include "util/utf8.c"

/* Does it begin with a sequence that only sets colours? Its length; 0: no. */
static size_t colour_length(const char *s)
{
        size_t n = strspn(s + 1, "[") == 1 ? 2 + strspn(s + 2, "0123456789;") : 0;

        return n && s[n] == 'm' ? n + 1 : 0;
}

/* A terminal shows all of it as text. */
static void check_plain(const char *s, const char *controls, bool colour)
{
        for (size_t left = strlen(s), n; left; s += n, left -= n) {
                uint32_t c;

                if (*s == 0x1b) {
                        n = colour_length(s);
                        must(colour && n);
                        continue;
                }
                n = utf8_decode(s, left, &c);
                must(n);
                must(!utf8_control(c) || (c < 0x80 && strchr(controls, (int)c)));
        }
}

static void check_text(const char *text, bool colour)
{
        char *clean = fuzz_alloc(escape_text(text, colour)), *again = fuzz_alloc(escape_text(clean, colour));

        check_plain(clean, "\n\t", colour);
        must(!strcmp(clean, again));
        must(strlen(clean) <= strlen(text));
        /* Plain text is unchanged. */
        if (utf8_valid(text, strlen(text)) && !strpbrk(text, "\x7f\xc2")) {
                const char *s = text;

                while ((unsigned char)*s >= ' ' || *s == '\n' || *s == '\t')
                        s++;
                must(*s || !strcmp(clean, text));
        }
        free(again);
        free(clean);
}

static void check_line(const char *text, size_t max)
{
        char *line = fuzz_alloc(strdup(text));

        escape_clean(line, max);
        check_plain(line, "", false);
        must(strlen(line) <= max + 3 && strlen(line) <= strlen(text));
        must(!*line || line[strlen(line) - 1] != ' ');
        free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text;

        if (!size)
                return 0;
        text = fuzz_text(data + 1, size - 1);
        check_text(text, *data & 1);
        check_line(text, *data >> 1);
        free(text);
        return 0;
}
