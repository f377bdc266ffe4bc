/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../plugins/network/network.h"
#include "fake_host.h"

extern const struct ec_plugin ec_plugin_v1_network;
#define PLUGIN (&ec_plugin_v1_network)

static struct fake fake;
static void *self;
static char dir[32];

static char *at(const char *name)
{
        char *p;

        assert_true(asprintf(&p, "%s%s", dir, name) > 0);
        return p;
}

static void put(const char *name, const char *text)
{
        char *p = at(name);
        FILE *f = fopen(p, "we");

        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        free(p);
}

static void set_path(const char *what, const char *name)
{
        char *p = at(name);

        fake_path(&fake, what, p);
        free(p);
}

static int setup(void **state)
{
        char cmd[192];

        (void)state;
        strcpy(dir, "/tmp/ec-net.XXXXXX");
        assert_non_null(mkdtemp(dir));
        snprintf(cmd, sizeof(cmd), "mkdir -p %s/conf %s/other %s/units %s/run/extra-container", dir, dir, dir, dir);
        assert_int_equal(system(cmd), 0);
        fake_init(&fake);
        set_path("conf", "/conf");
        set_path("conf-other", "/other");
        set_path("root", "");
        fake_setting(&fake, "range", "10.9.0.0/24");
        fake_setting(&fake, "range6", "fd00:1:2::/48");
        fake_setting(&fake, "firewall", "auto");
        fake_setting(&fake, "connections", "16384");
        fake_setting(&fake, "wait", "0");
        self = fake_load(&fake, PLUGIN);
        return 0;
}

static int teardown(void **state)
{
        char cmd[64];

        (void)state;
        PLUGIN->hooks->finish(self, &fake.op, 0);
        fake_unload(PLUGIN, self);
        fake_done(&fake);
        snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
        return system(cmd);
}

/* ---- ranges ---- */

static struct range range(const char *text, int family)
{
        struct range r;

        assert_int_equal(range_parse(text, family, &r), 0);
        return r;
}

static void assert_covered(const struct range *r, const char *prefix, int want, uint32_t from, uint32_t to)
{
        uint32_t a = 77, b = 77;
        struct prefix p;

        assert_int_equal(prefix_parse(prefix, r->prefix.family, &p), 0);
        assert_int_equal(range_covered(r, &p, &a, &b), want);
        assert_int_equal(a, want ? from : 77);
        assert_int_equal(b, want ? to : 77);
}

static void test_prefixes(void **state)
{
        static const char *const bad[] = {
                "",
                "/",
                "1.2.3",
                "1.2.3.4/",
                "1.2.3.4/33",
                "1.2.3.4/-1",
                "1.2.3.4/ 8",
                "1.2.3.4/0008",
                "256.1.1.1",
                "::1",
                "1.2.3.4/24/1",
                "1111111111111111111111111111111111111111111111111111111111111",
        };
        struct prefix p;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
                assert_int_equal(prefix_parse(bad[i], AF_INET, &p), -EINVAL);
        assert_int_equal(prefix_parse("10.1.2.3", AF_INET, &p), 0);
        assert_int_equal(p.bits, 32);
        assert_int_equal(prefix_parse("10.0.0.0/0", AF_INET, &p), 0);
        assert_int_equal(p.bits, 0);
        assert_int_equal(prefix_parse("fe80::1/64", AF_INET6, &p), 0);
        assert_int_equal(p.bits, 64);
        assert_int_equal(prefix_parse("fe80::1/129", AF_INET6, &p), -EINVAL);
        assert_int_equal(prefix_parse("10.1.2.3", AF_INET6, &p), -EINVAL);
}

static void test_ranges(void **state)
{
        struct range r;

        (void)state;
        assert_int_equal(range("10.236.0.0/16", AF_INET).slots, 16384);
        assert_int_equal(range("10.9.0.4/30", AF_INET).slots, 1);
        assert_int_equal(range("10.0.0.0/8", AF_INET).slots, 1 << 22);
        assert_int_equal(range("fd00:1:2::/48", AF_INET6).slots, 65536);
        assert_int_equal(range("fd00:1:2:3::/64", AF_INET6).slots, 1);
        assert_int_equal(range_parse("10.0.0.0/31", AF_INET, &r), -EINVAL);
        assert_int_equal(range_parse("0.0.0.0/0", AF_INET, &r), -EINVAL);
        assert_int_equal(range_parse("fd00::/40", AF_INET6, &r), -EINVAL);
        assert_int_equal(range_parse("fd00::/65", AF_INET6, &r), -EINVAL);
        assert_int_equal(range_parse("10.0.0.0", AF_INET, &r), -EINVAL);
        /* An address in the network instead of the network address. */
        assert_int_equal(range_parse("10.9.1.0/16", AF_INET, &r), -EINVAL);
        assert_int_equal(range_parse("10.9.0.2/30", AF_INET, &r), -EINVAL);
}

