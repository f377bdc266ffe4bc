/* SPDX-License-Identifier: MIT */
#include "cgroup.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEPTH_MAX 8 /* of slices in slices */
#define FILE_MAX  (1 << 20)

/* ---- cgroups ------------------------------------------------------------ */

/* Units of containers can be in any slice. */
static int walk(const char *dir, unsigned depth, char ***ret)
{
        _cleanup_closedir_ DIR *d = opendir(dir);
        int r = 0;

        for (struct dirent *e; d && r >= 0 && (e = readdir(d));) {
                _cleanup_free_ char *path = NULL;
                int unit = str_after(e->d_name, "container@") && str_ends(e->d_name, ".service");

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

int cgroups_read(const struct ec_host *h, struct cgroups *ret)
{
        /* The second is that of a hybrid layout. */
        static const char *const mounts[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

        *ret = (struct cgroups){ 0 };
        for (size_t i = 0; i < ARRAY_SIZE(mounts) && !ret->paths; i++) {
                _cleanup_free_ char *path = host_path(h, mounts[i]);

                if (!path || walk(path, 0, &ret->paths) < 0)
                        return -ENOMEM;
        }
        return 0;
}

void cgroups_done(struct cgroups *c)
{
        strv_free(c->paths);
        *c = (struct cgroups){ 0 };
}

const char *cgroups_find(const struct cgroups *c, const char *unit)
{
        for (char **p = c->paths; p && *p; p++)
                if (!strcmp(strrchr(*p, '/') + 1, unit))
                        return *p;
        return NULL;
}

/* ---- numbers ------------------------------------------------------------ */

static char *read_in(const char *dir, const char *name)
{
        _cleanup_free_ char *path = fs_join(dir, name);
        char *text = NULL;

        return path && fs_read(path, FILE_MAX, &text, NULL) >= 0 ? text : NULL;
}

/* The number at the begin of a file, or after a word in it. */
static int64_t read_number(const char *dir, const char *name, const char *word)
{
        _cleanup_free_ char *text = read_in(dir, name);
        const char *at = text && word ? strstr(text, word) : text;
        char *end;
        int64_t n;

        if (!at)
                return -1;
        at += word ? strlen(word) : 0;
        n = strtoll(at, &end, 10);
        return end == at ? -1 : n;
}

static char *proc_dir(int64_t pid)
{
        return str_printf("/proc/%" PRId64, pid);
}

/* Seconds since 1970 at which a process began. */
static int64_t started_at(int64_t pid)
{
        _cleanup_free_ char *dir = proc_dir(pid), *text = dir ? read_in(dir, "stat") : NULL;
        const char *s = text ? strrchr(text, ')') : NULL;
        struct timespec boot, now;

        /* Field 22; the one after the name is the third. */
        for (int i = 2; s && i < 22; i++)
                s = strchr(s + 1, ' ');
        if (!s || clock_gettime(CLOCK_BOOTTIME, &boot) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0)
                return -1;
        return now.tv_sec - (boot.tv_sec - strtoll(s, NULL, 10) / sysconf(_SC_CLK_TCK));
}

/* systemd-nspawn has one child, the container's init. */
static int64_t first_child(int64_t pid)
{
        _cleanup_free_ char *dir = str_printf("/proc/%" PRId64 "/task/%" PRId64, pid, pid);

        return dir ? read_number(dir, "children", NULL) : -1;
}

/* ---- addresses ---------------------------------------------------------- */

static int has_own_network(const char *proc)
{
        _cleanup_free_ char *path = fs_join(proc, "ns/net");
        struct stat own, other;

        return path && stat(path, &other) == 0 && stat("/proc/self/ns/net", &own) == 0 && own.st_ino != other.st_ino;
}

/* "|-- 10.250.0.2", then "/32 host LOCAL"; each address is in the file several times. */
static int add_ipv4(const char *text, char ***ret)
{
        _cleanup_strv_ char **lines = strv_split(text, "\n");
        const char *last = NULL;

        if (!lines)
                return -ENOMEM;
        for (char **l = lines; *l; l++) {
                const char *leaf = strstr(*l, "|-- ");

                if (leaf)
                        last = leaf + 4;
                else if (last && strstr(*l, "/32 host LOCAL") && !str_after(last, "127.") &&
                         !strv_contains(STRV_CONST(*ret), last) && strv_push(ret, last) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* "fe80... 02 40 20 80 eth0": the third field but one is the scope; 00 is global. */
static int add_ipv6(const char *text, char ***ret)
{
        _cleanup_strv_ char **lines = strv_split(text, "\n");

        if (!lines)
                return -ENOMEM;
        for (char **l = lines; *l; l++) {
                char hex[33], shown[INET6_ADDRSTRLEN];
                unsigned scope;
                struct in6_addr a;

                if (sscanf(*l, "%32s %*x %*x %x", hex, &scope) != 2 || scope || strlen(hex) != 32)
                        continue;
                for (int i = 0; i < 16; i++)
                        if (sscanf(hex + i * 2, "%2hhx", &a.s6_addr[i]) != 1)
                                return 0;
                if (inet_ntop(AF_INET6, &a, shown, sizeof(shown)) && strv_push(ret, shown) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* As the kernel knows them, also those of DHCP. */
static int read_addresses(int64_t leader, char ***ret)
{
        _cleanup_free_ char *proc = proc_dir(leader), *v4 = NULL, *v6 = NULL;
        int r = 0;

        if (!proc)
                return -ENOMEM;
        if (!has_own_network(proc))
                return 0;
        v4 = read_in(proc, "net/fib_trie");
        v6 = read_in(proc, "net/if_inet6");
        if (v4)
                r = add_ipv4(v4, ret);
        if (r >= 0 && v6)
                r = add_ipv6(v6, ret);
        return r;
}

/* ---- all of it ---------------------------------------------------------- */

int facts_read(const char *cgroup, struct facts *ret)
{
        *ret = (struct facts){ -1, -1, -1, -1, -1, -1, NULL };
        ret->memory = read_number(cgroup, "memory.current", NULL);
        ret->tasks = read_number(cgroup, "pids.current", NULL);
        ret->cpu_usec = read_number(cgroup, "cpu.stat", "usage_usec ");
        ret->main = read_number(cgroup, "supervisor/cgroup.procs", NULL);
        if (ret->main <= 0)
                ret->main = read_number(cgroup, "cgroup.procs", NULL);
        if (ret->main <= 0)
                return 0;
        ret->since = started_at(ret->main);
        ret->leader = first_child(ret->main);
        return ret->leader > 0 ? read_addresses(ret->leader, &ret->addresses) : 0;
}

void facts_done(struct facts *f)
{
        strv_free(f->addresses);
        f->addresses = NULL;
}
