/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "svc/machine/user.h"
#include "util/cleanup.h"
#include "util/resolve.h"

#define FILE_MAX_BYTES ((size_t)4 << 20)

void machine_user_done(struct machine_user *u)
{
        free(u->name);
        free(u->home);
        free(u->shell);
        free(u->groups);
        *u = (struct machine_user){ 0 };
}

/* The first n fields of a line, in place. */
static bool split(char *line, char **fields, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                fields[i] = strsep(&line, ":");
                if (!fields[i])
                        return false;
        }
        return true;
}

static bool number(const char *s, uint32_t *ret)
{
        char *end;
        unsigned long long v;

        if (*s < '0' || *s > '9')
                return false;
        errno = 0;
        v = strtoull(s, &end, 10);
        if (errno || *end || v >= UINT32_MAX)
                return false;
        *ret = v;
        return true;
}

static char *or_else(const char *s, const char *other)
{
        return strdup(s && *s == '/' ? s : other);
}

static int fill(struct machine_user *u, const char *name, uint32_t uid, uint32_t gid, const char *home,
                const char *shell)
{
        machine_user_done(u);
        u->name = strdup(name);
        u->home = or_else(home, "/");
        u->shell = or_else(shell, "/bin/sh");
        u->uid = uid;
        u->gid = gid;
        return u->name && u->home && u->shell ? 0 : -ENOMEM;
}

static int read_passwd(int root, const char *name, struct machine_user *u)
{
        _cleanup_free_ char *text = NULL;
        char *rest, *line;
        uint32_t wanted;
        bool by_number = number(name, &wanted);
        int r = resolve_read(root, "etc/passwd", FILE_MAX_BYTES, &text);

        if (r < 0)
                return r;
        for (rest = text; (line = strsep(&rest, "\n"));) {
                uint32_t uid, gid;
                char *f[7];

                if (!split(line, f, 7) || !number(f[2], &uid) || !number(f[3], &gid))
                        continue;
                if (!strcmp(f[0], name) || (by_number && uid == wanted))
                        return fill(u, f[0], uid, gid, f[5], f[6]);
        }
        return -ENOENT;
}

static int add_group(struct machine_user *u, gid_t gid)
{
        gid_t *g;

        /* The kernel takes no more. */
        if (u->n_groups == NGROUPS_MAX)
                return 0;
        g = reallocarray(u->groups, u->n_groups + 1, sizeof(*g));
        if (!g)
                return -ENOMEM;
        u->groups = g;
        g[u->n_groups++] = gid;
        return 0;
}

static int by_value(const void *a, const void *b)
{
        gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;

        return (x > y) - (x < y);
}

/* The user's own group is the first. */
static void remove_duplicates(struct machine_user *u)
{
        size_t n = 1;

        qsort(u->groups + 1, u->n_groups - 1, sizeof(*u->groups), by_value);
        for (size_t i = 1; i < u->n_groups; i++)
                if (u->groups[i] != u->groups[n - 1] && u->groups[i] != u->gid)
                        u->groups[n++] = u->groups[i];
        u->n_groups = n;
}

static int read_groups(int root, struct machine_user *u)
{
        _cleanup_free_ char *text = NULL;
        char *rest, *line, *member;
        int r = add_group(u, u->gid);

        if (r >= 0)
                r = resolve_read(root, "etc/group", FILE_MAX_BYTES, &text);
        /* Without that file, it is in no other. */
        if (r < 0)
                return resolve_failed(r) ? r : 0;
        for (rest = text; r >= 0 && (line = strsep(&rest, "\n"));) {
                uint32_t gid;
                char *f[4];

                if (!split(line, f, 4) || !number(f[2], &gid))
                        continue;
                while ((member = strsep(&f[3], ",")))
                        if (!strcmp(member, u->name))
                                r = add_group(u, gid);
        }
        if (r >= 0)
                remove_duplicates(u);
        return r;
}

int machine_user_read(int root, const char *name, struct machine_user *ret)
{
        struct machine_user u = { 0 };
        int r = read_passwd(root, name, &u);

        /* Early in its first boot, a container has no users yet. */
        if (r < 0 && !resolve_failed(r) && (!strcmp(name, "root") || !strcmp(name, "0")))
                r = fill(&u, "root", 0, 0, "/root", NULL);
        if (r >= 0)
                r = read_groups(root, &u);
        if (r < 0) {
                machine_user_done(&u);
                return r;
        }
        *ret = u;
        return 0;
}
