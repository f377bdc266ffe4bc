/* SPDX-License-Identifier: MIT */
#include "svc/machine/frames.h"

#include <endian.h>
#include <string.h>

#define LINE_MAX 1024

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

bool frames_accept(struct frames *f, const void *data, size_t n)
{
        const uint8_t *p = data, *end = p + n;

        while (p < end) {
                size_t k = (size_t)(end - p);

                if (f->left) {
                        k = f->left < k ? f->left : k;
                        f->left -= k;
                        p += k;
                } else if (f->line || (!f->have && *p != 'l' && *p != 'B')) {
                        f->line = *p++ == '\n' ? 0 : f->line + 1;
                        if (f->line > LINE_MAX)
                                return false;
                } else {
                        f->head[f->have++] = *p++;
                        if (f->have < sizeof(f->head))
                                continue;
                        f->have = 0;
                        f->left = rest(f);
                        if (f->left > FRAME_MAX)
                                return false;
                }
        }
        return true;
}
