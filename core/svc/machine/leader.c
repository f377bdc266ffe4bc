/* SPDX-License-Identifier: MIT */
#include "svc/machine/leader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "svc/process/executed.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/strv.h"

#define FILE_MAX (1 << 20)

bool leader_ended(const struct leader *l)
{
        struct pollfd p = { .fd = l->fd, .events = POLLIN };

        return poll(&p, 1, 0) != 0;
}

static char *proc_path(const struct leader *l, const char *file)
{
        return str_printf("/proc/%" PRIu32 "/%s", l->pid, file);
}

/* What was read by its number is of another process if it has ended. One that is about to end has no namespaces and no
 * root any more. */
static int checked(const struct leader *l, int r)
{
        return leader_ended(l) || r == -ENOENT ? -ESRCH : r;
}

int leader_other_namespace(const struct leader *l, const char *kind)
{
        _cleanup_free_ char *theirs = str_printf("/proc/%" PRIu32 "/ns/%s", l->pid, kind);
        _cleanup_free_ char *ours = str_printf("/proc/self/ns/%s", kind);
        struct stat a, b;

        if (!theirs || !ours)
                return -ENOMEM;
        if (stat(theirs, &a) < 0 || stat(ours, &b) < 0)
                return checked(l, -errno);
        return checked(l, a.st_ino != b.st_ino || a.st_dev != b.st_dev);
}

/* Programs of the unit that run on the host, such as its hooks, may have mounts of their own, but not process IDs. */
static int check_inside(const struct leader *l, const char *unit)
{
        static const char *const kinds[] = { "pid", "mnt" };
        _cleanup_free_ char *own = NULL, *stat = NULL;
        int r = sd_pid_get_unit((pid_t)l->pid, &own);

        r = r == -ENOMEM ? r : checked(l, r < 0 || strcmp(own, unit) ? -EXDEV : 0);
        for (size_t i = 0; i < ARRAY_SIZE(kinds) && r >= 0; i++) {
                r = leader_other_namespace(l, kinds[i]);
                r = r == 0 ? -EXDEV : r;
        }
        /* Who may not look at its namespaces cannot enter them either. */
        if (r < 0)
                return r == -EACCES ? 0 : r;
        /* Such a copy of systemd-nspawn has more rights than the container will have. */
        r = leader_read(l, "stat", &stat);
        r = r < 0 ? r : proc_executed(stat);
        return r == 0 ? -EAGAIN : r;
}

int leader_open(uint32_t pid, const char *unit, struct leader *ret)
{
        struct leader l = { pid, syscall(SYS_pidfd_open, pid, 0) };
        int r = l.fd < 0 ? -errno : check_inside(&l, unit);

        if (r < 0) {
                leader_close(&l);
                return r;
        }
        *ret = l;
        return 0;
}

void leader_close(struct leader *l)
{
        if (l->fd >= 0)
                close(l->fd);
        l->fd = -1;
}

static int open_dir(const struct leader *l, const char *name)
{
        _cleanup_free_ char *path = proc_path(l, name);
        _cleanup_close_ int fd = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        int r = path ? fd < 0 ? -errno : 0 : -ENOMEM;

        r = checked(l, r);
        return r < 0 ? r : TAKE_FD(fd);
}

int leader_open_root(const struct leader *l)
{
        return open_dir(l, "root");
}

int leader_open_proc(const struct leader *l)
{
        return open_dir(l, "");
}

int leader_read(const struct leader *l, const char *file, char **ret)
{
        _cleanup_free_ char *path = proc_path(l, file), *text = NULL;
        int r = path ? fs_read(path, FILE_MAX, &text, NULL) : -ENOMEM;

        r = checked(l, r);
        if (r >= 0)
                *ret = TAKE_PTR(text);
        return r;
}
