/* SPDX-License-Identifier: MIT */
#include "util/escape.h"

#include <stdlib.h>
#include <string.h>

#include "util/utf8.h"

/* Colours, cursor movements: ESC [ parameters, intermediates, final byte. */
static const char *skip_control(const char *s, bool *ret_colour)
{
        const char *end = s + strspn(s, "0123456789;");
        bool plain = *end == 'm';

        while (*s >= 0x20 && *s < 0x40)
                s++;
        if (*s < 0x40 || *s > 0x7e)
                return s;
        *ret_colour = plain;
        return s + 1;
}

/* Titles and the like: up to BEL or ESC \, at most to the line's end. */
static const char *skip_string(const char *s)
{
        for (; *s && *s != '\n'; s++) {
                if (*s == '\a')
                        return s + 1;
                if (*s == '\033')
                        return s[1] == '\\' ? s + 2 : s;
        }
        return s;
}

const char *escape_skip(const char *s, bool *ret_colour)
{
        bool colour = false;

        s++;
        if (*s == '[') {
                s = skip_control(s + 1, &colour);
        } else if (*s && strchr("]PX^_", *s)) {
                s = skip_string(s + 1);
        } else {
                while (*s >= 0x20 && *s < 0x30)
                        s++;
                if (*s >= 0x30 && *s < 0x7f)
                        s++;
        }
        if (ret_colour)
                *ret_colour = colour;
        return s;
}

char *escape_text(const char *s, bool colour)
{
        char *text = malloc(strlen(s) + 1), *to = text;
        const char *end = s + strlen(s);

        while (text && s < end) {
                bool sets_colour = false;
                size_t n, keep;
                uint32_t c;

                if (*s == 0x1b) {
                        n = (size_t)(escape_skip(s, &sets_colour) - s);
                        keep = colour && sets_colour ? n : 0;
                } else {
                        n = keep = utf8_decode(s, (size_t)(end - s), &c);
                        if (n && utf8_control(c) && c != '\n' && c != '\t')
                                keep = 0;
                }
                if (n) {
                        to = mempcpy(to, s, keep);
                        s += n;
                } else {
                        *to++ = '?';
                        s++;
                }
        }
        if (text)
                *to = 0;
        return text;
}

void escape_clean(char *s, size_t max)
{
        const char *p = s;
        char *q = s;

        while (*p && (size_t)(q - s) < max) {
                uint32_t c;
                size_t n;

                if (*p == 0x1b) {
                        p = escape_skip(p, NULL);
                        continue;
                }
                n = utf8_decode(p, strnlen(p, 4), &c);
                if (!n) {
                        *q++ = '?';
                        p++;
                } else if (utf8_control(c)) {
                        if (c == '\t')
                                *q++ = ' ';
                        p += n;
                } else {
                        memmove(q, p, n);
                        q += n;
                        p += n;
                }
        }
        while (q > s && q[-1] == ' ')
                q--;
        *q = 0;
}
