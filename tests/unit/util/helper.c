/* SPDX-License-Identifier: MIT */
#include "fs_fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "slow_mount.h"
#include "util/clock.h"
#include "util/helper.h"
#include "util/resolve.h"

static int root;

/* With mounts of its own, if this user may have them. */
static bool has_mounts;

static int begin(void **state)
{
        setup(state);
        assert_int_equal(mkdir(at("root"), 0755), 0);
        root = open(at("root"), O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(root >= 0);
        return 0;
}

static int end(void **state)
{
        close(root);
        return teardown(state);
}

static void stat_it(void *data, int out)
{
        struct stat st;

        dprintf(out, "%d", resolve_stat(root, data, &st));
}

static int look(const char *path, int wake)
{
        char *text = NULL;
        size_t len;
        int r = helper_run(stat_it, (void *)path, &root, 1, 100, wake, &text, &len);

        if (r >= 0)
                r = atoi(text);
        free(text);
        return r;
}

static void test_look(void **state UNUSED)
{
        assert_int_equal(mkdir(at("root/etc"), 0755), 0);
        assert_int_equal(look("etc", -1), 0);
        assert_int_equal(look("none", -1), -ENOENT);
}

/* It keeps nothing of ours, and ^C at the terminal is not for it. */
static void tell_what_it_has(void *data, int out)
{
        struct stat null, st[3];

        (void)data;
        if (stat("/dev/null", &null) < 0 || fstat(0, st) < 0 || fstat(1, st + 1) < 0 || fstat(2, st + 2) < 0)
                _exit(1);
        for (int i = 0; i < 3; i++)
                if (st[i].st_rdev != null.st_rdev)
                        _exit(2);
        for (int fd = 3; fd < 1000; fd++)
                if (fd != out && fd != root && fcntl(fd, F_GETFD) >= 0)
                        _exit(3);
        if (signal(SIGTERM, SIG_DFL) != SIG_DFL || getsid(0) != getpid())
                _exit(4);
        dprintf(out, "ok");
}

static void test_isolated(void **state UNUSED)
{
        struct helper h;
        int other = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;
        char *text;
        size_t len;

        assert_true(other >= 0);
        signal(SIGTERM, SIG_IGN);
        assert_int_equal(helper_begin(&h, tell_what_it_has, NULL, &root, 1, 100), 0);
        signal(SIGTERM, SIG_DFL);
        while ((r = helper_step(&h)) == 0)
                assert_int_equal(poll(&(struct pollfd){ .fd = h.from, .events = POLLIN }, 1, 60 * 1000), 1);
        assert_int_equal(r, 1);
        assert_int_equal(helper_end(&h, &text, &len), 0);
        assert_string_equal(text, "ok");
        assert_int_equal(len, 2);
        free(text);
        close(other);
        /* There is no child any more, and none to end. */
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        helper_done(&h);
}

/* Their makers answer no request. */
static void times_out(const char *path)
{
        uint64_t begin = clock_usec();
        int r = look(path, -1);

        assert_int_equal(r, -ETIMEDOUT);
        assert_string_equal(resolve_strerror(r), "its file systems do not answer");
        assert_in_range(clock_usec() - begin, HELPER_SECONDS * USEC_PER_SEC, 60 * USEC_PER_SEC);
}

static void is_woken(const char *path)
{
        uint64_t begin = clock_usec();
        int p[2];

        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        assert_int_equal(write(p[1], "x", 1), 1);
        assert_int_equal(look(path, p[0]), -ECANCELED);
        assert_true(clock_usec() - begin < HELPER_SECONDS * USEC_PER_SEC);
        close(p[0]), close(p[1]);
}

static void test_automount(void **state UNUSED)
{
        char options[64];
        int p[2];
        pid_t pid;

        if (!has_mounts)
                skip();
        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        /* Its own process group alone does not wait. */
        pid = fork();
        if (!pid) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        pause();
        }
        assert_int_equal(setpgid(pid, pid), 0);
        assert_int_equal(mkdir(at("root/slow"), 0755), 0);
        snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", p[1], (int)pid);
        if (mount("automount", at("root/slow"), "autofs", 0, options) < 0)
                skip();
        times_out("slow/passwd");
        kill(pid, SIGKILL);
        /* Perhaps also for the helper, whose end was not waited for, and with which others wait. */
        while (waitpid(-1, NULL, 0) > 0)
                ;
        assert_int_equal(umount2(at("root/slow"), MNT_DETACH), 0);
        close(p[0]), close(p[1]);
}

static void test_fuse(void **state UNUSED)
{
        pid_t pid;

        if (!has_mounts)
                skip();
        assert_int_equal(mkdir(at("root/slow"), 0755), 0);
        pid = slow_mount(at("root/slow"), 0);
        if (pid < 0)
                skip();
        times_out("slow/passwd");
        is_woken("slow/passwd");
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_int_equal(umount2(at("root/slow"), MNT_DETACH), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void)
{
        const struct CMUnitTest tests[] = { TEST(test_look), TEST(test_isolated), TEST(test_automount),
                                            TEST(test_fuse) };

        has_mounts = !geteuid() && unshare(CLONE_NEWNS) >= 0 && mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) >= 0;
        return cmocka_run_group_tests_name("helper", tests, NULL, NULL);
}
