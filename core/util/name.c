/* SPDX-License-Identifier: MIT */
#include "util/name.h"

#include <string.h>

#include "util/err.h"
#include "util/strv.h"

/* The longest label of a host name, because container names become host names. */
#define CONTAINER_NAME_MAX 63
/* systemd's limit for names of units. */
#define UNIT_NAME_MAX   255
#define PLUGIN_NAME_MAX 32

/* For messages: what the user typed, without control characters. */
static char *printable(const char *s)
{
        size_t n = strnlen(s, CONTAINER_NAME_MAX + 1);
        bool cut = n > CONTAINER_NAME_MAX;
        char *t;

        if (cut)
                n = CONTAINER_NAME_MAX;
        /* Do not cut a UTF-8 sequence. */
        while (cut && n && ((unsigned char)s[n] & 0xc0) == 0x80)
                n--;
        t = str_printf("%.*s%s", (int)n, s, cut ? "..." : "");
        for (char *p = t; p && *p; p++)
                if ((unsigned char)*p < ' ' || *p == 0x7f)
                        *p = '?';
        return t;
}

int container_name_check(const char *name, struct ec_err *err)
{
        _cleanup_free_ char *shown = printable(name);
        size_t n = strlen(name);
        char bad = name[strspn(name, LETTERS DIGITS "-")];

        if (!shown)
                return err_oom(err);
        if (!n)
                return err_set(err, -EINVAL, "a container name must not be empty");
        if (bad == '_')
                return err_set(err, -EINVAL, "invalid container name '%s': '_' cannot be a part of a host name", shown);
        if (bad > ' ' && bad < 0x7f)
                return err_set(err, -EINVAL,
                               "invalid container name '%s': only letters, digits and '-' are allowed, not '%c'", shown,
                               bad);
        if (bad)
                return err_set(err, -EINVAL, "invalid container name '%s': only letters, digits and '-' are allowed",
                               shown);
        if (name[0] == '-' || name[n - 1] == '-')
                return err_set(err, -EINVAL, "invalid container name '%s': it must not begin or end with '-'", shown);
        if (n > CONTAINER_NAME_MAX)
                return err_set(err, -EINVAL, "invalid container name '%s': it is %zu characters long, %d are allowed",
                               shown, n, CONTAINER_NAME_MAX);
        return 0;
}

bool container_name_possible(const char *name)
{
        if (!*name || *name == '.' || strlen("container@.service") + strlen(name) > UNIT_NAME_MAX)
                return false;
        return !name[strspn(name, LETTERS DIGITS ":-_.\\@")];
}

bool variable_name_valid(const char *name)
{
        return strspn(name, LETTERS "_") && !name[strspn(name, LETTERS DIGITS "_")];
}

bool plugin_name_valid(const char *name)
{
        size_t n = strnlen(name, PLUGIN_NAME_MAX + 1);

        if (!n || n > PLUGIN_NAME_MAX || name[0] < 'a' || name[0] > 'z')
                return false;
        return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == n;
}

char *container_unit_of_name(const char *name)
{
        return str_printf("container@%s.service", name);
}

char *container_name_of_unit(const char *unit)
{
        const char *name = str_after(unit, "container@");

        if (!name || !str_ends(name, ".service") || name[0] == '.')
                return NULL;
        return strndup(name, strlen(name) - strlen(".service"));
}

int container_names_in(const char *dir, char ***names)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        struct dirent *e;

        if (!d)
                return -errno;
        while ((errno = 0, e = readdir(d))) {
                char *name = container_name_of_unit(e->d_name);

                if (name && strv_push_take(names, name) < 0)
                        return -ENOMEM;
        }
        return -errno;
}
