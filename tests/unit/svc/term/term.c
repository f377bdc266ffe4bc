/* SPDX-License-Identifier: MIT */
#include "in_child.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "svc/term/term.h"

static int setup(void **state)
{
        (void)state;
        setenv("TERM", "xterm", 1);
        unsetenv("NO_COLOR");
        return 0;
}

static void is(char *got, const char *want)
{
        assert_string_equal(got, want);
        free(got);
}

static void test_out(void **state)
{
        struct capture c;

        (void)state;
        capture_begin(&c, STDOUT_FILENO);
        term_out("%s %d\n", "a", 1);
        term_out("%s", "");
        term_out("half");
        assert_int_equal(term_flush(), 0);
        term_out(" line\n");
        is(capture_end(&c), "a 1\nhalf line\n");
}

/* Line by line: the reader of a pipe gets each line at once. */
static void test_lines_are_flushed(void **state)
{
        int fds[2], saved;
        char buf[64];

        (void)state;
        fflush(stdout);
        assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
        saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
        assert_true(dup2(fds[1], STDOUT_FILENO) >= 0);
        term_out("line\n");
        ssize_t n = read(fds[0], buf, sizeof(buf));
        term_out("part");
        ssize_t m = read(fds[0], buf + 32, 1);
        term_flush();
        ssize_t k = read(fds[0], buf + 32, 4);
        dup2(saved, STDOUT_FILENO);
        close(saved);
        close(fds[0]);
        close(fds[1]);
        assert_int_equal(n, 5);
        assert_int_equal(m, -1);
        assert_int_equal(k, 4);
}

/* A failure on stdout stays for the process, so each test has its own process. */
static void to_full(void)
{
        int full = open("/dev/full", O_WRONLY);

        dup2(full, STDOUT_FILENO);
        term_out("lost\n");
        term_out("more\n");
        _exit(term_flush() == -ENOSPC ? 0 : 1);
}

static void to_closed_pipe(void)
{
        int fds[2];

        signal(SIGPIPE, SIG_IGN);
        if (pipe(fds) < 0)
                _exit(2);
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        term_out("lost\n");
        _exit(term_flush() == -EPIPE ? 0 : 1);
}

/* Nothing more after a failure, so that the output has no gap. */
static void after_failure(void)
{
        int full = open("/dev/full", O_WRONLY), file = memfd_create("out", 0);

        dup2(full, STDOUT_FILENO);
        term_out("lost\n");
        dup2(file, STDOUT_FILENO);
        term_out("not this\n");
        if (term_flush() != -ENOSPC)
                _exit(1);
        _exit(lseek(file, 0, SEEK_END) > (off_t)strlen("lost\n") ? 2 : 0);
}

static void test_failures(void **state)
{
        (void)state;
        in_child(to_full);
        in_child(to_closed_pipe);
        in_child(after_failure);
}

static void test_colour(void **state)
{
        struct terminal t;
        bool seen[5];

        (void)state;
        terminal_begin(&t, STDERR_FILENO, 80);
        seen[0] = term_stderr_tty() && term_colour();
        setenv("NO_COLOR", "1", 1);
        seen[1] = term_colour();
        setenv("NO_COLOR", "", 1);
        seen[2] = term_colour();
        setenv("TERM", "dumb", 1);
        seen[3] = term_colour();
        unsetenv("TERM");
        seen[4] = term_colour();
        free(terminal_end(&t));
        assert_true(seen[0]);
        assert_false(seen[1]);
        assert_true(seen[2]);
        assert_false(seen[3]);
        assert_false(seen[4]);

        struct capture c;

        setenv("TERM", "xterm", 1);
        capture_begin(&c, STDERR_FILENO);
        seen[0] = term_stderr_tty() || term_colour();
        free(capture_end(&c));
        assert_false(seen[0]);
}

