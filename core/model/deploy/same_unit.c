/* SPDX-License-Identifier: MIT */
#include "model/deploy/same_unit.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

#define TEXT_MAX ((size_t)4 << 20)

struct unit {
        char *text, *next;
        char *own; /* our unit's directory in the store, which has its scripts in bin; NULL: NixOS's */
        bool boot_only, install;
};

static void unit_done(struct unit *u)
{
        free(u->text);
        free(u->own);
}

bool same_file(const char *a, const char *b)
{
        _cleanup_free_ char *x = NULL, *y = NULL;

        if (!strcmp(a, b))
                return true;
        x = realpath(a, NULL);
        y = realpath(b, NULL);
        return x && y && !strcmp(x, y);
}

static bool unit_read(struct unit *u, const char *path, bool boot_only)
{
        _cleanup_free_ char *bin = NULL;
        const char *slash = strrchr(path, '/');

        *u = (struct unit){ .boot_only = boot_only };
        if (!slash || fs_read(path, TEXT_MAX, &u->text, NULL) < 0)
                return false;
        u->next = u->text;
        u->own = strndup(path, (size_t)(slash - path));
        bin = u->own ? fs_join(u->own, "bin") : NULL;
        if (!bin)
                return false;
        if (!fs_exists(bin)) {
                free(u->own);
                u->own = NULL;
        }
        return true;
}

/* systemd ignores keys that begin with X-. Triggers of NixOS's own units name the container's system, which an update
 * switches to; those of our units are the user's. */
static bool matters(const struct unit *u, const char *line)
{
        if (!strncmp(line, "X-", 2))
                return u->own && (str_after(line, "X-Restart-Triggers=") ||
                                  (u->boot_only && str_after(line, "X-Reload-Triggers=")));
        return !u->boot_only ||
               (!u->install && *line != '\n' && !str_after(line, "After=") && !str_after(line, "Wants="));
}

static const char *next_line(struct unit *u)
{
        while (*u->next) {
                const char *line = u->next;
                size_t len = strcspn(line, "\n");

                u->next += len + (line[len] == '\n');
                if (*line == '[')
                        u->install = str_after(line, "[Install]\n");
                if (matters(u, line))
                        return line;
        }
        return NULL;
}

/* Each unit has its own directory in the paths of its scripts. */
static bool same_line(const struct unit *x, const char *a, const struct unit *y, const char *b)
{
        for (;;) {
                const char *p = x->own ? str_after(a, x->own) : NULL, *q = y->own ? str_after(b, y->own) : NULL;

                if (p && q) {
                        a = p;
                        b = q;
                        continue;
                }
                if (*a == '\n' || !*a)
                        return *b == '\n' || !*b;
                if (*a++ != *b++)
                        return false;
        }
}

/* NULL: no memory, or it cannot be read. */
static char **script_paths(const struct unit *u)
{
        _cleanup_free_ char *bin = fs_join(u->own, "bin");
        _cleanup_strv_ char **paths = NULL;
        _cleanup_closedir_ DIR *d = bin ? opendir(bin) : NULL;

        for (struct dirent *e; d && (e = readdir(d));)
                if (*e->d_name != '.' && strv_pushf(&paths, "%s/%s", bin, e->d_name) < 0)
                        return NULL;
        strv_sort(paths);
        return TAKE_PTR(paths);
}

static bool same_content(const char *a, const char *b)
{
        _cleanup_free_ char *x = NULL, *y = NULL;
        size_t n, m;

        return !strcmp(strrchr(a, '/'), strrchr(b, '/')) && fs_read(a, TEXT_MAX, &x, &n) >= 0 &&
               fs_read(b, TEXT_MAX, &y, &m) >= 0 && n == m && !memcmp(x, y, n);
}

static bool same_scripts(const struct unit *x, const struct unit *y)
{
        _cleanup_strv_ char **a = NULL, **b = NULL;
        size_t n;

        if (!x->own || !y->own)
                return true; /* those of NixOS have paths of their own in the text */
        a = script_paths(x);
        b = script_paths(y);
        n = strv_len(STRV_CONST(a));
        if (!n || n != strv_len(STRV_CONST(b)))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!same_content(a[i], b[i]))
                        return false;
        return true;
}

bool unit_installs(const char *path)
{
        _cleanup_free_ char *text = NULL;

        return fs_read(path, TEXT_MAX, &text, NULL) >= 0 && strstr(text, "\n[Install]\n");
}

bool same_unit(const char *a, const char *b, bool boot_only)
{
        _cleanup_(unit_done) struct unit x = { 0 }, y = { 0 };
        const char *k, *l;

        if (same_file(a, b))
                return true;
        if (!unit_read(&x, a, boot_only) || !unit_read(&y, b, boot_only))
                return false;
        do {
                k = next_line(&x);
                l = next_line(&y);
                if (!k || !l)
                        return !k && !l && same_scripts(&x, &y);
        } while (same_line(&x, k, &y, l));
        return false;
}
