/* SPDX-License-Identifier: MIT */
/* Fuzzes what the kernel says about routes and neighbours. The input is messages of netlink. */
#include "../fuzz.h"

#include "../../../plugins/network/neighbour.c"
#include "../../../plugins/network/range.c"
#include "../../../plugins/network/routes.c"

static void check_routes(const void *messages, size_t size)
{
        struct routes r = { 0 };

        (void)routes_parse(&r, messages, size);
        must(r.n <= size / NLMSG_LENGTH(sizeof(struct rtmsg)));
        for (size_t i = 0; i < r.n; i++) {
                must(r.items[i].to.bits >= NETWORK_BITS);
                must(memchr(r.items[i].dev, 0, sizeof(r.items[i].dev)));
        }
        routes_done(&r);
}

/* Addresses answer only if they are in the messages. */
static void check_neighbours(const char *messages, size_t size)
{
        struct neighbour items[] = { { .prefix = { .family = AF_INET, .addr = { 10, 1, 2, 3 } } },
                                     { .prefix = { .family = AF_INET6, .addr = { 0xfd, [15] = 2 } } } };
        struct neighbours l = { items, ARRAY_SIZE(items) };

        neighbours_parse(&l, messages, size);
        must(!items[0].answers || memmem(messages, size, items[0].prefix.addr, 4));
        must(!items[1].answers || memmem(messages, size, items[1].prefix.addr, 16));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *messages = fuzz_bytes(data, size);

        check_routes(messages, size);
        check_neighbours(messages, size);
        free(messages);
        return 0;
}
