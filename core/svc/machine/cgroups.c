/* SPDX-License-Identifier: MIT */
#include "svc/machine/cgroups.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

#define DEPTH_MAX 8 /* of slices in slices */
#define FILE_MAX  (1 << 20)

/* Units of containers can be in any slice. */
static int walk(const char *dir, unsigned depth, char ***ret)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        int r = 0;

        for (struct dirent *e; d && r >= 0 && (e = readdir(d));) {
                _cleanup_free_ char *path = NULL;
                bool unit = str_after(e->d_name, "container@") && str_ends(e->d_name, ".service");

                if (!unit && !str_ends(e->d_name, ".slice"))
                        continue;
                path = fs_join(dir, e->d_name);
                if (!path)
                        return -ENOMEM;
                if (unit)
                        r = strv_push(ret, path);
                else if (depth < DEPTH_MAX)
                        r = walk(path, depth + 1, ret);
        }
        return r;
}

/* The first number in a file; 0: there is none. */
static uint32_t first_number(const char *path)
{
        _cleanup_free_ char *text = NULL;

        return path && fs_read(path, FILE_MAX, &text, NULL) >= 0 ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

/* systemd-nspawn has one child, the container's init, whose processes are in another cgroup of the unit. */
int machine_cgroup_leader(const struct machine_cgroup *c, struct leader *ret)
{
        _cleanup_free_ char *supervisor = fs_join(c->path, "supervisor/cgroup.procs"),
                            *own = fs_join(c->path, "cgroup.procs"), *children = NULL;
        uint32_t nspawn = first_number(supervisor), pid;

        if (!nspawn)
                nspawn = first_number(own);
        if (nspawn)
                children = str_printf("/proc/%" PRIu32 "/task/%" PRIu32 "/children", nspawn, nspawn);
        pid = first_number(children);
        return pid ? leader_open(pid, c->unit, ret) : -ESRCH;
}

int machine_cgroups_read(struct machine_cgroups *ret)
{
        /* The second is that of a hybrid layout. */
        static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
        _cleanup_strv_ char **paths = NULL;
        size_t n;

        for (size_t i = 0; i < ARRAY_SIZE(mounts) && !paths; i++)
                if (walk(mounts[i], 0, &paths) < 0)
                        return -ENOMEM;
        n = strv_len(STRV_CONST(paths));
        ret->items = calloc(n + 1, sizeof(*ret->items));
        if (!ret->items)
                return -ENOMEM;
        for (ret->n = 0; ret->n < n; ret->n++) {
                struct machine_cgroup *c = &ret->items[ret->n];

                c->path = TAKE_PTR(paths[ret->n]);
                c->unit = strrchr(c->path, '/') + 1;
        }
        free(TAKE_PTR(paths));
        return 0;
}

void machine_cgroups_done(struct machine_cgroups *c)
{
        for (size_t i = 0; i < c->n; i++)
                free(c->items[i].path);
        free(c->items);
        *c = (struct machine_cgroups){ 0 };
}

const struct machine_cgroup *machine_cgroups_find(const struct machine_cgroups *c, const char *unit)
{
        for (size_t i = 0; i < c->n; i++)
                if (!strcmp(c->items[i].unit, unit))
                        return &c->items[i];
        return NULL;
}
