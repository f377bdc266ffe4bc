/* SPDX-License-Identifier: MIT */
#include "svc/machine/buffer.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "in_child.h"

static void test_copy(void **state)
{
        static struct buffer b;
        char got[8] = "";
        int from[2], to[2];

        (void)state;
        assert_int_equal(pipe2(from, O_CLOEXEC | O_NONBLOCK) | pipe2(to, O_CLOEXEC), 0);
        assert_true(buffer_read(&b, from[0]) < 0 && errno == EAGAIN && buffer_empty(&b));
        assert_int_equal(write(from[1], "hello", 5), 5);
        assert_int_equal(buffer_read(&b, from[0]), 5);
        assert_false(buffer_empty(&b));
        assert_int_equal(buffer_write(&b, to[1]), 0);
        assert_true(buffer_empty(&b));
        assert_int_equal(read(to[0], got, sizeof(got)), 5);
        assert_string_equal(got, "hello");
        close(from[1]);
        assert_int_equal(buffer_read(&b, from[0]), 0);
        close(from[0]);
        close(to[0]);
        close(to[1]);
}

/* One call never waits: it writes no more than a pipe takes at once, and nothing if that is full. */
static void test_full(void **state)
{
        static struct buffer b;
        int from = open("/dev/zero", O_RDONLY | O_CLOEXEC), to[2], rounds = 0;
        size_t left;

        (void)state;
        signal(SIGPIPE, SIG_IGN);
        assert_int_equal(pipe2(to, O_CLOEXEC | O_NONBLOCK), 0);
        do {
                if (buffer_empty(&b))
                        assert_int_equal(buffer_read(&b, from), BUFFER_SIZE);
                left = b.end - b.start;
                assert_int_equal(buffer_write(&b, to[1]), 0);
        } while (left != b.end - b.start && ++rounds < 10000);
        assert_true(rounds > 1 && !buffer_empty(&b));
        close(to[0]);
        assert_int_equal(buffer_write(&b, to[1]), -EPIPE);
        buffer_clear(&b);
        assert_true(buffer_empty(&b));
        close(to[1]);
        close(from);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_copy), cmocka_unit_test(test_full) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
