/* SPDX-License-Identifier: MIT */
/* Files as systemd's EnvironmentFile= reads them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "model/containers/containers.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/strv.h"

struct buffer {
        char *data;
        size_t len, size;
};

static int buffer_add(struct buffer *b, char c)
{
        if (b->len + 1 >= b->size) {
                size_t size = b->size ? b->size * 2 : 256;
                char *p = realloc(b->data, size);

                if (!p)
                        return -ENOMEM;
                b->data = p;
                b->size = size;
        }
        b->data[b->len++] = c;
        b->data[b->len] = 0;
        return 0;
}

static bool key_valid(const char *key)
{
        if (!isalpha((unsigned char)*key) && *key != '_')
                return false;
        for (; *key; key++)
                if (!isalnum((unsigned char)*key) && *key != '_')
                        return false;
        return true;
}

/* The last assignment of a key wins. */
static int assign(char ***env, const char *key, const char *value)
{
        char *entry = str_printf("%s=%s", key, value);
        size_t len = strlen(key);

        if (!entry)
                return -ENOMEM;
        for (char **e = *env; e && *e; e++)
                if (!strncmp(*e, entry, len + 1)) {
                        free(*e);
                        *e = entry;
                        return 0;
                }
        return strv_push_take(env, entry);
}

/* Reads one value after its '='; returns the end of its line, NULL: no memory. */
static const char *read_value(const char *p, struct buffer *b)
{
        size_t keep = 0;    /* length without trailing blanks */
        bool before = true; /* at its start, or after a quoted part */
        char quote = 0;

        for (; *p; p++) {
                if (!quote && (*p == '\n' || *p == '\r'))
                        break;
                if (before && !quote && isblank((unsigned char)*p))
                        continue;
                if (before && !quote && (*p == '"' || *p == '\'')) {
                        quote = *p;
                        continue;
                }
                if (quote && *p == quote) {
                        quote = 0;
                        before = true;
                        continue;
                }
                before = quote;
                if (*p == '\\' && quote != '\'' && p[1]) {
                        p++;
                        if (*p == '\n')
                                continue;
                        if (quote && !strchr("\"\\`$", *p) && buffer_add(b, '\\') < 0)
                                return NULL;
                        if (buffer_add(b, *p) < 0)
                                return NULL;
                        keep = b->len;
                        continue;
                }
                if (buffer_add(b, *p) < 0)
                        return NULL;
                if (quote || !isblank((unsigned char)*p))
                        keep = b->len;
        }
        if (b->data)
                b->data[b->len = keep] = 0;
        return p;
}

int envfile_parse(const char *text, char ***ret)
{
        _cleanup_strv_ char **env = NULL;
        struct buffer key = { 0 }, value = { 0 };
        const char *p = text;
        int r = 0;

        while (*p && r >= 0) {
                const char *end = p + strcspn(p, "\n\r"), *eq;

                while (p < end && isblank((unsigned char)*p))
                        p++;
                eq = memchr(p, '=', end - p);
                if (p == end || *p == '#' || *p == ';' || !eq) {
                        p = *end ? end + 1 : end;
                        continue;
                }
                key.len = value.len = 0;
                if (value.data)
                        value.data[0] = 0;
                for (const char *k = p; k < eq && r >= 0; k++)
                        r = buffer_add(&key, *k);
                while (key.len && isblank((unsigned char)key.data[key.len - 1]))
                        key.data[--key.len] = 0;
                p = r < 0 ? NULL : read_value(eq + 1, &value);
                if (!p) {
                        r = -ENOMEM;
                        break;
                }
                if (*p)
                        p++;
                if (key.len && key_valid(key.data))
                        r = assign(&env, key.data, value.data ? value.data : "");
        }
        free(key.data);
        free(value.data);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(env);
        return 0;
}
