/* SPDX-License-Identifier: MIT */
#include "util/utf8.h"

#include "util/cleanup.h"

size_t utf8_decode(const char *s, size_t len, uint32_t *ret)
{
        const unsigned char *p = (const unsigned char *)s;
        uint32_t c, min;
        size_t n;

        if (!len)
                return 0;
        if (p[0] < 0x80) {
                *ret = p[0];
                return 1;
        }
        if (p[0] >= 0xc2 && p[0] < 0xe0) {
                n = 2;
                c = p[0] & 0x1f;
                min = 0x80;
        } else if (p[0] >= 0xe0 && p[0] < 0xf0) {
                n = 3;
                c = p[0] & 0x0f;
                min = 0x800;
        } else if (p[0] >= 0xf0 && p[0] < 0xf5) {
                n = 4;
                c = p[0] & 0x07;
                min = 0x10000;
        } else {
                return 0;
        }
        if (len < n)
                return 0;
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }
        if (c < min || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
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

bool utf8_control(uint32_t c)
{
        return c < 0x20 || (c >= 0x7f && c < 0xa0);
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
