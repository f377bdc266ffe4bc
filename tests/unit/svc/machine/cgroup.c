/* SPDX-License-Identifier: MIT */
#include "cgroup_mount.h"
#include "in_child.h"

#include <sys/syscall.h>

#include "svc/machine/cgroup.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strv.h"

static char *top, *payload; /* as systemd-nspawn lays them out */
static struct leader leader = LEADER_NONE;

static pid_t sleeper(void)
{
        pid_t pid = fork();

        if (!pid) {
                alarm(CHILD_SECONDS);
                for (;;)
                        pause();
        }
        assert_true(pid > 0);
        return pid;
}

static int setup(void **state UNUSED)
{
        top = str_printf(CGROUP_ROOT "/ec-unit-%d", (int)getpid());
        payload = fs_join(top, "payload");
        assert_int_equal(mkdir(top, 0755), 0);
        assert_int_equal(mkdir(payload, 0755), 0);
        leader.pid = sleeper();
        leader.fd = syscall(SYS_pidfd_open, leader.pid, 0);
        assert_true(leader.fd >= 0);
        return 0;
}

static int teardown(void **state UNUSED)
{
        kill(leader.pid, SIGKILL);
        waitpid(leader.pid, NULL, 0);
        leader_close(&leader);
        remove_cgroup(payload);
        remove_cgroup(top);
        free(top);
        free(payload);
        top = payload = NULL;
        return 0;
}

static void test_remove(void **state UNUSED)
{
        char *inside = fs_join(payload, "init.scope"), *path = NULL;
        uint64_t begin = clock_usec();
        int fds[2], status;
        pid_t pid;
        char mark;

        assert_int_equal(mkdir(inside, 0755), 0);
        move_to_cgroup(leader.pid, inside);
        assert_int_equal(cgroup_make(&leader, &path), 0);
        assert_non_null(path);
        assert_non_null(strstr(path, "/payload/extra-container-"));
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        if (!pid) {
                must(cgroup_enter(path) == 0);
                must(write(fds[1], "x", 1) == 1);
                alarm(CHILD_SECONDS);
                for (;;)
                        pause();
        }
        assert_int_equal(read(fds[0], &mark, 1), 1);
        close(fds[0]);
        close(fds[1]);
        assert_int_equal(rmdir(path), -1); /* in use by a process */
        while (!cgroup_remove(path) && clock_usec() - begin < 30 * USEC_PER_SEC)
                usleep(1000);
        assert_int_equal(access(path, F_OK), -1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_true(clock_usec() - begin < 30 * USEC_PER_SEC);
        move_to_cgroup(leader.pid, payload);
        assert_int_equal(rmdir(inside), 0);
        free(inside);
        free(path);
}

/* A group in it, which root in a container without a user namespace can make, keeps it. */
static void test_kept(void **state UNUSED)
{
        uint64_t begin = clock_usec();
        char *path = NULL, *sub;

        move_to_cgroup(leader.pid, payload);
        assert_int_equal(cgroup_make(&leader, &path), 0);
        sub = fs_join(path, "sub");
        assert_int_equal(mkdir(sub, 0755), 0);
        assert_false(cgroup_remove(path));
        assert_true(clock_usec() - begin < USEC_PER_SEC);
        assert_int_equal(rmdir(sub), 0);
        assert_true(cgroup_remove(path));
        assert_int_equal(access(path, F_OK), -1);
        free(sub);
        free(path);
}

static void test_none_delegated(void **state UNUSED)
{
        char *path = (char *)1;

        move_to_cgroup(leader.pid, top);
        assert_int_equal(cgroup_make(&leader, &path), -EOPNOTSUPP);
        move_to_cgroup(leader.pid, CGROUP_ROOT);
        assert_int_equal(cgroup_make(&leader, &path), 0); /* our own */
        assert_null(path);
        move_to_cgroup(leader.pid, payload);
}

static void write_to(const char *dir, const char *name, const char *text)
{
        char *file = fs_join(dir, name);
        FILE *f = fopen(file, "we");

        assert_non_null(f);
        fputs(text, f);
        assert_int_equal(fclose(f), 0);
        free(file);
}

/* Root of a container can forbid new cgroups, and remove empty ones. */
static void test_refused(void **state UNUSED)
{
        char *path = NULL;

        move_to_cgroup(leader.pid, payload);
        write_to(payload, "cgroup.max.descendants", "0");
        assert_int_equal(cgroup_make(&leader, &path), -EAGAIN);
        write_to(payload, "cgroup.max.descendants", "max");
        assert_int_equal(cgroup_make(&leader, &path), 0);
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(cgroup_enter(path), -ENOENT);
        free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = { TEST(test_remove), TEST(test_kept), TEST(test_none_delegated),
                                            TEST(test_refused) };

        if (!mount_cgroups())
                return 0; /* not possible here */
        return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
