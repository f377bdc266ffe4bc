/* SPDX-License-Identifier: MIT */
/*
 * A container's address answers once its end of the link is up: then the kernel
 * learns its hardware address. That needs no program of the container's, and no
 * firewall keeps it back.
 */
#include "network.h"

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>

#define AGAIN_MS 200 /* until the address is asked for again */

static uint64_t now_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Makes the kernel look for the address. Whether the packet arrives does not matter. */
static void ask(int family, const struct prefix *p)
{
        struct sockaddr_in s4 = { .sin_family = AF_INET, .sin_port = htons(9) };
        struct sockaddr_in6 s6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
        _cleanup_close_ int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        ssize_t ignored;

        if (fd < 0)
                return;
        memcpy(&s4.sin_addr, p->addr, sizeof(s4.sin_addr));
        memcpy(&s6.sin6_addr, p->addr, sizeof(s6.sin6_addr));
        ignored = family == AF_INET ? sendto(fd, "", 0, MSG_NOSIGNAL, (struct sockaddr *)&s4, sizeof(s4))
                                    : sendto(fd, "", 0, MSG_NOSIGNAL, (struct sockaddr *)&s6, sizeof(s6));
        (void)ignored;
}

static int is_answer(const struct nlmsghdr *m, const struct prefix *p)
{
        const struct ndmsg *nd = NLMSG_DATA(m);
        size_t size = p->family == AF_INET ? 4 : 16;
        int len = (int)(m->nlmsg_len - NLMSG_LENGTH(sizeof(*nd)));

        if (m->nlmsg_type != RTM_NEWNEIGH || nd->ndm_family != p->family ||
            !(nd->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)))
                return 0;
        for (const struct rtattr *a = (const struct rtattr *)((const char *)nd + NLMSG_ALIGN(sizeof(*nd)));
             RTA_OK(a, len); a = RTA_NEXT(a, len))
                if (a->rta_type == NDA_DST && RTA_PAYLOAD(a) == size && !memcmp(RTA_DATA(a), p->addr, size))
                        return 1;
        return 0;
}

static int ask_neighbours(int fd, int family)
{
        struct {
                struct nlmsghdr h;
                struct ndmsg nd;
        } request = {
                .h = { .nlmsg_len = sizeof(request),
                       .nlmsg_type = RTM_GETNEIGH,
                       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
                .nd = { .ndm_family = (unsigned char)family },
        };

        /* Busy with the last list: its answers are on their way. */
        return send(fd, &request, sizeof(request), MSG_DONTWAIT) < 0 && errno != EBUSY && errno != EAGAIN ? -errno : 0;
}

/* Events and answers: 1 if the address is among them. */
static int read_neighbours(int fd, const struct prefix *p)
{
        _Alignas(struct nlmsghdr) char buf[32768];
        int found = 0;

        for (;;) {
                ssize_t got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
                unsigned left;

                if (got < 0 && (errno == EINTR || errno == ENOBUFS))
                        continue;
                if (got < 0)
                        return errno == EAGAIN ? found : -errno;
                left = (unsigned)got;
                for (struct nlmsghdr *m = (struct nlmsghdr *)buf; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left))
                        found |= is_answer(m, p);
        }
}

/* The program's signals are blocked: seen here, read by the program itself. */
static int open_signals(void)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        sigset_t blocked, set;

        sigemptyset(&set);
        if (sigprocmask(SIG_BLOCK, NULL, &blocked) < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
                if (sigismember(&blocked, signals[i]) == 1)
                        sigaddset(&set, signals[i]);
        return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int neighbour_wait(const struct ec_host *h, int family, const char *address, uint64_t ms, struct ec_err *err)
{
        struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_NEIGH };
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), signals = open_signals();
        uint64_t end = now_ms() + ms, next = 0;
        struct prefix p;
        int r;

        if (prefix_parse(address, family, &p) < 0)
                return h->err->set(err, -EINVAL, "'%s' is no address", address);
        if (fd < 0 || bind(fd, (struct sockaddr *)&nl, sizeof(nl)) < 0)
                return h->err->set(err, -errno, "cannot watch the host's network: %s", strerror(errno));
        for (;;) {
                struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
                uint64_t now = now_ms(), until;

                if (now >= next) {
                        ask(family, &p);
                        r = ask_neighbours(fd, family);
                        if (r < 0)
                                return h->err->set(err, r, "cannot watch the host's network: %s", strerror(-r));
                        next = now + AGAIN_MS;
                }
                until = next < end ? next : end;
                if (poll(fds, 2, until > now ? (int)(until - now) : 0) < 0 && errno != EINTR)
                        return h->err->set(err, -errno, "cannot wait for %s: %s", address, strerror(errno));
                if (fds[1].revents)
                        return h->err->set(err, -ECANCELED, "interrupted while waiting for %s to answer", address);
                r = read_neighbours(fd, &p);
                if (r < 0)
                        return h->err->set(err, r, "cannot watch the host's network: %s", strerror(-r));
                if (r > 0)
                        return 0;
                if (now_ms() >= end)
                        return h->err->set(err, -ETIMEDOUT, "its address %s does not answer", address);
        }
}
