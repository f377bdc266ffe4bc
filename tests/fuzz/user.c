/* SPDX-License-Identifier: MIT */
/* Fuzzes the parsers of a container's own passwd and group. The first line is the user, the rest up to an empty line is
 * passwd, what follows is group. */
#include "fuzz.h"

/* In the place of the one that opens files in a container. */
#define resolve_read fuzz_resolve_read
#include "svc/machine/user.c"
#undef resolve_read

static char *passwd, *group;

int fuzz_resolve_read(int root, const char *path, size_t max, char **ret)
{
        const char *text = strcmp(path, "etc/group") ? passwd : group;

        (void)root;
        (void)max;
        if (!text)
                return -ENOENT;
        *ret = fuzz_alloc(strdup(text));
        return 0;
}

/* Is there such a line? NULL: any text. */
static bool has_line(const char *text, const char *name, uid_t uid)
{
        char begin[4096 + 32], *copy = text ? fuzz_alloc(strdup(text)) : NULL, *rest = copy, *line;
        bool found = false;

        while ((line = strsep(&rest, "\n")) && !found) {
                const char *f[3];
                char *at = line;

                for (size_t i = 0; i < 3; i++)
                        f[i] = at ? strsep(&at, ":") : NULL;
                snprintf(begin, sizeof(begin), "%u", uid);
                found = f[2] && !strcmp(f[0], name) && !strcmp(f[2] + strspn(f[2], "0"), uid ? begin : "");
        }
        free(copy);
        return found;
}

static void check(const struct machine_user *u, const char *name)
{
        bool is_root = !strcmp(name, "root") || !strcmp(name, "0");

        must(has_line(passwd, u->name, u->uid) || (is_root && !u->uid && !strcmp(u->name, "root")));
        must(!strpbrk(u->name, ":\n") && !strpbrk(u->home, ":\n") && !strpbrk(u->shell, "\n"));
        must(*u->home == '/' && *u->shell == '/');
        /* (uid_t)-1 means "do not change" to the kernel. */
        must(u->uid != (uid_t)-1 && u->gid != (gid_t)-1);
        must(u->n_groups > 0 && u->groups[0] == u->gid);
        for (size_t i = 0; i < u->n_groups; i++) {
                must(u->groups[i] != (gid_t)-1);
                for (size_t k = 0; k < i; k++)
                        must(u->groups[i] != u->groups[k]);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct machine_user u = { 0 };
        char *name = fuzz_line(&data, &size), *empty;
        int r;

        if (!name)
                return 0;
        passwd = size ? fuzz_text(data, size) : NULL;
        empty = passwd ? strstr(passwd, "\n\n") : NULL;
        group = empty ? fuzz_alloc(strdup(empty + 2)) : NULL;
        if (empty)
                empty[1] = 0;
        r = machine_user_read(-1, name, &u);
        must(r == 0 || r == -ENOENT);
        must(r == 0 || (strcmp(name, "root") && strcmp(name, "0")));
        if (r == 0)
                check(&u, name);
        machine_user_done(&u);
        free(group);
        free(passwd);
        free(name);
        return 0;
}
