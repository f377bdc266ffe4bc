/* SPDX-License-Identifier: MIT */
#include "util/strv.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

size_t strv_len(const char *const *v)
{
        size_t n = 0;

        while (v && v[n])
                n++;
        return n;
}

int strv_push_take(char ***v, char *s)
{
        size_t n = strv_len(STRV_CONST(*v));
        char **w;

        if (!s)
                return -ENOMEM;
        w = reallocarray(*v, n + 2, sizeof(*w));
        if (!w) {
                free(s);
                return -ENOMEM;
        }
        w[n] = s;
        w[n + 1] = NULL;
        *v = w;
        return 0;
}

int strv_push(char ***v, const char *s)
{
        return strv_push_take(v, strdup(s));
}

int strv_pushf(char ***v, const char *fmt, ...)
{
        char *s = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&s, fmt, ap) < 0)
                s = NULL;
        va_end(ap);
        return strv_push_take(v, s);
}

int strv_extend(char ***v, const char *const *w)
{
        bool self = w == STRV_CONST(*v); /* w moves when v grows */
        size_t n = strv_len(w);

        for (size_t i = 0; i < n; i++)
                if (strv_push(v, self ? (*v)[i] : w[i]) < 0)
                        return -ENOMEM;
        return 0;
}

char **strv_copy(const char *const *v)
{
        _cleanup_strv_ char **w = calloc(1, sizeof(*w));

        return w && strv_extend(&w, v) >= 0 ? TAKE_PTR(w) : NULL;
}

bool strv_contains(const char *const *v, const char *s)
{
        for (; v && *v; v++)
                if (!strcmp(*v, s))
                        return true;
        return false;
}

static int compare(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(char **v)
{
        size_t n = strv_len(STRV_CONST(v));

        if (n > 1)
                qsort(v, n, sizeof(*v), compare);
}

void strv_sort_unique(char **v)
{
        size_t n = 0;

        strv_sort(v);
        for (char **s = v; s && *s; s++)
                if (n && !strcmp(v[n - 1], *s))
                        free(*s);
                else
                        v[n++] = *s;
        if (v)
                v[n] = NULL;
}

/* Without strv_push(), which counts again for each part: others may send millions. */
char **strv_split(const char *s, const char *separators)
{
        _cleanup_strv_ char **v = NULL;
        size_t n = 0;

        for (const char *p = s; *(p += strspn(p, separators)); p += strcspn(p, separators))
                n++;
        v = calloc(n + 1, sizeof(*v));
        for (size_t i = 0; v && i < n; i++) {
                size_t len;

                s += strspn(s, separators);
                len = strcspn(s, separators);
                v[i] = strndup(s, len);
                if (!v[i])
                        return NULL;
                s += len;
        }
        return TAKE_PTR(v);
}

char *strv_join(const char *const *v, const char *separator)
{
        size_t len = 0, sep = strlen(separator);
        char *s, *p;

        for (size_t i = 0; v && v[i]; i++)
                len += strlen(v[i]) + (i ? sep : 0);
        s = p = malloc(len + 1);
        if (!s)
                return NULL;
        for (size_t i = 0; v && v[i]; i++) {
                if (i)
                        p = mempcpy(p, separator, sep);
                p = stpcpy(p, v[i]);
        }
        *p = 0;
        return s;
}

void strv_free(char **v)
{
        /* NOLINTNEXTLINE(analyzer-use-of-uninitialized-value): gcc forgets what realloc() copies */
        for (size_t i = 0; v && v[i]; i++)
                /* NOLINTNEXTLINE(analyzer-use-of-uninitialized-value): gcc forgets what realloc() copies */
                free(v[i]);
        free(v);
}

char *str_printf(const char *fmt, ...)
{
        char *s = NULL;
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = vasprintf(&s, fmt, ap);
        va_end(ap);
        return r < 0 ? NULL : s;
}

const char *str_after(const char *s, const char *prefix)
{
        size_t n = strlen(prefix);

        return strncmp(s, prefix, n) ? NULL : s + n;
}

bool str_ends(const char *s, const char *suffix)
{
        size_t n = strlen(s), m = strlen(suffix);

        return n >= m && !strcmp(s + n - m, suffix);
}

#define WORD_MAX 64

/* Optimal string alignment distance: insert, delete, replace, swap neighbours. */
static unsigned distance(const char *a, size_t n, const char *b, size_t m)
{
        unsigned rows[3][WORD_MAX + 1];
        unsigned *prev2 = rows[0], *prev = rows[1], *cur = rows[2];

        for (size_t j = 0; j <= m; j++)
                prev[j] = j;
        for (size_t i = 1; i <= n; i++) {
                unsigned *t;

                cur[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        unsigned d = prev[j - 1] + (a[i - 1] != b[j - 1]);

                        if (prev[j] + 1 < d)
                                d = prev[j] + 1;
                        if (cur[j - 1] + 1 < d)
                                d = cur[j - 1] + 1;
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && prev2[j - 2] + 1 < d)
                                d = prev2[j - 2] + 1;
                        cur[j] = d;
                }
                t = prev2;
                prev2 = prev;
                prev = cur;
                cur = t;
        }
        return prev[m];
}

const char *str_nearest(const char *word, const char *const *candidates)
{
        size_t n = strlen(word);
        unsigned best = UINT_MAX;
        const char *found = NULL;

        if (!n || n > WORD_MAX)
                return NULL;
        for (; candidates && *candidates; candidates++) {
                size_t m = strlen(*candidates), longer = n > m ? n : m;
                unsigned d, limit = longer <= 3 ? 1 : longer / 3 + (longer % 3 == 2);

                if (!m || m > WORD_MAX)
                        continue;
                d = distance(word, n, *candidates, m);
                /* A short word must have a letter in common. */
                if (d > limit || d >= longer)
                        continue;
                /* A word that was cut off: "stat" is "status", and not "start". */
                if (!strncmp(word, *candidates, n))
                        d = 0;
                if (d < best) {
                        best = d;
                        found = *candidates;
                }
        }
        return found;
}
