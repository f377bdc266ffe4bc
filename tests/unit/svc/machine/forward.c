/* SPDX-License-Identifier: MIT */
/* The test has both roles: ours, and that of a container. */
#include "svc/machine/forward.h"

#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "in_child.h"
#include "stuck_page.h"
#include "util/clock.h"

static struct forward f;
static struct forward_way ways[2];

static void begin(bool keep)
{
        signal(SIGPIPE, SIG_IGN);
        ways[0].out = true;
        ways[1].out = false;
        must(forward_begin(&f, ways, 2, keep) == 0);
}

static void close_theirs(int i)
{
        if (ways[i].theirs >= 0)
                close(ways[i].theirs);
        ways[i].theirs = -1;
}

static void end(void)
{
        for (int i = 0; i < 2; i++) {
                close_theirs(i);
                close(ways[i].ours);
        }
        forward_end(&f);
}

/* What comes next, or "" for the end of file. */
static const char *next(int fd)
{
        static char text[64];
        ssize_t n;

        must(poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 30 * 1000) == 1);
        n = read(fd, text, sizeof(text) - 1);
        must(n >= 0);
        text[n] = 0;
        return text;
}

static void in_test_both_ways(void)
{
        char byte;

        begin(false);
        must(write(ways[0].theirs, "out", 3) == 3 && !strcmp(next(ways[0].ours), "out"));
        must(write(ways[1].ours, "in", 2) == 2 && !strcmp(next(ways[1].theirs), "in"));
        /* Ours do not block; theirs may. */
        must(read(ways[0].ours, &byte, 1) < 0 && errno == EAGAIN);
        must(fcntl(ways[0].ours, F_GETFL) & O_NONBLOCK && fcntl(ways[1].ours, F_GETFL) & O_NONBLOCK);
        must(!(fcntl(ways[0].theirs, F_GETFL) & O_NONBLOCK) && !(fcntl(ways[1].theirs, F_GETFL) & O_NONBLOCK));
        end();
}
CHILD_TEST(test_both_ways)

static void in_test_ends_of_file(void)
{
        begin(false);
        must(write(ways[0].theirs, "last", 4) == 4);
        close_theirs(0);
        must(!strcmp(next(ways[0].ours), "last") && !strcmp(next(ways[0].ours), ""));
        must(write(ways[1].ours, "last", 4) == 4);
        close(ways[1].ours);
        must(!strcmp(next(ways[1].theirs), "last") && !strcmp(next(ways[1].theirs), ""));
        end();
}
CHILD_TEST(test_ends_of_file)

static void in_test_reader_gone(void)
{
        begin(true);
        close(ways[0].ours);
        must(poll(&(struct pollfd){ .fd = ways[0].theirs }, 1, 30 * 1000) == 1);
        must(write(ways[0].theirs, "x", 1) < 0 && errno == EPIPE);
        end();
}
CHILD_TEST(test_reader_gone)

/* All that was written before the end comes, and then the end of file, although others still have the pipe. */
static void in_test_end(void)
{
        static char block[4096];
        size_t written = 0, got = 0;
        int other;
        ssize_t n;

        begin(true);
        other = dup(ways[0].theirs);
        must(fcntl(other, F_SETFL, O_NONBLOCK) == 0);
        /* More than the process has room for. */
        while (poll(&(struct pollfd){ .fd = other, .events = POLLOUT }, 1, 500) == 1)
                written += (n = write(other, block, sizeof(block))) > 0 ? (size_t)n : 0;
        must(written >= 2 * 65536);
        close_theirs(0);
        forward_end(&f);
        do {
                must(poll(&(struct pollfd){ .fd = ways[0].ours, .events = POLLIN }, 1, 30 * 1000) == 1);
                n = read(ways[0].ours, block, sizeof(block));
                must(n >= 0);
                got += (size_t)n;
        } while (n > 0);
        must(got == written);
        close(other);
        end();
}
CHILD_TEST(test_end)

/* It has no terminal, no descriptors of others and no rights. */
static void in_test_isolated(void)
{
        int other[2];
        char byte;

        must(pipe2(other, O_CLOEXEC) == 0);
        begin(true);
        close(other[1]);
        must(poll(&(struct pollfd){ .fd = other[0], .events = POLLIN }, 1, 30 * 1000) == 1);
        must(read(other[0], &byte, 1) == 0);
        /* It is not a child, either. */
        must(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
        end();
}
CHILD_TEST(test_isolated)

/* A container makes each process wait that uses its pipe. */
static void in_test_stuck(void)
{
        uint64_t begun;
        char dir[] = "/tmp/extra-container-test-XXXXXX";
        int page, reopened;
        pid_t pid;

        if (geteuid() || access("/dev/fuse", R_OK | W_OK) < 0)
                return;
        must(mkdtemp(dir) && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) == 0);
        pid = stuck_page(dir, 40, &page);
        if (pid < 0) {
                umount2(dir, MNT_DETACH);
                rmdir(dir);
                return;
        }
        begin(true);
        reopened = dup(ways[0].theirs);
        begun = clock_usec();
        must(splice(page, NULL, reopened, NULL, STUCK_PAGE, 0) == STUCK_PAGE);
        must(poll(&(struct pollfd){ .fd = ways[0].ours, .events = POLLIN }, 1, 1000) == 0);
        end();
        must(clock_usec() - begun < 20 * USEC_PER_SEC);
        /* Ends its wait, so that we can end, too. */
        must(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
        umount2(dir, MNT_DETACH);
        rmdir(dir);
}
CHILD_TEST(test_stuck)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_both_ways),   cmocka_unit_test(test_ends_of_file),
                cmocka_unit_test(test_reader_gone), cmocka_unit_test(test_end),
                cmocka_unit_test(test_isolated),    cmocka_unit_test(test_stuck),
        };

        return cmocka_run_group_tests_name("forward", tests, NULL, NULL);
}