static void test_progress(void **state)
{
        struct terminal t;

        (void)state;
        terminal_begin(&t, STDERR_FILENO, 20);
        term_progress("one");
        term_progress("one"); /* the same text is not drawn again */
        term_progress("%s", "a line that is much too long for it");
        term_progress_clear();
        term_progress_clear();
        is(terminal_end(&t), "\rone\033[K\ra line that is much\033[K\r\033[K");

        struct capture c;

        capture_begin(&c, STDERR_FILENO);
        term_progress("nothing in a pipe");
        term_progress_clear();
        is(capture_end(&c), "");
        setenv("NO_COLOR", "1", 1);
        terminal_begin(&t, STDERR_FILENO, 20);
        term_progress("nothing");
        is(terminal_end(&t), "");
}

static void test_progress_text(void **state)
{
        struct terminal t;

        (void)state;
        terminal_begin(&t, STDERR_FILENO, 12);
        term_progress("a\tb\nc\033[31md\xff");
        term_progress("%s",
                      "\xe5\xae\xb9\xe5\x99\xa8\xe5\xae\xb9\xe5\x99\xa8\xe5\xae\xb9\xe5\x99\xa8"); /* twelve columns */
        term_progress("\033]0;title\ax\033[");
        term_progress_clear();
        is(terminal_end(&t),
           "\ra b cd?\033[K\r\xe5\xae\xb9\xe5\x99\xa8\xe5\xae\xb9\xe5\x99\xa8\xe5\xae\xb9\033[K\rx\033[K\r\033[K");
}

/* Output is on lines of its own, not in the progress line. */
static void test_err_write(void **state)
{
        struct terminal t;

        (void)state;
        terminal_begin(&t, STDERR_FILENO, 40);
        term_progress("working");
        term_err_write("");
        term_err_write("half a line");
        term_progress("working on");
        term_err_write("done\n");
        term_progress("more");
        term_progress_clear();
        is(terminal_end(&t),
           "\rworking\033[K\r\033[Khalf a line\r\n\rworking on\033[K\r\033[Kdone\r\n\rmore\033[K\r\033[K");
}

/* Text from elsewhere may set colours, and nothing else. */
static void test_err_write_escapes(void **state)
{
        static const char text[] = "\033]0;title\a\033[2J\033[1;31mred\033[0m\b\302\233\n";
        struct terminal t;

        (void)state;
        terminal_begin(&t, STDERR_FILENO, 40);
        term_err_write(text);
        is(terminal_end(&t), "\033[1;31mred\033[0m\r\n");
        setenv("NO_COLOR", "1", 1);
        terminal_begin(&t, STDERR_FILENO, 40);
        term_err_write(text);
        is(terminal_end(&t), "red\r\n");
        unsetenv("NO_COLOR");
}

static void test_out_clears_progress(void **state)
{
        struct terminal e, o;
        char *err, *out;

        (void)state;
        terminal_begin(&e, STDERR_FILENO, 40);
        terminal_begin(&o, STDOUT_FILENO, 40);
        term_progress("working");
        term_out("result\n");
        term_progress_clear();
        out = terminal_end(&o);
        err = terminal_end(&e);
        is(out, "result\r\n");
        is(err, "\rworking\033[K\r\033[K");
}

/* ---- what is queued ---- */

#define QUEUED 100
#define WIDTH  3000

static void queue_lines(void)
{
        char line[WIDTH + 2];

        memset(line, 'x', WIDTH);
        strcpy(line + WIDTH, "\n");
        for (int i = 0; i < QUEUED; i++)
                must(term_queue(line) == 0);
}

/* Writes what does not block. */
static void write_now(void)
{
        struct pollfd p;

        for (term_queue_fill(&p); poll(&p, 1, 0) > 0; term_queue_fill(&p))
                term_queue_handle(&p);
}

static int cancelled(int fd)
{
        (void)fd;
        return -ECANCELED;
}

