/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "in_child.h"
#include "svc/machine/pty.h"
#include "util/clock.h"

/* Each test has a terminal of a "container" (master, slave), and a terminal or pipes of the user. */
static struct pty *p;
static int slave;           /* in the container */
static int to_in, from_out; /* the user's side */
static int in, out;

static int open_pty(int *ret_slave)
{
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

        assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
        *ret_slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(*ret_slave >= 0);
        return master;
}

static void raw(int fd)
{
        struct termios t;

        assert_int_equal(tcgetattr(fd, &t), 0);
        cfmakeraw(&t);
        assert_int_equal(tcsetattr(fd, TCSANOW, &t), 0);
}

static void begin(bool terminal, bool raw_inside)
{
        int master = open_pty(&slave), fds[2];

        signal(SIGPIPE, SIG_IGN);
        p = malloc(sizeof(*p));
        if (raw_inside)
                raw(slave);
        if (terminal) {
                to_in = from_out = open_pty(&in);
                out = dup(in);
        } else {
                assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
                in = fds[0];
                to_in = fds[1];
                assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
                from_out = fds[0];
                out = fds[1];
        }
        assert_int_equal(pty_begin(p, master, in, out), 0);
}

static void end(void)
{
        pty_end(p);
        free(p);
        for (size_t i = 0; i < 5; i++)
                close((int[]){ slave, to_in, from_out, in, out }[i]);
}

/* Runs the loop once; 1: no event within the time. */
static int turn(int ms)
{
        struct pollfd fds[PTY_FDS];

        pty_fill(p, fds);
        if (poll(fds, PTY_FDS, ms) == 0)
                return 1;
        return pty_handle(p, fds) == SIGHUP ? -SIGHUP : 0;
}

/* Runs the loop until this much was read from fd, or to the end of fd. */
static int pump(int fd, size_t want, char *buf)
{
        uint64_t until = clock_usec() + 60 * USEC_PER_SEC;
        size_t got = 0;

        while (got < want && clock_usec() < until) {
                struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
                int r = turn(10);

                if (r < 0)
                        return r;
                while (got < want && poll(&poll_fd, 1, 0) > 0) {
                        ssize_t n = read(fd, buf + got, want - got);

                        if (n <= 0)
                                return (int)got;
                        got += n;
                }
        }
        return (int)got;
}

