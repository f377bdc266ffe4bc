/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "fake_machined.h"
#include "in_child.h"
#include "svc/machine/machine.h"
#include "util/fs_remove.h"

static void test_no_answer_inside(void **state)
{
        char **units = (char **)1;

        (void)state;
        begin();
        assert_int_equal(machine_failed_units(s, NAME, &units, &err), 1);
        assert_null(units);
        end();
}

/* Starts a machine whose root is a directory with a socket in place of its bus, and returns its leader. */
static pid_t machine_with_bus(char dir[], int *ret_fd)
{
        struct sockaddr_un addr = { .sun_family = AF_UNIX };
        int ready[2];
        pid_t pid;
        char c;

        assert_non_null(mkdtemp(dir));
        snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/run", dir);
        assert_int_equal(mkdir(addr.sun_path, 0755), 0);
        strcat(addr.sun_path, "/dbus");
        assert_int_equal(mkdir(addr.sun_path, 0755), 0);
        strcat(addr.sun_path, "/system_bus_socket");
        *ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(*ret_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
        assert_int_equal(listen(*ret_fd, 8), 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork_container();
        if (!pid) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                _exit(chroot(dir) < 0 || write(ready[1], "x", 1) != 1 || pause() < 0);
        }
        assert_int_equal(read(ready[0], &c, 1), 1);
        close(ready[0]);
        close(ready[1]);
        return pid;
}

static void end_machine(pid_t pid, const char *dir, int fd)
{
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(fd);
        assert_int_equal(fs_remove_tree(dir, &err), 0);
}

/* Its bus accepts connections but never replies: sd-bus would wait 90 s for the reply to Hello. */
static void test_mute_bus(void **state)
{
        char dir[] = "/tmp/ec-test.XXXXXX", **units = (char **)1;
        uint64_t start = clock_usec();
        int fd;

        (void)state;
        if (geteuid())
                skip();
        leader = machine_with_bus(dir, &fd);
        begin();
        assert_int_equal(machine_failed_units(s, NAME, &units, &err), 1);
        assert_null(units);
        assert_true(clock_usec() - start < 30 * USEC_PER_SEC);
        end();
        end_machine(leader, dir, fd);
}

/* Two of them take as long as one. */
static void test_mute_buses(void **state)
{
        char dir[] = "/tmp/ec-test.XXXXXX", other_dir[] = "/tmp/ec-test.XXXXXX";
        struct machine_failed v[] = { { .name = NAME }, { .name = SLOW }, { .name = "none" } };
        uint64_t start = clock_usec();
        int fd, other_fd;

        (void)state;
        if (geteuid())
                skip();
        leader = machine_with_bus(dir, &fd);
        slow = machine_with_bus(other_dir, &other_fd);
        begin();
        assert_int_equal(machine_failed_units_many(s, v, ARRAY_SIZE(v), &err), 0);
        for (size_t i = 0; i < ARRAY_SIZE(v); i++)
                assert_true(!v[i].answered && !v[i].units && v[i].ended == (i == 2));
        assert_in_range(clock_usec() - start, 5 * USEC_PER_SEC, 10 * USEC_PER_SEC - 1);
        end();
        end_machine(leader, dir, fd);
        end_machine(slow, other_dir, other_fd);
        slow = 0;
}

/* Its bus ends when somebody asks; and so does the container, or not. */
static void loses_bus(bool ends)
{
        char dir[] = "/tmp/ec-test.XXXXXX";
        struct machine_failed v = { .name = NAME };
        pid_t end_of_bus;
        int fd;

        leader = machine_with_bus(dir, &fd);
        begin();
        end_of_bus = fork();
        if (!end_of_bus)
                _exit(accept(fd, NULL, NULL) < 0 || (ends && kill((pid_t)leader, SIGKILL) < 0));
        assert_int_equal(machine_failed_units_many(s, &v, 1, &err), 0);
        assert_false(v.answered);
        assert_int_equal(v.ended, ends);
        assert_int_equal(waitpid(end_of_bus, NULL, 0), end_of_bus);
        end();
        end_machine((pid_t)leader, dir, fd);
}

static void test_ends(void **state)
{
        (void)state;
        if (geteuid())
                skip();
        loses_bus(true);
        loses_bus(false);
}

/* Instead of many failed units, two that wait for their next start; one of them has ended as it should. */
static bool restarts;

static int append_unit(sd_bus_message *reply, const char *unit, const char *active, const char *sub, const char *path)
{
        return sd_bus_message_append(reply, "(ssssssouso)", unit, "", "loaded", active, sub, "", path, 0, "", "/");
}

static int answer_result(sd_bus_message *m)
{
        const char *path = sd_bus_message_get_path(m);

        return sd_bus_reply_method_return(m, "v", "s", !strcmp(path, "/bad") ? "exit-code" : "success");
}

/* The errors after which a call to the host's systemd is repeated. */
static bool refuses;

static int answer(sd_bus_message *m, void *data, sd_bus_error *e)
{
        static const char *const units[] = { "bad@x\\x2d.service", "\033[2Jevil.service", "two\nlines.service" };
        const char *member = sd_bus_message_get_member(m);
        sd_bus_message *reply;

        (void)data, (void)e;
        if (member && !strcmp(member, "Get"))
                return answer_result(m);
        if (!member || strcmp(member, "ListUnitsFiltered"))
                return member && !strcmp(member, "Hello") ? sd_bus_reply_method_return(m, "s", ":1.1") : 0;
        if (refuses)
                return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_SERVICE_UNKNOWN, "No systemd.");
        must(sd_bus_message_new_method_return(m, &reply) >= 0 &&
             sd_bus_message_open_container(reply, 'a', "(ssssssouso)") >= 0);
        if (restarts)
                must(append_unit(reply, "b.service", "activating", "auto-restart", "/bad") >= 0 &&
                     append_unit(reply, "c.service", "activating", "auto-restart", "/good") >= 0 &&
                     append_unit(reply, "a.service", "failed", "failed", "/a") >= 0 &&
                     append_unit(reply, "extra-container-0123.service", "failed", "failed", "/ours") >= 0);
        for (size_t i = 0; i < 3000 && !restarts; i++)
                must(sd_bus_message_append(reply, "(ssssssouso)", units[i < ARRAY_SIZE(units) ? i : 0], "", "",
                                           "failed", "", "", "/", 0, "", "/") >= 0);
        must(sd_bus_message_close_container(reply) >= 0 && sd_bus_send(NULL, reply, NULL) >= 0);
        sd_bus_message_unref(reply);
        return 1;
}

