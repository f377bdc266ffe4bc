/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "capture.h"
#include "svc/process/executed.h"
#include "util/fs.h"
#include "util/strv.h"

static int of(pid_t pid)
{
        char *path = str_printf("/proc/%d/stat", (int)pid), *text = NULL;
        int r;

        assert_int_equal(fs_read(path, 4096, &text, NULL), 0);
        r = proc_executed(text);
        free(path), free(text);
        return r;
}

static void test_processes(void **state UNUSED)
{
        pid_t pid = fork();

        if (!pid)
                for (;;)
                        pause();
        assert_int_equal(of(getpid()), 1);
        assert_int_equal(of(pid), 0);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_text(void **state UNUSED)
{
        assert_int_equal(proc_executed("1 (a b) 1 2) S 0 1 1 0 -1 4194560 1 2"), 1);
        assert_int_equal(proc_executed("1 (x) S 0 1 1 0 -1 4194624 1 2"), 0);
        assert_int_equal(proc_executed("1 (x) S 0"), -EBADMSG);
        assert_int_equal(proc_executed(""), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_processes), cmocka_unit_test(test_text) };

        return cmocka_run_group_tests_name("executed", tests, NULL, NULL);
}
