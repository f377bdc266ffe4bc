/* SPDX-License-Identifier: MIT */
#include "svc/machine/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strv.h"

#define CGROUPS       "/sys/fs/cgroup"
#define EMPTY_TIMEOUT (3 * USEC_PER_SEC)
#define LOOK_MS       100 /* in case a change is not reported */

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

int cgroup_make(uint32_t leader, char **ret)
{
        _cleanup_free_ char *file = str_printf("/proc/%" PRIu32 "/cgroup", leader), *text = NULL, *dir = NULL;
        char *line, *rest;
        sd_id128_t id;

        *ret = NULL;
        if (!file)
                return -ENOMEM;
        if (fs_read(file, 1 << 20, &text, NULL) < 0 || sd_id128_randomize(&id) < 0)
                return 0;
        for (rest = text; (line = strsep(&rest, "\n"));) {
                if (strncmp(line, "0::", 3))
                        continue;
                if (!cut_to_payload(line + 3))
                        return 0;
                dir = str_printf(CGROUPS "%s/extra-container-" SD_ID128_FORMAT_STR, line + 3, SD_ID128_FORMAT_VAL(id));
                if (!dir)
                        return -ENOMEM;
                if (mkdir(dir, 0755) >= 0)
                        *ret = TAKE_PTR(dir);
                return 0;
        }
        return 0;
}

static void put(const char *path, const char *name, const char *value)
{
        _cleanup_free_ char *file = fs_join(path, name);
        _cleanup_close_ int fd = file ? open(file, O_WRONLY | O_CLOEXEC) : -1;

        if (fd >= 0)
                (void)!write(fd, value, strlen(value));
}

void cgroup_enter(const char *path)
{
        put(path, "cgroup.procs", "0");
}

void cgroup_kill(const char *path)
{
        put(path, "cgroup.kill", "1");
}

void cgroup_remove(const char *path)
{
        _cleanup_free_ char *file = fs_join(path, "cgroup.events");
        _cleanup_close_ int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
        uint64_t until = clock_usec() + EMPTY_TIMEOUT;

        cgroup_kill(path);
        while (rmdir(path) < 0 && errno == EBUSY && fd >= 0 && clock_usec() < until) {
                struct pollfd p = { .fd = fd, .events = POLLPRI };
                char buf[256];

                /* poll() reports changes after this read. */
                (void)!pread(fd, buf, sizeof(buf), 0);
                if (rmdir(path) >= 0 || errno != EBUSY)
                        break;
                (void)poll(&p, 1, LOOK_MS);
        }
}
