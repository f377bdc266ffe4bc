/* SPDX-License-Identifier: MIT */
/* The test has both roles: the caller, with ends of pipes in `ours`, and the command, with streams->theirs. */
#include "svc/machine/streams.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "in_child.h"
#include "svc/process/interrupt.h"
#include "util/clock.h"

static struct streams *s;
static int to_in, from_out, from_err; /* the caller's other ends */
static int ours[3];
static char sunk[256];
static bool count_only;
static size_t counted;
static void sink(void *data, const char *text, size_t len)
{
        (void)data;
        counted += len;
        if (!count_only)
                strncat(sunk, text, len);
        else
                usleep(10000); /* slower than the writer */
}

static void begin(bool sunk_output)
{
        int fds[2];

        signal(SIGPIPE, SIG_IGN);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        ours[0] = fds[0], to_in = fds[1];
        assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        ours[1] = fds[1], from_out = fds[0];
        assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        ours[2] = fds[1], from_err = fds[0];
        *sunk = 0;
        s = streams_new(sunk_output ? sink : NULL, NULL);
        assert_non_null(s);
}

static void start(void)
{
        assert_int_equal(streams_begin(s, ours), 0);
        for (int i = 0; i < 3; i++) {
                struct stat st;

                assert_true(fstat(s->theirs[i], &st) == 0 && S_ISFIFO(st.st_mode) && s->theirs[i] != ours[i]);
        }
}

static void close_one(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static void end(void)
{
        streams_free(s);
        for (int i = 0; i < 3; i++)
                close_one(&ours[i]);
        close_one(&to_in);
        close_one(&from_out);
        close_one(&from_err);
}

/* Handles events until there are none for a moment, in which another process forwards. */
static void turn(void)
{
        struct pollfd fds[STREAMS_FDS];

        for (int i = 0; i < 1000; i++) {
                streams_fill(s, fds);
                if (poll(fds, STREAMS_FDS, 100) <= 0)
                        return;
                streams_handle(s, fds);
        }
}

static void drop(void *data, const char *text, size_t len)
{
        (void)data, (void)text, (void)len;
}

/* The poll loop after the end of the command; an interruption ends it. */
static int drain(void)
{
        struct pollfd fds[STREAMS_FDS + 1];
        int r;

        for (streams_end(s);;) {
                uint64_t deadline = UINT64_MAX;

                r = streams_drained(s, &deadline);
                fds[STREAMS_FDS] = (struct pollfd){ .fd = interrupt_fd(), .events = POLLIN };
                streams_fill(s, fds);
                if (r || (poll(fds, STREAMS_FDS + 1, clock_timeout_ms(deadline)) > 0 && fds[STREAMS_FDS].revents))
                        break;
                streams_handle(s, fds);
        }
        streams_finish(s);
        return r;
}

/* A container that sends a byte again and again is not waited for longer. */
static void test_trickle(void **state)
{
        uint64_t start = clock_usec();
        int pipe_fds[2];
        pid_t pid;

        (void)state;
        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK), 0);
        pid = fork();
        if (!pid) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                while (write(pipe_fds[1], "x", 1) == 1)
                        poll(NULL, 0, 500);
                _exit(0);
        }
        close(pipe_fds[1]);
        s = streams_new(drop, NULL);
        s->out.pipe = pipe_fds[0];
        assert_int_equal(drain(), -ETIMEDOUT);
        assert_in_range(clock_usec() - start, 8 * USEC_PER_SEC, 20 * USEC_PER_SEC);
        streams_free(s);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static const char *text(int fd)
{
        static char got[256];
        ssize_t n = read(fd, got, sizeof(got) - 1);

        got[n > 0 ? n : 0] = 0;
        return n < 0 ? strerror(errno) : got;
}

static const char *text_soon(int fd)
{
        assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 30 * 1000), 1);
        return text(fd);
}

/* The other end is closed, also for a writer that others wait for. */
static void is_closed(int fd)
{
        assert_int_equal(poll(&(struct pollfd){ .fd = fd }, 1, 30 * 1000), 1);
        assert_true(write(fd, "x", 1) < 0 && errno == EPIPE);
}

static void put(int fd, const char *what)
{
        assert_int_equal(write(fd, what, strlen(what)), (ssize_t)strlen(what));
}

static void test_copied(void **state)
{
        (void)state;
        begin(false);
        start();
        put(to_in, "typed");
        put(s->theirs[1], "out");
        put(s->theirs[2], "err");
        turn();
        assert_string_equal(text_soon(s->theirs[0]), "typed");
        assert_string_equal(text(from_out), "out");
        assert_string_equal(text(from_err), "err");
        close_one(&to_in);
        turn();
        assert_string_equal(text_soon(s->theirs[0]), ""); /* end of file */
        end();
}

/* One file for both: one pipe, which keeps the order. */
static void test_order(void **state)
{
        (void)state;
        begin(false);
        close_one(&ours[2]);
        ours[2] = dup(ours[1]);
        start();
        assert_int_equal(s->theirs[1], s->theirs[2]);
        put(s->theirs[1], "1");
        put(s->theirs[2], "2");
        put(s->theirs[1], "3");
        assert_int_equal(drain(), 1);
        assert_string_equal(text(from_out), "123");
        end();
}

static void test_none(void **state)
{
        (void)state;
        begin(false);
        for (int i = 0; i < 3; i++)
                close_one(&ours[i]);
        start();
        assert_string_equal(text_soon(s->theirs[0]), "");
        put(s->theirs[1], "nobody reads this");
        turn();
        put(s->theirs[2], "nor this");
        assert_int_equal(drain(), 1);
        assert_int_equal(s->failure, 0);
        end();
}

