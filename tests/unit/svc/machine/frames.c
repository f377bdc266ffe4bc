/* SPDX-License-Identifier: MIT */
#include "svc/machine/frames.h"

#include <endian.h>
#include <string.h>

#include "capture.h"

#define OK    "OK 0123456789abcdef0123456789abcdef\r\n"
#define HELLO "DATA\r\n" OK "AGREE_UNIX_FD\r\n"

/* The header of a message with this body, and fields of this length. */
static void head(uint8_t *to, char order, uint32_t body, uint32_t fields)
{
        memset(to, 0, 16);
        to[0] = (uint8_t)order;
        body = order == 'l' ? htole32(body) : htobe32(body);
        fields = order == 'l' ? htole32(fields) : htobe32(fields);
        memcpy(to + 4, &body, 4);
        memcpy(to + 12, &fields, 4);
}

/* In pieces of each size. */
static void test_pieces(void **state UNUSED)
{
        uint8_t text[200] = HELLO;
        size_t n = strlen((char *)text), all;

        head(text + n, 'l', 5, 11); /* 11 are padded to 16 */
        all = n + 16 + 16 + 5;
        memset(text + n + 16, 'B', 21);
        head(text + all, 'B', 0, 8);
        all += 16 + 8;
        for (size_t size = 1; size <= all; size++) {
                struct frames f = { 0 };

                for (size_t i = 0; i < all; i += size)
                        assert_true(frames_accept(&f, text + i, i + size > all ? all - i : size));
                assert_int_equal(f.left, 0);
                assert_int_equal(f.have, 0);
                assert_int_equal(f.phase, FRAMES_MESSAGES);
        }
}

static void test_too_long(void **state UNUSED)
{
        static const struct {
                char order;
                uint32_t body, fields;
                bool good;
        } cases[] = {
                { 'l', FRAME_MAX, 0, true },
                { 'l', FRAME_MAX - 8, 1, true },
                { 'l', FRAME_MAX, 1, false },
                { 'B', 120 << 20, 0, false },
                { 'l', UINT32_MAX, 0, false },
                { 'l', 0, UINT32_MAX, false },
                { 'B', UINT32_MAX, UINT32_MAX, false },
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                struct frames f = { .phase = FRAMES_MESSAGES };
                uint8_t h[16];

                head(h, cases[i].order, cases[i].body, cases[i].fields);
                assert_int_equal(frames_accept(&f, h, sizeof(h)), cases[i].good);
        }
}

/* sd-bus takes any line in the place of the last one, also one that looks like the head of a message. */
static void test_lines(void **state UNUSED)
{
        static const char *const good[] = { HELLO, (OK "AGREE_UNIX_FD\r\n"), ("DATA\r\n" OK), "DAT" };
        static const char *const bad[] = { "DATA\n",
                                           "DATA\r\nDATA\r\n",
                                           "OK 0123\r\n",
                                           (OK "l\001\001\001"),
                                           (OK "ERROR\r\n"),
                                           "l\001",
                                           (HELLO "x"),
                                           (HELLO "AGREE_UNIX_FD\r\n"),
                                           "012345678901234567890123456789012345678901234567890123456789" };

        for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
                assert_true(frames_accept(&(struct frames){ 0 }, good[i], strlen(good[i])));
        for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
                struct frames f = { 0 };

                if (frames_accept(&f, bad[i], strlen(bad[i])) && frames_accept(&f, "\r\nmore", 6))
                        fail_msg("accepted: %s", bad[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_pieces), cmocka_unit_test(test_too_long),
                                            cmocka_unit_test(test_lines) };

        return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
