/* SPDX-License-Identifier: MIT */
#include "util/utf8.h"

#include "util/cleanup.h"

size_t utf8_decode(const char *s, size_t len, uint32_t *ret)
{
        static const uint32_t min[] = { 0, 0, 0x80, 0x800, 0x10000 }; /* by length: a smaller one would be overlong */
        const unsigned char *p = (const unsigned char *)s;
        uint32_t c;
        size_t n;

        if (!len)
                return 0;
        if (p[0] < 0x80) {
                *ret = p[0];
                return 1;
        }
        n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
        if (!n || len < n)
                return 0;
        c = p[0] & (0xff >> (n + 1));
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }
        if (c < min[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
                return 0;
        *ret = c;
        return n;
}

bool utf8_valid(const char *s, size_t len)
{
        while (len) {
                uint32_t c;
                size_t n = utf8_decode(s, len, &c);

                if (!n)
                        return false;
                s += n;
                len -= n;
        }
        return true;
}

/* Also what changes the order in which text is shown, and line and paragraph separators. */
bool utf8_control(uint32_t c)
{
        return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
               (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

unsigned utf8_width(uint32_t c)
{
        static const struct {
                uint32_t from, to;
                unsigned width;
        } ranges[] = {
                { 0x0300, 0x036f, 0 },   { 0x200b, 0x200f, 0 },   { 0xfe00, 0xfe0f, 0 },   { 0xfeff, 0xfeff, 0 },
                { 0x1100, 0x115f, 2 },   { 0x2e80, 0x303e, 2 },   { 0x3041, 0xa4cf, 2 },   { 0xac00, 0xd7a3, 2 },
                { 0xf900, 0xfaff, 2 },   { 0xfe30, 0xfe6f, 2 },   { 0xff00, 0xff60, 2 },   { 0xffe0, 0xffe6, 2 },
                { 0x1f300, 0x1f64f, 2 }, { 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
                if (c >= ranges[i].from && c <= ranges[i].to)
                        return ranges[i].width;
        return utf8_control(c) ? 0 : 1;
}
