/* SPDX-License-Identifier: MIT */
#include "facts.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX      (1 << 20)
#define ADDRESSES_MAX 16 /* of each kind; the container can have any number */

/* ---- numbers ------------------------------------------------------------ */

static char *read_in(const char *dir, const char *name)
{
        _cleanup_free_ char *path = fs_join(dir, name);
        char *text = NULL;

        return path && fs_read(path, FILE_MAX, &text, NULL) >= 0 ? text : NULL;
}

/* The number at the beginning of a file, or after a word in it. */
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

/* Seconds since 1970 at which a process began. */
static int64_t started_at(const char *proc)
{
        _cleanup_free_ char *text = read_in(proc, "stat");
        const char *s = text ? strrchr(text, ')') : NULL;
        struct timespec boot, now;

        /* Field 22; the one after the name is the third. */
        for (int i = 2; s && i < 22; i++)
                s = strchr(s + 1, ' ');
        if (!s || clock_gettime(CLOCK_BOOTTIME, &boot) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0)
                return -1;
        return now.tv_sec - (boot.tv_sec - strtoll(s, NULL, 10) / sysconf(_SC_CLK_TCK));
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
        for (char **l = lines; *l && strv_len(STRV_CONST(*ret)) < ADDRESSES_MAX; l++) {
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
        for (char **l = lines; *l && strv_len(STRV_CONST(*ret)) < 2 * ADDRESSES_MAX; l++) {
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

/* "  eth0: 4820 60 0 0 0 0 0 0 3012 40 ...": bytes received are the first number, bytes sent the ninth. */
static int read_traffic(const char *proc, struct facts *f)
{
        _cleanup_free_ char *text = read_in(proc, "net/dev");
        _cleanup_strv_ char **lines = text ? strv_split(text, "\n") : NULL;

        if (!lines)
                return text ? -ENOMEM : 0;
        f->received = f->sent = 0;
        for (char **l = lines; *l; l++) {
                long long in, out;
                char name[32];

                if (sscanf(*l, " %31[^:]: %lld %*d %*d %*d %*d %*d %*d %*d %lld", name, &in, &out) != 3 ||
                    !strcmp(name, "lo"))
                        continue;
                f->received += in;
                f->sent += out;
        }
        return 0;
}

/* As the kernel knows it, also with addresses of DHCP. */
static int read_network(const char *proc, struct facts *f)
{
        _cleanup_free_ char *v4 = NULL, *v6 = NULL;
        int r = 0;

        if (!has_own_network(proc))
                return 0;
        v4 = read_in(proc, "net/fib_trie");
        v6 = read_in(proc, "net/if_inet6");
        if (v4)
                r = add_ipv4(v4, &f->addresses);
        if (r >= 0 && v6)
                r = add_ipv6(v6, &f->addresses);
        return r < 0 ? r : read_traffic(proc, f);
}

/* ---- all of it ---------------------------------------------------------- */

int facts_read(const struct ec_cgroup *c, struct facts *ret)
{
        char proc[32];

        *ret = FACTS_NONE;
        ret->memory = read_number(c->path, "memory.current", NULL);
        ret->tasks = read_number(c->path, "pids.current", NULL);
        ret->cpu_usec = read_number(c->path, "cpu.stat", "usage_usec ");
        if (c->proc < 0)
                return 0;
        snprintf(proc, sizeof(proc), "/proc/self/fd/%d", c->proc);
        ret->leader = c->leader;
        ret->since = started_at(proc);
        return read_network(proc, ret);
}

void facts_done(struct facts *f)
{
        strv_free(f->addresses);
        f->addresses = NULL;
}
