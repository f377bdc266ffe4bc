/* SPDX-License-Identifier: MIT */
#include "svc/machine/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>

#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

#define CGROUPS "/sys/fs/cgroup"

/* "/machine.slice/x.service/payload" of ".../x.service/payload/init.scope"; false: nothing is delegated. */
static bool cut_to_payload(char *path)
{
        static const char payload[] = "/payload";
        char *end = strstr(path, payload);

        while (end && end[strlen(payload)] && end[strlen(payload)] != '/')
                end = strstr(end + 1, payload);
        if (end)
                end[strlen(payload)] = 0;
        return end;
}

/* The path in the line of the unified hierarchy; NULL: none. */
static char *unified(char *text)
{
        char *line, *rest = text;

        while ((line = strsep(&rest, "\n")))
                if (!strncmp(line, "0::", 3))
                        return line + 3;
        return NULL;
}

int cgroup_make(const struct leader *l, char **ret)
{
        _cleanup_free_ char *text = NULL, *own = NULL, *dir = NULL;
        char *path;
        sd_id128_t id;
        int r = leader_read(l, "cgroup", &text);

        if (r >= 0)
                r = fs_read("/proc/self/cgroup", 1 << 20, &own, NULL);
        if (r >= 0)
                r = sd_id128_randomize(&id);
        if (r < 0)
                return r;
        *ret = NULL;
        if (!strcmp(text, own))
                return 0;
        path = unified(text);
        if (!path || !cut_to_payload(path))
                return -EOPNOTSUPP;
        dir = str_printf(CGROUPS "%s/extra-container-" SD_ID128_FORMAT_STR, path, SD_ID128_FORMAT_VAL(id));
        if (!dir)
                return -ENOMEM;
        if (mkdir(dir, 0755) < 0)
                return -errno;
        *ret = TAKE_PTR(dir);
        return 0;
}

static int put(const char *path, const char *name, const char *value)
{
        _cleanup_free_ char *file = fs_join(path, name);
        _cleanup_close_ int fd = file ? open(file, O_WRONLY | O_CLOEXEC) : -1;

        if (!file)
                return -ENOMEM;
        return fd < 0 || write(fd, value, strlen(value)) < 0 ? -errno : 0;
}

int cgroup_enter(const char *path)
{
        return put(path, "cgroup.procs", "0");
}

void cgroup_kill(const char *path)
{
        (void)put(path, "cgroup.kill", "1");
}

bool cgroup_remove(const char *path)
{
        if (rmdir(path) >= 0 || errno != EBUSY)
                return true;
        cgroup_kill(path);
        return rmdir(path) >= 0 || errno != EBUSY;
}