static void test_sink(void **state)
{
        (void)state;
        begin(true);
        start();
        put(s->theirs[1], "out");
        put(s->theirs[2], "err");
        turn();
        put(s->theirs[1], "rest");
        assert_int_equal(drain(), 1);
        assert_string_equal(sunk, "outerrrest");
        end();
}

/* A message of ours comes after the output, and does not wait for room in the command's pipe. */
static void test_tell(void **state)
{
        static char block[4096];

        (void)state;
        begin(true);
        start();
        put(s->theirs[1], "out ");
        streams_tell(s, "cmd", "not found");
        assert_int_equal(drain(), 1);
        assert_string_equal(sunk, "out cmd: not found\n");
        end();
        begin(false);
        start();
        assert_int_equal(fcntl(s->theirs[2], F_SETFL, O_NONBLOCK), 0);
        close_one(&from_err);
        while (write(s->theirs[2], block, sizeof(block)) > 0)
                ;
        streams_tell(s, "cmd", "not found"); /* to nobody */
        assert_int_equal(drain(), 1);
        end();
}

/* What the caller's reader does, the command notices. */
static void test_reader_gone(void **state)
{
        (void)state;
        begin(false);
        start();
        close_one(&from_out);
        put(s->theirs[1], "lost");
        turn();
        is_closed(s->theirs[1]);
        assert_int_equal(s->failure, 0);
        end();
}

static void test_write_fails(void **state)
{
        (void)state;
        begin(false);
        close_one(&ours[1]);
        ours[1] = open("/dev/full", O_WRONLY | O_CLOEXEC);
        start();
        put(s->theirs[1], "lost");
        turn();
        assert_int_equal(s->failure, -ENOSPC);
        is_closed(s->theirs[1]);
        end();
}

/* A command that does not read: what it has not read does not fill our memory, and is not lost while it may still. */
static void test_slow_command(void **state)
{
        static char block[65536];
        size_t total = 0;
        ssize_t n;

        (void)state;
        begin(false);
        assert_int_equal(fcntl(to_in, F_SETFL, O_NONBLOCK), 0);
        start();
        do {
                n = write(to_in, block, sizeof(block));
                total += n > 0 ? n : 0;
                turn();
        } while (n > 0);
        assert_true(total > 2 * BUFFER_SIZE && total < (1 << 20));
        close_one(&to_in);
        for (size_t got = 0; got < total; got += n) {
                turn();
                n = read(s->theirs[0], block, sizeof(block));
                assert_true(n > 0);
        }
        turn();
        assert_int_equal(read(s->theirs[0], block, 1), 0);
        end();
}

/* The command has ended, but a reader of ours is slow: all of its output arrives. */
static void in_test_slow_reader(void)
{
        static char block[32768];
        size_t got = 0;
        ssize_t n;
        pid_t pid;
        int status;

        must(interrupt_init() == 0);
        begin(false);
        fcntl(from_out, F_SETFL, 0);
        start();
        memset(block, 'x', sizeof(block));
        must(write(s->theirs[1], block, sizeof(block)) == sizeof(block));
        fcntl(ours[1], F_SETFL, O_NONBLOCK);
        while (write(ours[1], block, 4096) > 0)
                got += 4096; /* full */
        pid = fork();
        if (!pid) {
                _exit(drain() != 1);
        }
        close_one(&ours[1]);
        streams_end(s);
        for (got += sizeof(block); got > 0; got -= n) {
                n = read(from_out, block, sizeof(block));
                must(n > 0 && (size_t)n <= got);
        }
        must(read(from_out, block, 1) == 0);
        must(waitpid(pid, &status, 0) == pid && status == 0);
        end();
}
CHILD_TEST(test_slow_reader)

/* A process that the command has left running writes without end. */
static void in_test_left_running(void)
{
        static char block[65536];
        pid_t pid;

        must(interrupt_init() == 0);
        begin(true);
        start();
        pid = fork();
        if (!pid) {
                must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
                forward_end(&s->forward);
                for (;;)
                        (void)!write(s->theirs[1], block, sizeof(block));
        }
        must(poll(&(struct pollfd){ .fd = s->out.pipe, .events = POLLIN }, 1, 30 * 1000) == 1);
        count_only = true;
        must(drain() == 1);
        must(counted > 0 && counted <= 1 << 20);
        must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
        end();
}
CHILD_TEST(test_left_running)

/* A reader that takes nothing does not keep an interrupted program. */
static void in_test_interrupted(void)
{
        static char block[4096];

        must(interrupt_init() == 0);
        begin(false);
        start();
        must(write(s->theirs[1], "late", 4) == 4);
        while (write(ours[1], block, sizeof(block)) > 0)
                ;
        raise(SIGINT);
        must(drain() == 0);
        end();
}
CHILD_TEST(test_interrupted)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_copied),      cmocka_unit_test(test_order),
                cmocka_unit_test(test_none),        cmocka_unit_test(test_sink),
                cmocka_unit_test(test_tell),        cmocka_unit_test(test_reader_gone),
                cmocka_unit_test(test_write_fails), cmocka_unit_test(test_slow_command),
                cmocka_unit_test(test_slow_reader), cmocka_unit_test(test_left_running),
                cmocka_unit_test(test_interrupted), cmocka_unit_test(test_trickle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
