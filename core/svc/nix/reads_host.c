/* SPDX-License-Identifier: MIT */
#include "svc/nix/reads_host.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/name.h"
#include "util/strv.h"

#define FILE_MAX (16u << 20)

/* Is name one of these names with dots between? */
static bool has_component(const char *path, size_t len, const char *name, size_t name_len)
{
        for (const char *s = path, *end = path + len; s < end;) {
                size_t n = strcspn(s, ".");

                if (n > (size_t)(end - s))
                        n = (size_t)(end - s);
                if (n == name_len && !strncmp(s, name, n))
                        return true;
                s += n + 1;
        }
        return false;
}

static bool line_reads_host(const char *line, const char *name, size_t name_len)
{
        for (const char *s = line; (s = strstr(s, "config.")); s++) {
                const char *path = s + strlen("config.");

                if (s > line && strchr(LETTERS DIGITS "_'-.", s[-1]))
                        continue;
                if (!str_after(path, "containers.") &&
                    has_component(path, strspn(path, LETTERS DIGITS "_'-."), name, name_len))
                        return true;
        }
        return false;
}

bool nix_reads_host(const char *file, int64_t line, const char *message)
{
        const char *name = str_after(message, "attribute '"), *end = name ? strstr(name, "' missing") : NULL, *s;
        _cleanup_free_ char *text = NULL;
        char *nl;

        if (!end || fs_read(file, FILE_MAX, &text, NULL) < 0)
                return false;
        s = text;
        for (int64_t i = 1; s && i < line; i++)
                s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL;
        if (!s)
                return false;
        nl = strchr(s, '\n');
        if (nl)
                *nl = '\0';
        return line_reads_host(s, name, (size_t)(end - name));
}
