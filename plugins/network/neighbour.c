/* SPDX-License-Identifier: MIT */
/*
 * Once a container's end of the link is up, the kernel can learn the hardware address for its IP address. This works
 * without any program in the container, and firewalls do not block it.
 */
#include "network.h"

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define AGAIN_USEC (USEC_PER_SEC / 5) /* between two requests */
#define READ_MAX   64                 /* blocks of messages, before the time limit and ^C are looked at again */

int neighbours_add(struct neighbours *list, const struct ec_host *h, const char *container, int family,
                   const char *address, struct ec_err *err)
{
        struct neighbour n = { 0 }, *v;

        if (prefix_parse(address, family, &n.prefix) < 0)
                return h->err->set(err, -EINVAL, "container '%s': '%s' is not an address", container, address);
        v = reallocarray(list->items, list->n + 1, sizeof(*v));
        if (!v)
                return no_memory(h, err);
        list->items = v;
        n.container = container;
        n.address = strdup(address);
        v[list->n++] = n;
        return n.address ? 0 : no_memory(h, err);
}

void neighbours_done(struct neighbours *list)
{
        for (size_t i = 0; i < list->n; i++)
                free(list->items[i].address);
        free(list->items);
        *list = (struct neighbours){ 0 };
}

/* Makes the kernel look for the address. Whether the packet arrives does not matter. */
static void ask(const struct prefix *p)
{
        struct sockaddr_in s4 = { .sin_family = AF_INET, .sin_port = htons(9) };
        struct sockaddr_in6 s6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
        _cleanup_close_ int fd = socket(p->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        memcpy(&s4.sin_addr, p->addr, sizeof(s4.sin_addr));
        memcpy(&s6.sin6_addr, p->addr, sizeof(s6.sin6_addr));
        if (fd >= 0)
                (void)sendto(fd, "", 0, MSG_NOSIGNAL, p->family == AF_INET ? (void *)&s4 : (void *)&s6,
                             p->family == AF_INET ? sizeof(s4) : sizeof(s6));
}

/* Another container can use the address, too, on its own link. */
static int is_answer(const struct nlmsghdr *m, const struct neighbour *n)
{
        const struct ndmsg *nd = NLMSG_DATA(m);
        const struct prefix *p = &n->prefix;
        size_t size = p->family == AF_INET ? 4 : 16;
        int len = (int)(m->nlmsg_len - NLMSG_LENGTH(sizeof(*nd)));

        if (m->nlmsg_type != RTM_NEWNEIGH || len < 0 || nd->ndm_family != p->family || !n->index ||
            nd->ndm_ifindex != (int)n->index ||
            !(nd->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)))
                return 0;
        for (const struct rtattr *a = (const struct rtattr *)((const char *)nd + NLMSG_ALIGN(sizeof(*nd)));
             RTA_OK(a, len); a = RTA_NEXT(a, len))
                if (a->rta_type == NDA_DST && RTA_PAYLOAD(a) == size && !memcmp(RTA_DATA(a), p->addr, size))
                        return 1;
        return 0;
}

