/* SPDX-License-Identifier: MIT */
/* Fuzzes addresses, networks and ranges. The first byte selects the family, then come a range, the addresses of a host
 * and of its container, and any address or network, one per line. */
#include "../fuzz.h"

#include "../../../plugins/network/range.c"

static void check_prefix(const char *text, int family, const struct range *r)
{
        char shown[INET6_ADDRSTRLEN];
        struct prefix p, again;
        uint32_t from, to;

        if (prefix_parse(text, family, &p) < 0)
                return;
        must(p.family == family && p.bits <= (family == AF_INET ? 32 : 128));
        must(strspn(text, "0123456789abcdefABCDEF.:/") == strlen(text));
        must(inet_ntop(family, p.addr, shown, sizeof(shown)) && prefix_parse(shown, family, &again) == 0);
        must(!memcmp(p.addr, again.addr, sizeof(p.addr)));
        if (!r || !range_covered(r, &p, &from, &to))
                return;
        must(from <= to && to < r->slots);
        must(p.bits > r->prefix.bits || (from == 0 && to == r->slots - 1));
}

static void check_slot(const struct range *r, const char *host, const char *local)
{
        int64_t slot = range_slot_of(r, host, local);
        struct prefix p;
        uint32_t from, to;

        if (slot < 0)
                return;
        must(slot < r->slots);
        must(prefix_parse(local, r->prefix.family, &p) == 0);
        p.bits = r->prefix.family == AF_INET ? 32 : 128;
        must(range_covered(r, &p, &from, &to) && from == slot && to == slot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        int family = size && *data & 1 ? AF_INET6 : AF_INET, k;
        struct range r = { 0 };
        char *lines[4] = { 0 };

        if (!size--)
                return 0;
        data++;
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                lines[i] = fuzz_line(&data, &size);
        k = lines[0] ? range_parse(lines[0], family, &r) : -EINVAL;
        must(k == 0 || k == -EINVAL || k == -ERANGE);
        must(k < 0 || (r.slots > 0 && strchr(lines[0], '/')));
        for (size_t i = 0; i < ARRAY_SIZE(lines) && lines[i]; i++)
                check_prefix(lines[i], family, k == 0 ? &r : NULL);
        if (k == 0)
                check_slot(&r, lines[1], lines[2]);
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                free(lines[i]);
        return 0;
}
