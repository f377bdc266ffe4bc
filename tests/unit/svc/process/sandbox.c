/* SPDX-License-Identifier: MIT */
#include "svc/process/sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/shm.h>
#include <sys/socket.h>

#include "in_child.h"
#include "util/cleanup.h"

#define BADFD 50

static void say(void *data, FILE *out)
{
        fprintf(out, "%s", (const char *)data);
}

static void test_text(void **state)
{
        _cleanup_free_ char *text = NULL, *start = NULL;

        (void)state;
        assert_int_equal(sandbox_run(say, (void *)"hello", NULL, 0, 100, &text), 0);
        assert_string_equal(text, "hello");
        assert_int_equal(sandbox_run(say, (void *)"hello", NULL, 0, 3, &start), 0);
        assert_string_equal(start, "hel");
}

/* A mapped file that its owner truncates. */
static void read_truncated(void *data, FILE *out)
{
        const int *fd = data;
        volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, *fd, 0);

        fprintf(out, "before");
        fflush(out);
        fprintf(out, "%c", *p);
}

static void test_crash(void **state)
{
        _cleanup_free_ char *text = NULL;
        int fd = memfd_create("empty", MFD_CLOEXEC);

        (void)state;
        assert_int_equal(sandbox_run(read_truncated, &fd, &fd, 1, 100, &text), 0);
        assert_string_equal(text, "before");
        close(fd);
}

static void tell(FILE *out, const char *what, bool works)
{
        fprintf(out, "%s: %s;", what, works ? "works" : strerror(errno));
}

/* It has the descriptors that it was given and none of ours, and nothing of the host but libraries. */
static void try_all(void *data, FILE *out)
{
        static const char *const files[] = { "/etc/passwd", "/proc/self/status", "/tmp" };
        const int *given = data;

        for (int fd = STDERR_FILENO + 1; fd < FD_SETSIZE; fd++)
                if (fd != *given && fd != fileno(out) && fcntl(fd, F_GETFD) >= 0)
                        fprintf(out, "fd %d;", fd);
        fprintf(out, "uid %d %d;", (int)getuid(), (int)geteuid());
        tell(out, "given", fcntl(*given, F_GETFD) >= 0);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                tell(out, files[i], open(files[i], O_RDONLY | O_CLOEXEC) >= 0);
        tell(out, "library", dlopen("libBrokenLocale.so.1", RTLD_NOW) != NULL);
        tell(out, "local", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
        tell(out, "network", socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
        tell(out, "memory", shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600) >= 0);
        tell(out, "signal", kill(getppid(), 0) >= 0);
        tell(out, "fork", fork() >= 0);
        tell(out, "owner", fcntl(fileno(out), F_SETOWN, getppid()) >= 0);
        tell(out, "lease", fcntl(*given, F_SETLEASE, F_RDLCK) >= 0);
        tell(out, "private", mmap(NULL, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
        tell(out, "shared", mmap(NULL, 1, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void test_rights(void **state)
{
        _cleanup_free_ char *text = NULL;
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), other = fcntl(fd, F_DUPFD_CLOEXEC, BADFD);

        (void)state;
        if (geteuid())
                skip();
        assert_int_equal(sandbox_run(try_all, &fd, &fd, 1, 1000, &text), 0);
        assert_string_equal(text, "uid 65534 65534;given: works;/etc/passwd: No such file or directory;"
                                  "/proc/self/status: No such file or directory;/tmp: No such file or directory;"
                                  "library: works;local: Operation not permitted;network: Operation not permitted;"
                                  "memory: Operation not permitted;signal: Operation not permitted;"
                                  "fork: Operation not permitted;owner: Operation not permitted;"
                                  "lease: Operation not permitted;private: works;shared: Operation not permitted;");
        close(fd);
        close(other);
}

/* A compressed field can be large. */
static void allocate(void *data, FILE *out)
{
        const size_t *size = data;
        void *p = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        fprintf(out, "%s", p == MAP_FAILED ? "none" : "memory");
}

static void test_memory(void **state)
{
        static const size_t sizes[] = { (size_t)64 << 20, (size_t)400 << 20 };
        static const char *const expected[] = { "memory", "none" };

        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                _cleanup_free_ char *text = NULL;

                assert_int_equal(sandbox_run(allocate, (void *)&sizes[i], NULL, 0, 100, &text), 0);
                assert_string_equal(text, expected[i]);
        }
}

/* A child that was taken over can go on for ever. */
static void stay(void *data, FILE *out)
{
        const int *silent = data;
        char c;

        fprintf(out, "before");
        fflush(out);
        for (;;)
                (void)!read(*silent, &c, 1);
}

static void test_stays(void **state)
{
        _cleanup_free_ char *text = NULL;
        int fds[2];

        (void)state;
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(sandbox_run(stay, &fds[0], &fds[0], 1, 100, &text), 0);
        assert_string_equal(text, "before");
        close(fds[0]);
        close(fds[1]);
}

static void test_too_many(void **state)
{
        int fds[SANDBOX_FDS + 1] = { 0 };
        char *text;

        (void)state;
        assert_int_equal(sandbox_run(say, (void *)"", fds, SANDBOX_FDS + 1, 1, &text), -E2BIG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),   cmocka_unit_test(test_crash), cmocka_unit_test(test_rights),
                cmocka_unit_test(test_memory), cmocka_unit_test(test_stays), cmocka_unit_test(test_too_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
