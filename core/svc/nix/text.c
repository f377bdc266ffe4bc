/* SPDX-License-Identifier: MIT */
#include "svc/nix/text.h"

#include <stdlib.h>
#include <string.h>

char *nix_text_short(const char *store_path)
{
        const char *slash = strrchr(store_path, '/');
        const char *name = slash ? slash + 1 : store_path;
        size_t hash = strspn(name, "0123456789abcdefghijklmnopqrstuvwxyz");
        if (hash == 32 && name[hash] == '-' && name[hash + 1])
                name += hash + 1;
        size_t n = strlen(name);
        if (n > 4 && !strcmp(name + n - 4, ".drv"))
                n -= 4;
        return strndup(name, n);
}

char *nix_text_replace(const char *s, const char *from, const char *to)
{
        size_t from_len = strlen(from), to_len = strlen(to), count = 0;
        if (!from_len)
                return strdup(s);
        for (const char *p = s; (p = strstr(p, from)); p += from_len)
                count++;
        char *out = malloc(strlen(s) + count * to_len + 1), *o = out;
        if (!out)
                return NULL;
        for (const char *p; (p = strstr(s, from)); s = p + from_len) {
                o = mempcpy(o, s, (size_t)(p - s));
                o = mempcpy(o, to, to_len);
        }
        memcpy(o, s, strlen(s) + 1);
        return out;
}

static bool is_path_char(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr("+-._?=/", c));
}

bool nix_text_drv(const char *s, const char **ret_start, size_t *ret_len)
{
        for (const char *p = s; (p = strstr(p, ".drv")); p += 4) {
                if (is_path_char(p[4]) && p[4] != '.')
                        continue;
                const char *start = p;
                while (start > s && is_path_char(start[-1]))
                        start--;
                if (*start != '/')
                        continue;
                *ret_start = start;
                *ret_len = (size_t)(p + 4 - start);
                return true;
        }
        return false;
}