static void put(int fd, const char *text)
{
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void expect(int fd, const char *text)
{
        char buf[256] = "";

        assert_int_equal(pump(fd, strlen(text), buf), strlen(text));
        assert_string_equal(buf, text);
}

static void both_ways(bool terminal)
{
        begin(terminal, true);
        put(to_in, "a");
        expect(slave, "a");
        put(to_in, "line\r");
        expect(slave, "line\r");
        put(slave, "answer\n");
        expect(from_out, "answer\n");
        end();
}

static void test_both_ways(void **state)
{
        (void)state;
        both_ways(false);
        both_ways(true);
}

/* Keys reach the container as they are typed, including ^C. */
static void test_raw_mode(void **state)
{
        struct termios before, during, after;

        (void)state;
        begin(true, true);
        pty_end(p); /* restores the terminal */
        assert_int_equal(tcgetattr(in, &before), 0);
        free(p);
        close(slave);
        p = malloc(sizeof(*p));
        {
                int master = open_pty(&slave);

                raw(slave);
                assert_int_equal(pty_begin(p, master, in, out), 0);
        }
        assert_int_equal(tcgetattr(in, &during), 0);
        assert_true(before.c_lflag & ISIG && before.c_lflag & ECHO);
        assert_false(during.c_lflag & (ISIG | ECHO | ICANON));
        put(to_in, "\003\032\004");
        expect(slave, "\003\032\004");
        pty_end(p);
        pty_end(p); /* a second call does nothing */
        assert_int_equal(tcgetattr(in, &after), 0);
        assert_memory_equal(&before, &after, offsetof(struct termios, c_cc));
        p->master = p->peer = p->signals = -1;
        end();
}

/* What is typed before and after is not lost. */
static void test_typed_ahead(void **state)
{
        char buf[64] = "";
        int master = open_pty(&slave), n;
        struct pollfd poll_fd;

        (void)state;
        p = malloc(sizeof(*p));
        raw(slave);
        to_in = from_out = open_pty(&in);
        out = dup(in);
        put(to_in, "early");
        assert_int_equal(pty_begin(p, master, in, out), 0);
        expect(slave, "early");
        put(to_in, "late");
        poll_fd = (struct pollfd){ .fd = in, .events = POLLIN };
        assert_int_equal(poll(&poll_fd, 1, 60000), 1);
        pty_end(p);
        assert_int_equal(poll(&poll_fd, 1, 60000), 1);
        n = read(in, buf, sizeof(buf));
        assert_int_equal(n, 4);
        assert_memory_equal(buf, "late", 4);
        free(p);
        for (size_t i = 0; i < 4; i++)
                close((int[]){ slave, to_in, in, out }[i]);
}

static struct winsize size_of(int fd)
{
        struct winsize w = { 0 };

        assert_int_equal(ioctl(fd, TIOCGWINSZ, &w), 0);
        return w;
}

static void test_size(void **state)
{
        struct winsize w = { .ws_row = 33, .ws_col = 99 };

        (void)state;
        begin(true, true);
        assert_int_equal(ioctl(to_in, TIOCSWINSZ, &w), 0);
        raise(SIGWINCH);
        assert_int_equal(turn(1000), 0);
        assert_int_equal(size_of(slave).ws_row, 33);
        assert_int_equal(size_of(slave).ws_col, 99);
        w.ws_row = 50;
        assert_int_equal(ioctl(to_in, TIOCSWINSZ, &w), 0);
        raise(SIGCONT); /* after a stop, the terminal may have another size */
        assert_int_equal(turn(1000), 0);
        assert_int_equal(size_of(slave).ws_row, 50);
        end();
}

static void test_default_size(void **state)
{
        (void)state;
        if (isatty(STDERR_FILENO))
                skip();
        begin(false, true);
        assert_int_equal(size_of(slave).ws_row, 24);
        assert_int_equal(size_of(slave).ws_col, 80);
        end();
}

static void test_escape(void **state)
{
        (void)state;
        begin(true, true);
        put(to_in, "\035\035x\035");
        expect(slave, "\035\035x\035");
        put(to_in, "\035");
        expect(slave, "\035");
        p->escape_until = 0; /* after a second */
        put(to_in, "\035");
        expect(slave, "\035");
        put(to_in, "\035\035");
        assert_int_equal(turn(1000), -SIGHUP);
        end();
        /* In a pipe they are data. */
        begin(false, true);
        put(to_in, "\035\035\035\035");
        expect(slave, "\035\035\035\035");
        end();
}

/* The end of a pipe is an end of file inside. */
static void test_end_of_input(void **state)
{
        char buf[64];

        (void)state;
        begin(false, false);
        put(to_in, "one\ntwo");
        close(to_in);
        to_in = -1;
        assert_int_equal(pump(slave, 4, buf), 4);
        assert_memory_equal(buf, "one\n", 4);
        assert_int_equal(pump(slave, 10, buf), 3);
        assert_memory_equal(buf, "two", 3);
        end();
}

static void test_terminal_gone(void **state)
{
        int r = 0;

        (void)state;
        begin(true, true);
        close(to_in);
        to_in = from_out = -1;
        for (int i = 0; i < 10 && r >= 0; i++)
                r = turn(100);
        assert_int_equal(r, -SIGHUP);
        end();
}

static void test_reader_gone(void **state)
{
        int r = 0;

        (void)state;
        begin(false, true);
        close(from_out);
        from_out = -1;
        put(slave, "for nobody");
        for (int i = 0; i < 10 && r >= 0; i++)
                r = turn(100);
        assert_int_equal(r, -SIGHUP);
        /* What is written now does not block the writer. */
        put(slave, "more");
        assert_true(turn(100) >= 0);
        end();
}

static void test_nobody_inside(void **state)
{
        (void)state;
        begin(false, true);
        close(slave);
        /* While no program has the terminal open, there are no events, and so no busy loop. */
        assert_int_equal(turn(50), 1);
        slave = open(ptsname(p->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(slave >= 0);
        put(slave, "again");
        expect(from_out, "again");
        end();
}

static void test_drain(void **state)
{
        char buf[4096], want[3000];

        (void)state;
        begin(false, true);
        memset(want, 'x', sizeof(want));
        assert_int_equal(write(slave, want, sizeof(want)), sizeof(want));
        close(slave);
        slave = -1;
        pty_drain(p);
        assert_int_equal(read(from_out, buf, sizeof(buf)), sizeof(want));
        assert_memory_equal(buf, want, sizeof(want));
        end();
}

/* A megabyte in both directions at once, byte for byte. */
static void test_much(void **state)
{
        enum { SIZE = 1 << 20 };
        char *data = malloc(SIZE), *got = malloc(SIZE);
        pid_t pid;

        (void)state;
        for (size_t i = 0; i < SIZE; i++)
                data[i] = (char)(i * 7 + (i >> 8));
        begin(false, true);
        fflush(NULL);
        pid = fork();
        if (!pid) { /* in the container: a program that echoes its input */
                size_t left = SIZE;

                alarm(CHILD_SECONDS);
                while (left) {
                        ssize_t n = read(slave, got, left > 4096 ? 4096 : left), done = 0;

                        while (n > 0 && done < n)
                                done += write(slave, got + done, n - done);
                        left -= n > 0 ? (size_t)n : left;
                }
                _exit(0);
        }
        fflush(NULL);
        pid_t writer = fork();
        if (!writer) {
                for (size_t at = 0; at < SIZE;)
                        at += write(to_in, data + at, SIZE - at);
                _exit(0);
        }
        assert_int_equal(pump(from_out, SIZE, got), SIZE);
        assert_memory_equal(got, data, SIZE);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(waitpid(writer, NULL, 0), writer);
        end();
        free(data);
        free(got);
}

static void test_no_terminal(void **state)
{
        struct pty *q = malloc(sizeof(*q));

        (void)state;
        assert_int_equal(pty_begin(q, open("/dev/null", O_RDWR | O_CLOEXEC), STDIN_FILENO, STDOUT_FILENO), -ENOTTY);
        pty_end(q);
        free(q);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_ways),    cmocka_unit_test(test_raw_mode),
                cmocka_unit_test(test_typed_ahead),  cmocka_unit_test(test_size),
                cmocka_unit_test(test_default_size), cmocka_unit_test(test_escape),
                cmocka_unit_test(test_end_of_input), cmocka_unit_test(test_terminal_gone),
                cmocka_unit_test(test_reader_gone),  cmocka_unit_test(test_nobody_inside),
                cmocka_unit_test(test_drain),        cmocka_unit_test(test_much),
                cmocka_unit_test(test_no_terminal),
        };

        return cmocka_run_group_tests_name("pty", tests, NULL, NULL);
}