static void serve(int fd)
{
        sd_bus *bus;

        fd = accept(fd, NULL, NULL);
        must(fd >= 0 && sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, fd, fd) >= 0 &&
             sd_bus_set_server(bus, 1, SD_ID128_NULL) >= 0);
        must(sd_bus_set_trusted(bus, 1) >= 0 && sd_bus_add_filter(bus, NULL, answer, NULL) >= 0 &&
             sd_bus_start(bus) >= 0);
        while (sd_bus_process(bus, NULL) >= 0 && sd_bus_wait(bus, UINT64_MAX) >= 0)
                ;
        _exit(0);
}

/* Names that no unit can have are an attempt to write to our terminal. The number of names is limited. */
static void test_forged_units(void **state)
{
        char dir[] = "/tmp/ec-test.XXXXXX", **units = NULL;
        pid_t pid;
        int fd;

        (void)state;
        if (geteuid())
                skip();
        leader = machine_with_bus(dir, &fd);
        pid = fork();
        if (!pid)
                serve(fd);
        begin();
        assert_int_equal(machine_failed_units(s, NAME, &units, &err), 0);
        assert_int_equal(strv_len(STRV_CONST(units)), 998);
        assert_string_equal(units[0], "bad@x\\x2d.service");
        assert_string_equal(units[997], "bad@x\\x2d.service");
        strv_free(units);
        end();
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        end_machine(leader, dir, fd);
}

/* A unit that fails again and again is rarely in the state "failed". */
static void test_restarting(void **state)
{
        char dir[] = "/tmp/ec-test.XXXXXX", **units = NULL;
        _cleanup_free_ char *list = NULL;
        pid_t pid;
        int fd;

        (void)state;
        if (geteuid())
                skip();
        leader = machine_with_bus(dir, &fd);
        restarts = true;
        pid = fork();
        if (!pid)
                serve(fd);
        restarts = false;
        begin();
        assert_int_equal(machine_failed_units(s, NAME, &units, &err), 0);
        list = strv_join(STRV_CONST(units), " ");
        assert_string_equal(list, "a.service b.service");
        strv_free(units);
        end();
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        end_machine(leader, dir, fd);
}

static void test_refusing_bus(void **state)
{
        char dir[] = "/tmp/ec-test.XXXXXX", **units = NULL;
        uint64_t start = clock_usec();
        pid_t pid;
        int fd;

        (void)state;
        if (geteuid())
                skip();
        leader = machine_with_bus(dir, &fd);
        refuses = true;
        pid = fork();
        if (!pid)
                serve(fd);
        refuses = false;
        begin();
        assert_int_equal(machine_failed_units(s, NAME, &units, &err), 1);
        assert_true(clock_usec() - start < 10 * USEC_PER_SEC);
        end();
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        end_machine(leader, dir, fd);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
        const struct CMUnitTest tests[] = {
                TEST(test_no_answer_inside), TEST(test_mute_bus),   TEST(test_mute_buses), TEST(test_forged_units),
                TEST(test_refusing_bus),     TEST(test_restarting), TEST(test_ends)
        };

        return cmocka_run_group_tests_name("failed_units", tests, NULL, NULL);
}
