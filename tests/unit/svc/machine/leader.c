/* SPDX-License-Identifier: MIT */
/* Which processes are taken for the init of a container, in real cgroups. */
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cgroup_mount.h"
#include "other_mounts.h"
#include "svc/machine/leader.h"
#include "util/cleanup.h"

#define DEMO "container@demo.service"

/* Where the process is, below the slice; and whether that is in the container. */
static const struct {
        const char *dir;
        bool inside;
} places[] = {
        { DEMO "/payload", true },
        { DEMO, true },
        { "container@evil.service", false },
        /* Root in a container without privateUsers can make these. */
        { "container@evil.service/" DEMO, false },
        { "container@evil.service/a.slice/" DEMO, false },
        { "user@1000.service/" DEMO, false },
        { "", false },
};

static char *slice;

static int setup(void **state UNUSED)
{
        slice = str_printf(CGROUP_ROOT "/ecunit%d.slice", (int)getpid());
        return mkdir(slice, 0755);
}

static int teardown(void **state UNUSED)
{
        remove_cgroup(slice);
        free(slice);
        return 0;
}

static void end(pid_t pid)
{
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Makes the directories of a place one after the other, and removes them the other way round. */
static char *make_place(const char *dir)
{
        char *path = str_printf("%s/%s", slice, dir);

        for (char *p = path + strlen(slice) + 1; *p; p++)
                if (p[1] == '/' || !p[1]) {
                        char c = p[1];

                        p[1] = 0;
                        (void)mkdir(path, 0755);
                        p[1] = c;
                }
        return path;
}

static void remove_place(char *path)
{
        while (strlen(path) > strlen(slice) + 1) {
                remove_cgroup(path);
                *strrchr(path, '/') = 0;
        }
        free(path);
}

static int opens(pid_t pid)
{
        struct leader l = LEADER_NONE;
        int r = leader_open((uint32_t)pid, DEMO, &l);

        assert_int_equal(l.fd >= 0, r >= 0);
        leader_close(&l);
        return r;
}

static void test_unit(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                char *path = make_place(places[i].dir);
                pid_t pid = container_process(true);

                move_to_cgroup(pid, path);
                assert_int_equal(opens(pid), places[i].inside ? 0 : -EXDEV);
                end(pid);
                assert_int_equal(opens(pid), -ESRCH);
                remove_place(path);
        }
}

/* A hook of the unit is a process of the host's, even if it has a mount namespace of its own (PrivateTmp=). */
static void test_hook(void **state UNUSED)
{
        static const int flags[] = { 0, CLONE_NEWNS, CLONE_NEWPID };
        char *path = make_place(DEMO "/payload");

        for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
                pid_t pid;

                fflush(NULL);
                pid = (pid_t)syscall(SYS_clone, flags[i] | SIGCHLD, 0, 0, 0, 0);
                if (!pid) {
                        prctl(PR_SET_PDEATHSIG, SIGKILL);
                        for (;;)
                                pause();
                }
                move_to_cgroup(pid, path);
                assert_int_equal(opens(pid), -EXDEV);
                end(pid);
        }
        remove_place(path);
}

/* systemd-nspawn registers a container before its child has given up what the container may not do. */
static void test_not_begun(void **state UNUSED)
{
        char *path = make_place(DEMO "/payload");
        pid_t pid = other_mounts();

        move_to_cgroup(pid, path);
        assert_int_equal(opens(pid), -EAGAIN);
        end(pid);
        remove_place(path);
}

/* Its directory in /proc does not become that of the next process with its number. */
static void test_proc(void **state UNUSED)
{
        char *path = make_place(DEMO);
        pid_t pid = container_process(true), again = pid;
        struct clone_args args = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&again, .set_tid_size = 1 };
        struct leader l;
        int proc, fd;

        move_to_cgroup(pid, path);
        assert_int_equal(leader_open((uint32_t)pid, DEMO, &l), 0);
        proc = leader_open_proc(&l);
        assert_true(proc >= 0);
        fd = openat(proc, "stat", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        close(fd);
        end(pid);
        fflush(NULL);
        pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
        if (!pid)
                for (;;)
                        pause();
        assert_int_equal(pid, again);
        assert_int_equal(openat(proc, "stat", O_RDONLY | O_CLOEXEC), -1);
        assert_int_equal(leader_open_proc(&l), -ESRCH);
        assert_int_equal(leader_open_root(&l), -ESRCH);
        assert_int_equal(opens(pid), -EXDEV);
        end(pid);
        close(proc);
        leader_close(&l);
        remove_place(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = { TEST(test_unit), TEST(test_hook), TEST(test_not_begun), TEST(test_proc) };

        if (!mount_cgroups())
                return 0; /* not possible here */
        return cmocka_run_group_tests_name("leader", tests, NULL, NULL);
}
