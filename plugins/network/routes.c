/* SPDX-License-Identifier: MIT */
#include "network.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

/* Wider ones are parts of a default route, as VPNs set it (0.0.0.0/1 and 128.0.0.0/1), and name no network. */
#define NETWORK_BITS 8

void routes_done(struct routes *r)
{
        free(r->items);
        *r = (struct routes){ 0 };
}

static int add_message(struct routes *r, const struct nlmsghdr *m)
{
        const struct rtmsg *rt = NLMSG_DATA(m);
        int len = (int)RTM_PAYLOAD(m), found = 0;
        struct route *items, route = { 0 };

        if (m->nlmsg_type != RTM_NEWROUTE || len < 0 || rt->rtm_dst_len < NETWORK_BITS || rt->rtm_flags & RTM_F_CLONED)
                return 0;
        route.to.family = rt->rtm_family;
        route.to.bits = rt->rtm_dst_len;
        for (const struct rtattr *a = RTM_RTA(rt); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
                if (a->rta_type == RTA_DST && RTA_PAYLOAD(a) <= sizeof(route.to.addr)) {
                        memcpy(route.to.addr, RTA_DATA(a), RTA_PAYLOAD(a));
                        found = 1;
                } else if (a->rta_type == RTA_OIF && RTA_PAYLOAD(a) >= sizeof(route.index)) {
                        memcpy(&route.index, RTA_DATA(a), sizeof(route.index));
                        if (!if_indextoname(route.index, route.dev))
                                *route.dev = 0;
                }
        }
        if (!found)
                return 0;
        items = reallocarray(r->items, r->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        r->items = items;
        items[r->n++] = route;
        return 0;
}

int routes_parse(struct routes *r, const void *messages, size_t size)
{
        int left = (int)size; /* NLMSG_NEXT() makes it negative if the last message has no padding */

        for (const struct nlmsghdr *m = messages; left > 0 && NLMSG_OK(m, (unsigned)left); m = NLMSG_NEXT(m, left)) {
                int k;

                if (m->nlmsg_type == NLMSG_DONE)
                        return 1;
                if (m->nlmsg_type == NLMSG_ERROR)
                        return m->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))
                                       ? -EIO
                                       : ((struct nlmsgerr *)NLMSG_DATA(m))->error ?: -EIO;
                k = add_message(r, m);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int dump(int fd, int family, struct routes *r)
{
        struct {
                struct nlmsghdr h;
                struct rtmsg rt;
        } request = {
                .h = { .nlmsg_len = sizeof(request),
                       .nlmsg_type = RTM_GETROUTE,
                       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                       .nlmsg_seq = 1 },
                .rt = { .rtm_family = (unsigned char)family },
        };
        _Alignas(struct nlmsghdr) char buf[32768];

        if (send(fd, &request, sizeof(request), 0) < 0)
                return -errno;
        for (;;) {
                ssize_t got = recv(fd, buf, sizeof(buf), 0);
                int k;

                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0)
                        return -errno;
                k = routes_parse(r, buf, (size_t)got);
                if (k)
                        return k < 0 ? k : 0;
        }
}

static int leads_to(const struct prefix *to, const struct prefix *address)
{
        unsigned bytes = to->bits / 8, rest = to->bits % 8;

        return to->family == address->family && !memcmp(to->addr, address->addr, bytes) &&
               (!rest || !((to->addr[bytes] ^ address->addr[bytes]) >> (8 - rest)));
}

unsigned routes_interface(const struct routes *r, const struct prefix *address)
{
        const struct route *best = NULL;

        for (size_t i = 0; i < r->n; i++)
                if (leads_to(&r->items[i].to, address) && (!best || r->items[i].to.bits > best->to.bits))
                        best = &r->items[i];
        return best ? best->index : 0;
}

int routes_read(const struct ec_host *h, int family, struct routes *ret, struct ec_err *err)
{
        struct routes r = { 0 };
        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        int k = fd < 0 ? -errno : dump(fd, family, &r);

        /* The kernel has no IPv6. */
        if (k == -EAFNOSUPPORT || k == -EOPNOTSUPP)
                k = 0;
        if (k < 0) {
                routes_done(&r);
                return h->err->set(err, k, "cannot read the host's routes: %s", strerror(-k));
        }
        *ret = r;
        return 0;
}