static void test_covered(void **state)
{
        struct range r = range("10.9.0.0/24", AF_INET), r6 = range("fd00:1:2::/48", AF_INET6);
        struct prefix p6;
        uint32_t a, b;

        (void)state;
        assert_covered(&r, "10.9.0.7", 1, 1, 1);
        assert_covered(&r, "10.9.0.0/30", 1, 0, 0);
        assert_covered(&r, "10.9.0.255", 1, 63, 63);
        assert_covered(&r, "10.9.0.64/26", 1, 16, 31);
        assert_covered(&r, "10.9.0.77/26", 1, 16, 31); /* not in the form that the kernel reports */
        assert_covered(&r, "10.9.0.0/24", 1, 0, 63);
        assert_covered(&r, "10.0.0.0/8", 1, 0, 63);
        assert_covered(&r, "10.9.1.0/24", 0, 0, 0);
        assert_covered(&r, "10.9.1.0", 0, 0, 0);
        assert_covered(&r, "192.168.0.0/16", 0, 0, 0);
        assert_covered(&r6, "fd00:1:2:abcd::1", 1, 0xabcd, 0xabcd);
        assert_covered(&r6, "fd00:1:2:ab00::/56", 1, 0xab00, 0xabff);
        assert_covered(&r6, "fd00::/8", 1, 0, 65535);
        assert_covered(&r6, "fe80::/64", 0, 0, 0);
        assert_int_equal(prefix_parse("fd00:1:2::", AF_INET6, &p6), 0);
        assert_int_equal(range_covered(&r, &p6, &a, &b), 0);
}

static void test_slot_of(void **state)
{
        struct range r = range("10.9.0.0/24", AF_INET), r6 = range("fd00:1:2::/48", AF_INET6);

        (void)state;
        assert_int_equal(range_slot_of(&r, "10.9.0.5", "10.9.0.6"), 1);
        assert_int_equal(range_slot_of(&r, "10.9.0.1", "10.9.0.6"), -1);
        assert_int_equal(range_slot_of(&r, "10.9.0.6", "10.9.0.5"), -1);
        assert_int_equal(range_slot_of(&r, "10.8.0.5", "10.8.0.6"), -1);
        assert_int_equal(range_slot_of(&r, NULL, "10.9.0.6"), -1);
        assert_int_equal(range_slot_of(&r, "10.9.0.5", NULL), -1);
        assert_int_equal(range_slot_of(&r, "nonsense", "10.9.0.6"), -1);
        assert_int_equal(range_slot_of(&r6, "fd00:1:2:f::1", "fd00:1:2:f::2"), 15);
        assert_int_equal(range_slot_of(&r6, "fd00:1:2:f:1::1", "fd00:1:2:f:1::2"), -1);
        assert_int_equal(range_slot_of(&r6, "fd00:1:2:f::1", "fd00:1:2:e::2"), -1);
}

static void test_routes(void **state)
{
        struct routes r = { 0 };

        (void)state;
        assert_int_equal(routes_read(&fake.host, AF_INET, &r, &fake.err), 0);
        for (size_t i = 0; i < r.n; i++) {
                assert_int_equal(r.items[i].to.family, AF_INET);
                assert_in_range(r.items[i].to.bits, 8, 32);
        }
        routes_done(&r);
        assert_int_equal(routes_read(&fake.host, AF_INET6, &r, &fake.err), 0);
        routes_done(&r);
        assert_null(r.items);
}

/* A netlink message about 10.1.2.3, as the kernel sends it. */
struct message {
        struct nlmsghdr h;
        union {
                struct rtmsg route;
                struct ndmsg neighbour;
        };
        struct rtattr a;
        uint8_t address[4];
};

static struct message route_to(uint8_t last)
{
        return (struct message){ .h = { .nlmsg_type = RTM_NEWROUTE, .nlmsg_len = sizeof(struct message) },
                                 .route = { .rtm_family = AF_INET, .rtm_dst_len = 32 },
                                 .a = { .rta_type = RTA_DST, .rta_len = RTA_LENGTH(4) },
                                 .address = { 10, 1, 2, last } };
}

static void test_route_messages(void **state)
{
        struct message m[] = { route_to(3), route_to(4), route_to(5) };
        struct routes r = { 0 };

        (void)state;
        assert_int_equal(routes_parse(&r, m, 2 * sizeof(*m)), 0);
        assert_int_equal(r.n, 2);
        assert_memory_equal(r.items[1].to.addr, m[1].address, 4);
        routes_done(&r);
        /* The last message has no padding: what follows it was not received. */
        m[1].h.nlmsg_len--;
        assert_int_equal(routes_parse(&r, m, 2 * sizeof(*m) - 1), 0);
        assert_int_equal(r.n, 1);
        routes_done(&r);
        /* Too short for a route. */
        m[0].h.nlmsg_len = NLMSG_LENGTH(0);
        assert_int_equal(routes_parse(&r, m, NLMSG_LENGTH(0)), 0);
        assert_int_equal(r.n, 0);
        m[0].h.nlmsg_type = NLMSG_ERROR;
        assert_int_equal(routes_parse(&r, m, NLMSG_LENGTH(0)), -EIO);
        m[0].h.nlmsg_type = NLMSG_DONE;
        assert_int_equal(routes_parse(&r, m, sizeof(m)), 1);
        assert_null(r.items);
}

