/* SPDX-License-Identifier: MIT */
#include "svc/machine/frames.h"

#include <endian.h>
#include <string.h>

static uint32_t number(const struct frames *f, size_t at)
{
        uint32_t v;

        memcpy(&v, f->head + at, sizeof(v));
        return f->head[0] == 'l' ? le32toh(v) : be32toh(v);
}

/* The body, and the fields of the header, which are padded. */
static uint64_t rest(const struct frames *f)
{
        return ((uint64_t)number(f, 12) + 7) / 8 * 8 + number(f, 4);
}

/* The lines of a successful authentication; older versions of sd-bus expect no DATA. */
static bool accept_line(struct frames *f)
{
        const char *l = f->line;

        if (f->phase == FRAMES_FIRST && !strcmp(l, "DATA\r\n"))
                f->phase = FRAMES_OK;
        else if (f->phase <= FRAMES_OK && !strncmp(l, "OK ", 3) && strspn(l + 3, "0123456789abcdef") == 32 &&
                 !strcmp(l + 35, "\r\n"))
                f->phase = FRAMES_AGREE;
        else if (f->phase == FRAMES_AGREE && !strcmp(l, "AGREE_UNIX_FD\r\n"))
                f->phase = FRAMES_MESSAGES;
        else
                return false;
        f->have = 0;
        return true;
}

static bool accept_byte(struct frames *f, char c)
{
        if (f->phase < FRAMES_MESSAGES) {
                f->line[f->have++] = c;
                f->line[f->have] = 0;
                return c == '\n' ? accept_line(f) : f->have < sizeof(f->line) - 1;
        }
        f->head[f->have++] = (uint8_t)c;
        if (f->head[0] != 'l' && f->head[0] != 'B')
                return false;
        if (f->have < sizeof(f->head))
                return true;
        f->have = 0;
        f->left = rest(f);
        return f->left <= FRAME_MAX;
}

bool frames_accept(struct frames *f, const void *data, size_t n)
{
        const char *p = data, *end = p + n;

        while (p < end) {
                size_t k = (size_t)(end - p);

                if (f->left) {
                        k = f->left < k ? f->left : k;
                        f->left -= k;
                        p += k;
                } else if (!accept_byte(f, *p++)) {
                        return false;
                }
        }
        return true;
}
