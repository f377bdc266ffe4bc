/* SPDX-License-Identifier: MIT */
#include "svc/nix/untracked.h"

#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

/* The first absolute path in quotes; NULL: there is none. */
static char *quoted_path(const char *text)
{
        const char *path = strstr(text, "'/"), *end = path ? strchr(path + 1, '\'') : NULL;

        return end ? strndup(path + 1, (size_t)(end - path - 1)) : NULL;
}

char *nix_untracked_file(const char *text, const char *shown)
{
        _cleanup_free_ char *copy = NULL, *own = NULL;

        if (!strstr(text, "No such file or directory") && !strstr(text, "does not exist"))
                return NULL;
        copy = quoted_path(text);
        own = quoted_path(shown);
        return copy && own && strcmp(copy, own) && !fs_exists(copy) && fs_exists(own) ? TAKE_PTR(own) : NULL;
}