static struct message neighbour(uint8_t last)
{
        return (struct message){ .h = { .nlmsg_type = RTM_NEWNEIGH, .nlmsg_len = sizeof(struct message) },
                                 .neighbour = { .ndm_family = AF_INET, .ndm_state = NUD_REACHABLE, .ndm_ifindex = 1 },
                                 .a = { .rta_type = NDA_DST, .rta_len = RTA_LENGTH(4) },
                                 .address = { 10, 1, 2, last } };
}

/* Another link, such as that of another container, can have the same address. */
static void test_neighbour_interface(void **state)
{
        struct message m = neighbour(3);
        struct neighbours l = { 0 };

        (void)state;
        m.neighbour.ndm_ifindex = 1;
        assert_int_equal(neighbours_add(&l, &fake.host, "web", AF_INET, "10.1.2.3", &fake.err), 0);
        neighbours_parse(&l, &m, sizeof(m));
        assert_false(l.items[0].answers); /* there is no route to it yet */
        l.items[0].index = 2;
        neighbours_parse(&l, &m, sizeof(m));
        assert_false(l.items[0].answers);
        m.neighbour.ndm_ifindex = 2;
        neighbours_parse(&l, &m, sizeof(m));
        assert_true(l.items[0].answers);
        neighbours_done(&l);
}

static void test_interfaces(void **state)
{
        struct route items[] = { { .to = { AF_INET, 24, { 10, 1, 2 } }, .index = 1 },
                                 { .to = { AF_INET, 30, { 10, 1, 2, 4 } }, .index = 2 },
                                 { .to = { AF_INET, 32, { 10, 1, 2, 6 } }, .index = 3 },
                                 { .to = { AF_INET6, 32, { 10, 1, 2, 7 } }, .index = 4 } };
        const struct routes r = { items, ARRAY_SIZE(items) };
        const struct {
                const char *address;
                unsigned index;
        } cases[] = { { "10.1.2.3", 1 }, { "10.1.2.7", 2 }, { "10.1.2.6", 3 }, { "10.1.3.6", 0 } };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct prefix p;

                assert_int_equal(prefix_parse(cases[i].address, AF_INET, &p), 0);
                assert_int_equal(routes_interface(&r, &p), cases[i].index);
        }
}

static void test_neighbour_messages(void **state)
{
        struct message m[] = { neighbour(3), neighbour(4), neighbour(5) };
        struct neighbours l = { 0 };

        (void)state;
        for (char *a = (char[]){ "10.1.2.3" }; a[7] < '6'; a[7]++)
                assert_int_equal(neighbours_add(&l, &fake.host, "web", AF_INET, a, &fake.err), 0);
        for (size_t i = 0; i < l.n; i++)
                l.items[i].index = 1;
        m[0].neighbour.ndm_state = NUD_FAILED;
        m[1].h.nlmsg_len--; /* without padding */
        m[1].a.rta_len--;
        neighbours_parse(&l, m, 2 * sizeof(*m) - 1);
        assert_int_equal(l.items[0].answers + l.items[1].answers + l.items[2].answers, 0);
        m[1] = neighbour(4);
        neighbours_parse(&l, m, sizeof(m));
        assert_false(l.items[0].answers);
        assert_true(l.items[1].answers && l.items[2].answers);
        neighbours_done(&l);
}