/* What fitted into the pipe, and all of the other lines. */
static void read_lines(int fd)
{
        char buf[4096], last[6] = "";
        size_t total = 0;
        ssize_t n;

        close(STDERR_FILENO);
        while ((n = read(fd, buf, sizeof(buf))) > 0) {
                total += (size_t)n;
                if (n >= 5)
                        memcpy(last, buf + n - 5, 5);
        }
        _exit(total <= QUEUED * (WIDTH + 1) || total >= 2 * QUEUED * (WIDTH + 1) || strcmp(last, "last\n") != 0);
}

/* Does not wait for a reader until the end, and not even then after an interrupt. */
static void in_test_queue(void)
{
        int fds[2], kept, status;
        pid_t pid;

        must(pipe2(fds, O_CLOEXEC) == 0 && (kept = dup(STDERR_FILENO)) >= 0 && dup2(fds[1], STDERR_FILENO) >= 0);
        close(fds[1]);
        queue_lines();
        write_now();
        term_set_wait(cancelled);
        term_queue_drain();
        term_set_wait(NULL);
        pid = fork();
        if (!pid)
                read_lines(fds[0]);
        queue_lines();
        term_queue_drain();
        term_err_write("last\n");
        must(dup2(kept, STDERR_FILENO) >= 0);
        must(waitpid(pid, &status, 0) == pid && status == 0);
}
CHILD_TEST(test_queue)

/* Other messages do not split its lines. */
static void test_queue_lines(void **state)
{
        char want[5100], line[5001];
        struct terminal t;
        struct pollfd p;

        (void)state;
        memset(line, 'y', 4999);
        strcpy(line + 4999, "\n");
        terminal_begin(&t, STDERR_FILENO, 40);
        term_progress("working");
        assert_int_equal(term_queue(line) | term_queue("\033[2Jnext\n"), 0);
        term_queue_fill(&p);
        assert_int_equal(poll(&p, 1, 0), 1);
        term_queue_handle(&p);
        term_err_write("message\n");
        term_queue_drain();
        term_queue_fill(&p);
        assert_int_equal(p.fd, -1);
        line[4999] = 0;
        snprintf(want, sizeof(want), "\rworking\033[K\r\033[K%s\r\nmessage\r\nnext\r\n", line);
        is(terminal_end(&t), want);
}

/* A file has no other position meanwhile. */
static void test_queue_file(void **state)
{
        struct capture c;

        (void)state;
        capture_begin(&c, STDERR_FILENO);
        term_err_write("one\n");
        assert_int_equal(term_queue("\033[2J"), 0); /* nothing is left of it */
        term_queue_drain();
        assert_int_equal(term_queue("two\n"), 0);
        term_queue_drain();
        term_err_write("three\n");
        is(capture_end(&c), "one\ntwo\nthree\n");
}

/* Another process may have made the terminal non-blocking. */
static void test_nonblocking(void **state)
{
        int fds[2], saved, status;
        size_t total = 0;
        pid_t pid;

        (void)state;
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        fcntl(fds[1], F_SETFL, O_NONBLOCK);
        fflush(NULL);
        pid = fork();
        if (!pid) {
                char *big = calloc(1, (1 << 20) + 1);

                memset(big, 'x', 1 << 20);
                dup2(fds[1], STDERR_FILENO);
                term_err_write(big);
                _exit(0);
        }
        close(fds[1]);
        saved = fds[0];
        for (;;) {
                char buf[4096];
                ssize_t n = read(saved, buf, sizeof(buf));

                if (n <= 0)
                        break;
                total += n;
        }
        close(saved);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(total, 1 << 20);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(test_out),
                TEST(test_lines_are_flushed),
                TEST(test_failures),
                TEST(test_colour),
                TEST(test_progress),
                TEST(test_progress_text),
                TEST(test_err_write),
                TEST(test_err_write_escapes),
                TEST(test_out_clears_progress),
                TEST(test_nonblocking),
                TEST(test_queue),
                TEST(test_queue_lines),
                TEST(test_queue_file),
        };
        return cmocka_run_group_tests_name("term", tests, NULL, NULL);
}
