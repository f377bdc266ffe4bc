/* SPDX-License-Identifier: MIT */
#include "svc/term/fold.h"

#include <stdint.h>
#include <string.h>

#include "util/utf8.h"

unsigned fold_width(const char *s, size_t n)
{
        unsigned width = 0;

        while (n) {
                uint32_t c;
                size_t k = utf8_decode(s, n, &c);

                width += k ? utf8_width(c) : 1;
                s += k ? k : 1;
                n -= k ? k : 1;
        }
        return width;
}

unsigned fold_longest_word(const char *s)
{
        unsigned longest = 0;

        while (*(s += strspn(s, " "))) {
                size_t n = strcspn(s, " ");
                unsigned width = fold_width(s, n);

                longest = width > longest ? width : longest;
                s += n;
        }
        return longest;
}

size_t fold_line(const char *s, unsigned columns, const char **ret_rest)
{
        size_t len = strcspn(s, " "), next;

        for (; s[len]; len = next) {
                next = len + strspn(s + len, " ");
                next += strcspn(s + next, " ");
                if (fold_width(s, next) > columns)
                        break;
        }
        *ret_rest = s + len + strspn(s + len, " ");
        return len;
}

void fold_fit(unsigned *widths, const unsigned *minimum, size_t n, unsigned gap, unsigned limit)
{
        for (;;) {
                unsigned total = 0, *widest = NULL;

                for (size_t i = 0; i < n; i++) {
                        total += widths[i] ? widths[i] + (total ? gap : 0) : 0;
                        if (widths[i] > minimum[i] && (!widest || widths[i] > *widest))
                                widest = &widths[i];
                }
                if (total <= limit || !widest)
                        return;
                (*widest)--;
        }
}
