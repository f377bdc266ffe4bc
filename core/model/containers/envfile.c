/* SPDX-License-Identifier: MIT */
/* Files as systemd's EnvironmentFile= reads them. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/containers/containers.h"
#include "svc/process/env.h"
#include "util/cleanup.h"
#include "util/name.h"
#include "util/strv.h"

/* Reads one value after its '='; returns the end of its line. */
static const char *read_value(const char *p, char *value)
{
        size_t n = 0, keep = 0; /* length, also without trailing blanks */
        bool before = true;     /* at its start, or after a quoted part */
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
                        if (quote && !strchr("\"\\`$", *p))
                                value[n++] = '\\';
                        value[n++] = *p;
                        keep = n;
                        continue;
                }
                value[n++] = *p;
                if (quote || !isblank((unsigned char)*p))
                        keep = n;
        }
        value[keep] = 0;
        return p;
}

int envfile_parse(const char *text, char ***ret)
{
        _cleanup_free_ char *value = malloc(strlen(text) + 1);
        _cleanup_strv_ char **env = NULL;

        if (!value)
                return -ENOMEM;
        for (const char *p = text; *p; p += *p != 0) {
                const char *key = p + strspn(p, " \t"), *eq = memchr(key, '=', strcspn(key, "\n\r"));
                _cleanup_free_ char *name = NULL, *entry = NULL;
                size_t n = eq ? eq - key : 0;

                if (!eq || *key == '#' || *key == ';') {
                        p = key + strcspn(key, "\n\r");
                        continue;
                }
                p = read_value(eq + 1, value);
                while (n && isblank((unsigned char)key[n - 1]))
                        n--;
                name = strndup(key, n);
                entry = str_printf("%.*s=%s", (int)n, key, value);
                if (!name || !entry || (variable_name_valid(name) && env_set(&env, entry) < 0))
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(env);
        return 0;
}