/* Containers can make events faster than they are read. */
static void test_neighbours_without_end(void **state)
{
        struct neighbours l = { 0 };
        char byte = 0;
        int fds[2];

        (void)state;
        assert_int_equal(neighbours_add(&l, &fake.host, "web", AF_INET, "10.0.0.1", &fake.err), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
        for (int i = 0; i < 100; i++)
                assert_int_equal(send(fds[0], &byte, 1, 0), 1);
        assert_int_equal(neighbours_read(&l, fds[1]), 1);
        assert_int_equal(recv(fds[1], &byte, 1, 0), 1);
        assert_int_equal(neighbours_read(&l, fds[1]), 1);
        assert_int_equal(recv(fds[1], &byte, 1, 0), -1);
        close(fds[0]), close(fds[1]);
        neighbours_done(&l);
}

/* ---- settings of containers ---- */

static int list(void *data, const char *name, const struct addresses *a)
{
        fake_note(data, "%s %s %s %s %s %d %d", name, a->host4 ? a->host4 : "-", a->local4 ? a->local4 : "-",
                  a->host6 ? a->host6 : "-", a->local6 ? a->local6 : "-", a->private_network, !!a->bridge);
        return !strcmp(name, "stop") ? 5 : 0;
}

static void test_confs(void **state)
{
        struct addresses a = { 0 };

        (void)state;
        put("/conf/b.conf",
            "SYSTEM_PATH=/x\n\nPRIVATE_NETWORK=1\nHOST_ADDRESS=10.0.0.1\nLOCAL_ADDRESS=10.0.0.2/24\nHOST_BRIDGE=br0\n");
        put("/conf/a.conf",
            "LOCAL_ADDRESS6=fd00::2/64\nHOST_ADDRESS6=fd00::1\n#LOCAL_ADDRESS=1.2.3.4\nLOCAL_ADDRESS=\nnonsense");
        put("/conf/.conf", "LOCAL_ADDRESS=1.2.3.4\n");
        put("/conf/odd name.conf", "LOCAL_ADDRESS=1.2.3.4\n");
        put("/conf/c", "LOCAL_ADDRESS=1.2.3.4\n");
        put("/other/old.conf", "LOCAL_ADDRESS=10.0.0.6\n");
        assert_int_equal(addresses_foreach(&fake.host, list, &fake, &fake.err), 0);
        assert_string_equal(fake.calls, "a - - fd00::1 fd00::2/64 0 0\nb 10.0.0.1 10.0.0.2/24 - - 1 1\n"
                                        "old - 10.0.0.6 - - 0 0\n");
        fake_reset(&fake);
        put("/conf/stop.conf", "");
        put("/conf/z.conf", "");
        assert_int_equal(addresses_foreach(&fake.host, list, &fake, &fake.err), 5);
        assert_null(strstr(fake.calls, "z "));

        assert_int_equal(addresses_read(&fake.host, "b", &a, &fake.err), 1);
        assert_string_equal(a.local4, "10.0.0.2");
        addresses_done(&a);
        assert_int_equal(addresses_read(&fake.host, "old", &a, &fake.err), 1);
        assert_string_equal(a.local4, "10.0.0.6");
        addresses_done(&a);
        assert_int_equal(addresses_read(&fake.host, "none", &a, &fake.err), 0);
        assert_int_equal(addresses_read(&fake.host, "../conf/b", &a, &fake.err), 0);
        assert_int_equal(addresses_read(&fake.host, "", &a, &fake.err), 0);

        char *fifo = at("/conf/fifo.conf");
        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_true(addresses_read(&fake.host, "fifo", &a, &fake.err) < 0);
        assert_non_null(strstr(fake.err.msg, "/conf/fifo.conf: it is not a regular file"));
        free(fifo);
}

/* Without any containers. */
static void test_no_confs(void **state)
{
        (void)state;
        set_path("conf", "/absent");
        set_path("conf-other", "/absent-too");
        assert_int_equal(addresses_foreach(&fake.host, list, &fake, &fake.err), 0);
        assert_string_equal(fake.calls, "");
}

/* ---- hooks ---- */

static const char *eval(void)
{
        fake_reset(&fake);
        assert_int_equal(PLUGIN->hooks->eval(self, &fake.op, &fake.eval, &fake.err), 0);
        return fake.calls;
}

static void test_eval(void **state)
{
        const char *calls;

        (void)state;
        put("/conf/web.conf", "PRIVATE_NETWORK=1\nHOST_ADDRESS=10.9.0.49\nLOCAL_ADDRESS=10.9.0.50\n");
        put("/conf/six.conf", "PRIVATE_NETWORK=1\nHOST_ADDRESS6=fd00:1:2:f::1\nLOCAL_ADDRESS6=fd00:1:2:f::2\n");
        put("/conf/hand.conf", "PRIVATE_NETWORK=1\nHOST_ADDRESS=10.9.0.101\nLOCAL_ADDRESS=10.9.0.103\n");
        put("/conf/wide.conf", "LOCAL_ADDRESS=10.9.0.195/29\n");
        put("/conf/else.conf", "LOCAL_ADDRESS=192.168.1.1\n");
        calls = eval();
        assert_non_null(strstr(calls, "nix.add_module /plugin/module.nix\n"));
        assert_non_null(strstr(calls, "nix.add_arg network\n"));
        assert_non_null(strstr(
                calls, "{\"firewall\":\"auto\",\"connections\":16384,\"partition\":0,\"v4\":{\"range\":\"10.9.0.0/"
                       "24\",\"slots\":64,\"base\":168361984,\"taken\":["));
        assert_non_null(strstr(calls, "[25,25,\"ve-hand\"]"));
        assert_non_null(strstr(calls, "[48,49,\"ve-wide\"]"));
        assert_non_null(strstr(calls, "[12,12,\"ve-web\"]"));
        assert_non_null(strstr(calls, "\"assigned\":{\"web\":12}}"));
        assert_non_null(strstr(
                calls,
                "\"v6\":{\"range\":\"fd00:1:2::/48\",\"slots\":65536,\"head\":\"fd00:1:2\",\"base\":0,\"taken\":["));
        assert_non_null(strstr(calls, "\"assigned\":{\"six\":15}}}"));
        assert_null(strstr(calls, "else"));
}

static void test_bad_settings(void **state)
{
        static const struct {
                const char *key, *value, *said;
        } bad[] = {
                { "range", "10.9.0.0", "'range' must be a range of addresses with 8 to 30 bits, like" },
                { "range", "10.9.0.0/31", "'range' must be" },
                { "range", "fd00::/48", "'range' must be" },
                { "range6", "fd00::/32", "'range6' must be a range of addresses with 48 to 64 bits, like" },
                { "firewall", "ufw", "'firewall' must be auto, nft or iptables, not 'ufw'" },
                { "connections", "-1", "'connections' must be a number from 0 to 4294967295, not '-1'" },
                { "connections", "4294967296", "'connections' must be a number from 0" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                fake_reset(&fake);
                fake_setting(&fake, "range", "10.9.0.0/24");
                fake_setting(&fake, "range6", "fd00:1:2::/48");
                fake_setting(&fake, "firewall", "auto");
                fake_setting(&fake, "connections", "16384");
                fake_setting(&fake, bad[i].key, bad[i].value);
                /* Commands without an evaluation only warn. */
                fake_unload(PLUGIN, self);
                self = fake_load(&fake, PLUGIN);
                assert_non_null(strstr(fake.log, bad[i].said));
                assert_true(PLUGIN->hooks->eval(self, &fake.op, &fake.eval, &fake.err) < 0);
                assert_non_null(strstr(fake.err.msg, bad[i].said));
        }
}

static void test_failing_services(void **state)
{
        (void)state;
        fake.fail_at = "nix.add_module";
        assert_true(PLUGIN->hooks->eval(self, &fake.op, &fake.eval, &fake.err) < 0);
        fake_reset(&fake);
        fake.fail_at = "nix.add_arg";
        assert_true(PLUGIN->hooks->eval(self, &fake.op, &fake.eval, &fake.err) < 0);
        fake.fail_at = NULL;
}

/* Runs at the same time use different partitions. */
static void test_partitions(void **state)
{
        struct network a = { &fake.host, -1 }, b = { &fake.host, -1 }, c = { &fake.host, -1 };
        unsigned partition = 9;

        (void)state;
        if (geteuid() != 0)
                skip();
        assert_int_equal(partition_take(&a, &partition, &fake.err), 0);
        assert_int_equal(partition, 0);
        assert_int_equal(partition_take(&b, &partition, &fake.err), 0);
        assert_int_equal(partition, 1);
        partition_release(&a);
        assert_int_equal(a.partition, -1);
        assert_int_equal(partition_take(&c, &partition, &fake.err), 0);
        assert_int_equal(partition, 0);
        partition_release(&b);
        partition_release(&c);
        partition_release(&c);

        /* If all are in use, the usual one is taken without a lock. */
        for (int i = 0; i < 32; i++) {
                struct network n = { &fake.host, -1 };

                assert_int_equal(partition_take(&n, &partition, &fake.err), 0);
                assert_int_equal(partition, i);
                assert_true(n.partition >= 0); /* held until the end of the test */
        }
        assert_int_equal(partition_take(&a, &partition, &fake.err), 0);
        assert_int_equal(partition, 0);
        assert_int_equal(a.partition, -1);
}

static int started(const struct ec_container *a, const struct ec_container *b)
{
        const struct ec_container *const containers[] = { a, b, NULL };

        return PLUGIN->hooks->started(self, &fake.op, containers, &fake.err);
}

static void test_partition_is_released(void **state)
{
        struct network *n = self;
        struct ec_container *c = fake_container(&fake, "web", dir, 0);

        (void)state;
        if (geteuid() != 0)
                skip();
        eval();
        assert_true(n->partition >= 0);
        assert_int_equal(started(c, NULL), 0);
        assert_int_equal(n->partition, -1);
        eval();
        PLUGIN->hooks->finish(self, &fake.op, 0);
        assert_int_equal(n->partition, -1);
}

static struct ec_container *with_address(const char *name, const char *host, const char *local)
{
        struct ec_container *c = fake_container(&fake, name, dir, 0);

        fake_conf(c, "PRIVATE_NETWORK", "1");
        fake_conf(c, "HOST_ADDRESS", host);
        fake_conf(c, "LOCAL_ADDRESS", local);
        return c;
}

static void test_pre_install(void **state)
{
        struct ec_container *picked = with_address("new", "10.9.0.49", "10.9.0.50");
        struct ec_container *by_hand = with_address("other", "10.1.0.1", "10.1.0.2/24");
        struct ec_container *none = fake_container(&fake, "plain", dir, 0);

        (void)state;
        put("/conf/new.conf", "LOCAL_ADDRESS=10.9.0.50\n");
        assert_int_equal(PLUGIN->hooks->pre_install(self, &fake.op, picked, &fake.err), 0);
        assert_int_equal(PLUGIN->hooks->pre_install(self, &fake.op, by_hand, &fake.err), 0);
        put("/conf/web.conf", "LOCAL_ADDRESS=10.9.0.50\n");
        put("/conf/zzz.conf", "LOCAL_ADDRESS=10.1.0.2\n");
        assert_int_equal(PLUGIN->hooks->pre_install(self, &fake.op, picked, &fake.err), -EADDRINUSE);
        assert_string_equal(fake.err.msg,
                            "its address 10.9.0.50 was given to container 'web' after it was built; build it again");
        fake_reset(&fake);
        assert_int_equal(PLUGIN->hooks->pre_install(self, &fake.op, by_hand, &fake.err), -EADDRINUSE);
        assert_string_equal(fake.err.msg,
                            "its localAddress 10.1.0.2 is also the localAddress of container 'zzz'; change one of "
                            "them, or destroy 'zzz'");
        fake_reset(&fake);
        assert_int_equal(PLUGIN->hooks->pre_install(self, &fake.op, none, &fake.err), 0);
}

/* Does pre_install refuse c, with this at the beginning of the message? NULL: it accepts c. */
static void assert_refused(const struct ec_container *c, const char *said)
{
        fake_reset(&fake);
        assert_int_equal(PLUGIN->hooks->pre_install(self, &fake.op, c, &fake.err), said ? -EADDRINUSE : 0);
        if (said)
                assert_string_equal(fake.err.msg, said);
}

static void test_clashes(void **state)
{
        struct ec_container *a = with_address("a", "10.1.0.1", "10.1.0.2"), *c;

        (void)state;
        /* Several may have one hostAddress; in a bridge, it is not the host's. */
        put("/conf/shared.conf", "HOST_ADDRESS=10.1.0.1\nLOCAL_ADDRESS=10.1.0.3\n");
        put("/other/bridged.conf", "HOST_BRIDGE=br0\nHOST_ADDRESS=10.1.0.2\nLOCAL_ADDRESS=10.1.0.4\n");
        assert_refused(a, NULL);
        put("/other/old.conf", "HOST_ADDRESS=10.1.0.2\n");
        assert_refused(
                a,
                "its localAddress 10.1.0.2 is also the hostAddress of container 'old'; change one of them, or destroy "
                "'old'");
        put("/other/old.conf", "LOCAL_ADDRESS=10.1.0.1\n");
        assert_refused(
                a,
                "its hostAddress 10.1.0.1 is also the localAddress of container 'old'; change one of them, or destroy "
                "'old'");
        put("/other/old.conf", "LOCAL_ADDRESS6=FD00:0::2/64\n");
        assert_refused(a, NULL);
        fake_conf(a, "LOCAL_ADDRESS6", "fd00::2");
        assert_refused(a, "its localAddress6 fd00::2 is also the localAddress6 of container 'old'; change one of them, "
                          "or destroy "
                          "'old'");

        /* On another bridge, an address can be used again; on the same one it cannot. */
        c = with_address("c", "10.1.0.1", "10.1.0.4");
        fake_conf(c, "HOST_BRIDGE", "br1");
        assert_refused(c, NULL);
        c = with_address("d", "10.1.0.9", "10.1.0.4");
        fake_conf(c, "HOST_BRIDGE", "br0");
        assert_refused(
                c, "its localAddress 10.1.0.4 is also the localAddress of container 'bridged'; change one of them, or "
                   "destroy 'bridged'");
}

static void test_port_clashes(void **state)
{
        struct ec_container *a = with_address("a", "10.1.0.1", "10.1.0.2"), *b;

        (void)state;
        fake_conf(a, "HOST_PORT", "udp:53:53,tcp:8080:80");
        put("/conf/other.conf", "HOST_PORT=tcp:80:8080,tcp:53:53,udp:8080:80,8080:80,8080\n");
        assert_refused(a, NULL);
        put("/conf/other.conf", "HOST_PORT=tcp:80:80,tcp:8080:1\n");
        assert_refused(
                a, "its forwardPorts have hostPort 8080 (tcp), which is also forwarded to container 'other'; change "
                   "one of them, or destroy 'other'");
        /* A container of the definition replaces the installed one. */
        b = with_address("other", "10.1.1.1", "10.1.1.2");
        assert_refused(a, NULL);
        fake_conf(b, "HOST_PORT", "udp:53:5353");
        assert_refused(
                a, "its forwardPorts have hostPort 53 (udp), which is also forwarded to container 'other'; change one "
                   "of them, or destroy 'other'");
        assert_refused(
                b, "its forwardPorts have hostPort 53 (udp), which is also forwarded to container 'a'; change one of "
                   "them, or destroy 'a'");
}

static void test_warnings(void **state)
{
        struct ec_container *c = fake_container(&fake, "web", dir, 1);

        (void)state;
        assert_int_equal(started(c, NULL), 0);
        assert_string_equal(fake.log, "");
        {
                char *p = at("/run/extra-container/network");

                assert_int_equal(mkdir(p, 0755), 0);
                free(p);
        }
        put("/run/extra-container/network/web", "path=/a:/b\nwarning=one thing\nwarning=another = thing\n");
        assert_int_equal(started(c, NULL), 0);
        assert_string_equal(fake.log, "4: container 'web': one thing\n4: container 'web': another = thing\n");
}

/* ---- rules that remain after a crash of the host ---- */

static int run_down(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        assert_non_null(strstr(p->env[0], "PATH=/a:/b:"));
        assert_true(p->flags & EC_PROC_NO_CANCEL);
        ret->status = f->status;
        free(ret->err);
        ret->err = strdup("first line\nsecond\n");
        return 0;
}

static int run_down_networkd(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        (void)f;
        ret->status = strstr(p->argv[1], "networkd.sh") ? 1 : 0;
        free(ret->err);
        ret->err = strdup("cannot\n");
        return 0;
}

static void test_removed(void **state)
{
        struct ec_container *c = fake_container(&fake, "web", dir, 1);
        char *p = at("/run/extra-container/network");

        (void)state;
        assert_int_equal(mkdir(p, 0755), 0);
        free(p);
        fake.proc = run_down;
        assert_int_equal(PLUGIN->hooks->removed(self, &fake.op, c, &fake.err), 0);
        assert_null(strstr(fake.calls, "proc")); /* its unit has removed them */
        put("/run/extra-container/network/web", "path=/a:/b\n");
        put("/run/extra-container/network/.links-web", "side\n");
        assert_int_equal(PLUGIN->hooks->removed(self, &fake.op, c, &fake.err), 0);
        assert_non_null(strstr(fake.calls, "sh /plugin/firewall.sh down web"));
        p = at("/run/extra-container/network/.links-web");
        assert_int_equal(access(p, F_OK), -1);
        free(p);
        fake_reset(&fake);
        fake.status = 1;
        assert_true(PLUGIN->hooks->removed(self, &fake.op, c, &fake.err) < 0);
        assert_string_equal(fake.err.msg, "its firewall rules are not removed: first line");
        fake_reset(&fake);
        p = at("/run/systemd");
        assert_int_equal(mkdir(p, 0755), 0);
        free(p);
        p = at("/run/systemd/network");
        assert_int_equal(mkdir(p, 0755), 0);
        free(p);
        put("/run/systemd/network/79-extra-container-web.network", "");
        fake.proc = run_down_networkd;
        assert_int_equal(PLUGIN->hooks->removed(self, &fake.op, c, &fake.err), 0);
        assert_non_null(strstr(fake.calls, "sh /plugin/networkd.sh down web"));
        assert_non_null(
                strstr(fake.calls, "sh /plugin/firewall.sh down web")); /* the other is removed even if one fails */
        assert_string_equal(fake.log, "4: container 'web': its file for systemd-networkd is not removed: cannot\n");
}

/* ---- waiting ---- */

/* Waits for all in parallel with one deadline; no host has an address that is reserved for documentation. */
static void test_no_answer(void **state)
{
        struct ec_container *web = with_address("web", "192.0.2.76", "192.0.2.77/24");
        struct ec_container *db = with_address("db", "192.0.2.80", "192.0.2.81/24");
        struct ec_container *bridged = with_address("bridged", "192.0.2.80", "192.0.2.82");
        uint64_t begin;

        (void)state;
        fake_conf(web, "LOCAL_ADDRESS6", "2001:db8::77");
        fake_conf(bridged, "HOST_BRIDGE", "br0");
        fake_setting(&fake, "wait", "1s");
        begin = clock_usec();
        assert_int_equal(started(web, db), 0);
        assert_in_range(clock_usec() - begin, USEC_PER_SEC, USEC_PER_SEC * 5 / 2);
        assert_string_equal(fake.log, "4: container 'web': its address 192.0.2.77 does not answer\n"
                                      "4: container 'web': its address 2001:db8::77 does not answer\n"
                                      "4: container 'db': its address 192.0.2.81 does not answer\n");
        fake_reset(&fake);
        assert_int_equal(started(bridged, NULL), 0);
        assert_string_equal(fake.log, "");
}

static void test_bad_address(void **state)
{
        (void)state;
        fake_setting(&fake, "wait", "1ms");
        assert_int_equal(started(with_address("web", "192.0.2.76", "nonsense"), NULL), -EINVAL);
        assert_string_equal(fake.err.msg, "container 'web': 'nonsense' is not an address");
}

static void test_interrupted(void **state)
{
        struct ec_container *web = with_address("web", "192.0.2.76", "192.0.2.77");
        int fds[2];
        uint64_t begin = clock_usec();

        (void)state;
        fake_setting(&fake, "wait", "10s");
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(write(fds[1], "", 1), 1);
        fake.cancel_fd = fds[0];
        fake.interrupted = 1;
        assert_int_equal(started(web, NULL), -ECANCELED);
        assert_in_range(clock_usec() - begin, 0, USEC_PER_SEC * 4);

        /* While interrupts are held, it waits without a busy loop. */
        fake_reset(&fake);
        fake_setting(&fake, "wait", "300ms");
        fake.held = 1;
        fake.checks = 0;
        begin = clock_usec();
        assert_int_equal(started(web, NULL), 0);
        assert_in_range(clock_usec() - begin, USEC_PER_SEC * 3 / 10, USEC_PER_SEC * 2);
        assert_in_range(fake.checks, 1, 20);
        close(fds[0]);
        close(fds[1]);
}

/* ---- show-ip, sessions ---- */

static void test_show_ip(void **state)
{
        (void)state;
        put("/conf/both.conf", "LOCAL_ADDRESS=10.0.0.2/24\nLOCAL_ADDRESS6=fd00::2\n");
        put("/conf/six.conf", "LOCAL_ADDRESS6=fd00::2\n");
        put("/conf/none.conf", "SYSTEM_PATH=/x\n");
        fake_args(&fake, "both", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "show-ip"), 0);
        assert_string_equal(fake.out, "10.0.0.2\nfd00::2\n");
        fake_reset(&fake);
        fake_args(&fake, "six", (char *)NULL);
        assert_int_equal(fake_run(&fake, PLUGIN, self, "show-ip"), 0);
        assert_string_equal(fake.out, "fd00::2\n");
        fake_reset(&fake);
        fake_args(&fake, "none", (char *)NULL);
        assert_true(fake_run(&fake, PLUGIN, self, "show-ip") < 0);
        assert_string_equal(fake.err.msg, "container 'none' has no address of its own");
        fake_reset(&fake);
        fake_args(&fake, "absent", (char *)NULL);
        assert_true(fake_run(&fake, PLUGIN, self, "show-ip") < 0);
        assert_string_equal(fake.err.msg, "no container named 'absent' is installed");
        fake_reset(&fake);
        assert_true(fake_run(&fake, PLUGIN, self, "show-ip") < 0);
        assert_true(fake.err.usage);
        fake_reset(&fake);
        fake_args(&fake, "both", "six", (char *)NULL);
        assert_true(fake_run(&fake, PLUGIN, self, "show-ip") < 0);
        assert_true(fake.err.usage);
}

static void test_shell(void **state)
{
        struct ec_container *c = with_address("web", "10.9.0.49", "10.9.0.50");

        (void)state;
        fake.shell.container = c;
        assert_int_equal(PLUGIN->hooks->shell(self, &fake.op, &fake.shell, &fake.err), 0);
        assert_null(strstr(fake.calls, "fd00"));
        fake_conf(c, "LOCAL_ADDRESS6", "fd00::2/64");
        assert_int_equal(PLUGIN->hooks->shell(self, &fake.op, &fake.shell, &fake.err), 0);
        assert_non_null(strstr(fake.calls, "ip6"));
        assert_non_null(strstr(fake.calls, "fd00::2"));
}

static void test_descriptor(void **state)
{
        (void)state;
        fake_check_descriptor(PLUGIN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_descriptor),
                TEST(test_prefixes),
                TEST(test_ranges),
                TEST(test_covered),
                TEST(test_slot_of),
                TEST(test_routes),
                TEST(test_route_messages),
                TEST(test_neighbour_messages),
                TEST(test_neighbour_interface),
                TEST(test_interfaces),
                TEST(test_neighbours_without_end),
                TEST(test_confs),
                TEST(test_no_confs),
                TEST(test_eval),
                TEST(test_bad_settings),
                TEST(test_failing_services),
                TEST(test_partitions),
                TEST(test_partition_is_released),
                TEST(test_pre_install),
                TEST(test_clashes),
                TEST(test_port_clashes),
                TEST(test_warnings),
                TEST(test_removed),
                TEST(test_no_answer),
                TEST(test_bad_address),
                TEST(test_interrupted),
                TEST(test_show_ip),
                TEST(test_shell),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