/* Requests the kernel's list of all neighbours. */
static int request_neighbours(int fd)
{
        struct {
                struct nlmsghdr h;
                struct ndmsg nd;
        } request = {
                .h = { .nlmsg_len = sizeof(request),
                       .nlmsg_type = RTM_GETNEIGH,
                       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
        };

        /* The kernel is still busy with the last request, and will answer it. */
        return send(fd, &request, sizeof(request), MSG_DONTWAIT) < 0 && errno != EBUSY && errno != EAGAIN ? -errno : 0;
}

static int count_silent(const struct neighbours *list)
{
        int n = 0;

        for (size_t i = 0; i < list->n; i++)
                n += !list->items[i].answers;
        return n;
}

void neighbours_parse(struct neighbours *list, const void *messages, size_t size)
{
        int left = (int)size; /* NLMSG_NEXT() makes it negative if the last message has no padding */

        for (const struct nlmsghdr *m = messages; left > 0 && NLMSG_OK(m, (unsigned)left); m = NLMSG_NEXT(m, left))
                for (size_t i = 0; i < list->n; i++)
                        list->items[i].answers |= is_answer(m, &list->items[i]);
}

int neighbours_read(struct neighbours *list, int fd)
{
        _Alignas(struct nlmsghdr) char buf[32768];

        for (int i = 0; i < READ_MAX; i++) {
                ssize_t got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

                if (got < 0 && (errno == EINTR || errno == ENOBUFS))
                        continue;
                if (got < 0)
                        return errno == EAGAIN ? count_silent(list) : -errno;
                neighbours_parse(list, buf, (size_t)got);
        }
        return count_silent(list);
}

/* A route may come later than the container. */
static void find_interfaces(struct neighbours *list, const struct ec_host *h, int family, struct ec_err *err)
{
        _cleanup_(routes_done) struct routes routes = { 0 };
        int wanted = 0;

        for (size_t i = 0; i < list->n; i++)
                wanted |= list->items[i].prefix.family == family && !list->items[i].index;
        if (wanted && routes_read(h, family, &routes, err) < 0)
                h->err->clear(err);
        for (size_t i = 0; i < list->n; i++)
                if (!list->items[i].index)
                        list->items[i].index = routes_interface(&routes, &list->items[i].prefix);
}

static int ask_all(struct neighbours *list, const struct ec_host *h, int fd, struct ec_err *err)
{
        find_interfaces(list, h, AF_INET, err);
        find_interfaces(list, h, AF_INET6, err);
        for (size_t i = 0; i < list->n; i++)
                if (!list->items[i].answers)
                        ask(&list->items[i].prefix);
        return request_neighbours(fd);
}

/* 0: all answer; -ETIMEDOUT. */
static int wait_for_all(struct neighbours *list, int fd, const struct ec_host *h, struct ec_op *op, uint64_t end,
                        struct ec_err *err)
{
        struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = h->cancel->fd(op), .events = POLLIN } };
        uint64_t next = 0;
        int r;

        for (;;) {
                if (clock_usec() >= next) {
                        r = ask_all(list, h, fd, err);
                        if (r < 0)
                                return r;
                        next = clock_usec() + AGAIN_USEC;
                }
                if (poll(fds, ARRAY_SIZE(fds), clock_timeout_ms(next < end ? next : end)) < 0 && errno != EINTR)
                        return -errno;
                r = h->cancel->check(op, err);
                if (r < 0)
                        return r;
                /* While interrupts are held, the descriptor stays readable. */
                if (fds[1].revents)
                        fds[1].fd = -1;
                r = neighbours_read(list, fd);
                if (r <= 0)
                        return r;
                if (clock_usec() >= end)
                        return -ETIMEDOUT;
        }
}

int neighbours_wait(struct neighbours *list, const struct ec_host *h, struct ec_op *op, uint64_t ms, struct ec_err *err)
{
        struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_NEIGH };
        uint64_t end = clock_usec() + ms * USEC_PER_MSEC;
        _cleanup_close_ int fd = -1;
        int r;

        if (!list->n)
                return 0;
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        r = fd < 0 || bind(fd, (struct sockaddr *)&nl, sizeof(nl)) < 0 ? -errno : 0;
        if (r >= 0)
                r = wait_for_all(list, fd, h, op, end, err);
        if (r == -ECANCELED)
                return r;
        if (r < 0 && r != -ETIMEDOUT)
                return h->err->set(err, r, "cannot watch the host's network: %s", strerror(-r));
        for (size_t i = 0; i < list->n; i++)
                if (!list->items[i].answers)
                        h->log->log(h, 4, "container '%s': its address %s does not answer", list->items[i].container,
                                    list->items[i].address);
        return 0;
}
