/* SPDX-License-Identifier: MIT */
#include "network.h"

#include <arpa/inet.h>
#include <string.h>

static unsigned family_bits(int family)
{
        return family == AF_INET ? 32 : 128;
}

static unsigned slot_bits(int family)
{
        return family == AF_INET ? SLOT_BITS4 : SLOT_BITS6;
}

int prefix_parse(const char *text, int family, struct prefix *ret)
{
        struct prefix p = { .family = family, .bits = family_bits(family) };
        const char *slash = strchr(text, '/');
        char addr[INET6_ADDRSTRLEN];
        size_t len = slash ? (size_t)(slash - text) : strlen(text);

        if (len >= sizeof(addr))
                return -EINVAL;
        memcpy(addr, text, len);
        addr[len] = 0;
        if (inet_pton(family, addr, p.addr) != 1)
                return -EINVAL;
        if (slash) {
                if (!slash[1] || strlen(slash + 1) > 3 || strspn(slash + 1, "0123456789") != strlen(slash + 1))
                        return -EINVAL;
                p.bits = (unsigned)strtoul(slash + 1, NULL, 10);
                if (p.bits > family_bits(family))
                        return -EINVAL;
        }
        *ret = p;
        return 0;
}

/* These bits of an address, at most 64, as a number. */
static uint64_t bits_of(const uint8_t *addr, unsigned from, unsigned to)
{
        uint64_t bits = 0;

        for (unsigned i = from; i < to; i++)
                bits = bits << 1 | !!(addr[i / 8] & (0x80 >> i % 8));
        return bits;
}

int range_parse(const char *text, int family, struct range *ret)
{
        unsigned max = slot_bits(family), min = family == AF_INET ? 8 : 48;
        struct range r = { 0 };

        if (!strchr(text, '/') || prefix_parse(text, family, &r.prefix) < 0 || r.prefix.bits < min ||
            r.prefix.bits > max)
                return -EINVAL;
        /* Bits after the prefix are a mistake: 10.1.2.0/16. */
        if (bits_of(r.prefix.addr, r.prefix.bits, max) || bits_of(r.prefix.addr, max, family_bits(family)))
                return -EINVAL;
        r.slots = UINT32_C(1) << (max - r.prefix.bits);
        *ret = r;
        return 0;
}

int range_covered(const struct range *r, const struct prefix *p, uint32_t *ret_from, uint32_t *ret_to)
{
        unsigned common = p->bits < r->prefix.bits ? p->bits : r->prefix.bits, bits = slot_bits(r->prefix.family);

        if (p->family != r->prefix.family || bits_of(p->addr, 0, common) != bits_of(r->prefix.addr, 0, common))
                return 0;
        if (p->bits <= r->prefix.bits) {
                *ret_from = 0;
                *ret_to = r->slots - 1;
                return 1;
        }
        *ret_from = *ret_to = (uint32_t)bits_of(p->addr, r->prefix.bits, bits);
        if (p->bits < bits) {
                uint32_t size = UINT32_C(1) << (bits - p->bits);

                *ret_from &= ~(size - 1);
                *ret_to = *ret_from + size - 1;
        }
        return 1;
}

/* Are the bits after the slot this number? 1 is the host, 2 the container. */
static int is_end(const struct range *r, const uint8_t *addr, unsigned number)
{
        return bits_of(addr, slot_bits(r->prefix.family), family_bits(r->prefix.family)) == number;
}

int64_t range_slot_of(const struct range *r, const char *host, const char *local)
{
        struct prefix h, l;
        uint32_t a, b, to;

        if (!host || !local || prefix_parse(host, r->prefix.family, &h) < 0 ||
            prefix_parse(local, r->prefix.family, &l) < 0)
                return -1;
        h.bits = l.bits = family_bits(r->prefix.family);
        if (!range_covered(r, &h, &a, &to) || !range_covered(r, &l, &b, &to) || a != b)
                return -1;
        return is_end(r, h.addr, 1) && is_end(r, l.addr, 2) ? (int64_t)a : -1;
}
