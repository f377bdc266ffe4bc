/* SPDX-License-Identifier: MIT */
/* With a real journald, in namespaces where the test is PID 1. */
#include "in_child.h"

#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <systemd/sd-journal.h>
#include <time.h>

#include "svc/systemd/journal.h"
#include "svc/systemd/journal_inside.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

#define JOURNALD        "/lib/systemd/systemd-journald"
#define MACHINE         "0123456789abcdef0123456789abcdef"
#define MACHINE_JOURNAL "/var/log/journal/" MACHINE
/* Lines of the kernel and of audit concern the whole machine and may appear at any time. */
#define JOURNALD_CONF "[Journal]\nReadKMsg=no\nAudit=no\nRateLimitIntervalSec=0\n"
#define UNIT_FAILED   "MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c"
#define JOB_FAILED    "MESSAGE_ID=be02cf6855d2428ba40df7e9d022f03d"
#define UNIT_STARTED  "MESSAGE_ID=39f53479d3a045ac8e11786248231fbf"
#define UNIT_STARTING "MESSAGE_ID=7d4958e842da4a758f6c1cdc7b36dcc5"
#define UNIT_STOPPING "MESSAGE_ID=de5b426a63be47a7b6ac3eaac82e2f6f"

static uint64_t now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void write_fields(const char *const *fields)
{
        struct iovec iov[8];
        int n = 0;

        for (; *fields; fields++)
                iov[n++] = (struct iovec){ (void *)*fields, strlen(*fields) };
        must(sd_journal_sendv(iov, n) == 0);
}
#define SAY(...) write_fields((const char *const[]){ __VA_ARGS__, NULL })

static void is(char **lines, const char *want)
{
        _cleanup_free_ char *got = NULL;

        /* Without the time. */
        for (char **l = lines; l && *l; l++)
                if (strlen(*l) > 8 && (*l)[2] == ':' && (*l)[5] == ':' && (*l)[8] == ' ')
                        memmove(*l, *l + 9, strlen(*l + 9) + 1);
        got = strv_join(STRV_CONST(lines), "|");

        if (strcmp(got ? got : "", want)) {
                fprintf(stderr, "# got:  %s\n# want: %s\n", got, want);
                _exit(1);
        }
        strv_free(lines);
}

static void unit(const char *name, uint64_t since, size_t max, const char *want)
{
        struct ec_err err = { 0 };
        char **lines = NULL;

        must(journal_tail_unit(name, since, &(struct journal_failure){ 0 }, false, max, &lines, &err) == 0 &&
             !err.code);
        is(lines, want);
}

static void in_root(const char *root, uint64_t since, size_t max, const char *want, const char *want_failed)
{
        struct journal_inside in;
        struct ec_err err = { 0 };

        must(journal_tail_root(root, since, 0, false, max, &in, &err) == 0 && !err.code);
        is(in.lines, want);
        is(in.failed, want_failed);
        in.lines = in.failed = NULL;
        journal_inside_done(&in);
}

static void test_no_journal(void **state)
{
        struct ec_err err = { 0 };
        struct journal_inside in = { (void *)1, (void *)1, (void *)1 };
        char *top = temp_dir(), *dir = fs_join(top, "var/log/journal");

        (void)state;
        assert_int_equal(journal_tail_root("/no/such/root", 0, 0, false, 10, &in, &err), 0);
        assert_null(in.lines);
        assert_null(in.failed);
        assert_null(in.starting);
        assert_int_equal(journal_tail_root(top, 0, 0, false, 10, &in, &err), 0);
        assert_null(in.lines);
        assert_int_equal(fs_mkdir_p(dir, 0755), 0);
        assert_int_equal(journal_tail_root(top, 0, 0, false, 10, &in, &err), 0);
        assert_null(in.lines);
        assert_null(in.failed);
        assert_null(in.starting);
        /* A file that is not a journal is ignored. */
        char *file = fs_join(dir, "system.journal");

        assert_int_equal(fs_write_atomic(file, "garbage", 7, 0644), 0);
        assert_int_equal(journal_tail_root(top, 0, 0, false, 10, &in, &err), 0);
        assert_null(in.lines);
        assert_int_equal(fs_remove_tree(top, &err), 0);
        free(file), free(dir), free(top);
}

/* The sandbox belongs to whoever wrote the journal. */
static void test_answer(void **state)
{
        struct journal_inside in = { 0 };
        size_t n = 100000;
        char *text = calloc(n + 1, 3);

        (void)state;
        assert_int_equal(journal_inside_parse("B\nFa.service\nSb\nT12x\nLone\nX\n\nLtwo", &in), 0);
        assert_string_equal(in.failed[0], "a.service");
        assert_string_equal(in.starting[0], "b");
        assert_int_equal(in.stopping_usec, 12);
        assert_string_equal(in.lines[0], "one");
        assert_string_equal(in.lines[1], "two");
        assert_null(in.lines[2]);
        journal_inside_done(&in);
        for (size_t i = 0; i < n; i++)
                memcpy(text + 3 * i, "Fa\n", 3);
        assert_int_equal(journal_inside_parse(text, &in), 0);
        assert_int_equal(strv_len(STRV_CONST(in.failed)), 10000);
        journal_inside_done(&in);
        free(text);
}

/* ---- in the namespaces ------------------------------------------------------ */

static void check_units(void)
{
        uint64_t begin = now(), middle;

        SAY("MESSAGE=first", "UNIT=a.service");
        SAY("MESSAGE=a.service: of systemd's own", "UNIT=a.service");
        SAY("MESSAGE=of another", "UNIT=b.service");
        SAY("MESSAGE=two\nlines\n\n", "UNIT=a.service");
        unit("a.service", begin, 10, "first|of systemd's own|two|lines");
        unit("a.service", begin, 2, "two|lines");
        unit("a.service", begin, 0, "");
        unit("none.service", begin, 10, "");
        unit("a.service", 0, 1, "lines");
        middle = now();
        SAY("MESSAGE=late", "UNIT=a.service");
        unit("a.service", middle, 10, "late");
        unit("a.service", now() + 1000000, 10, "");
}

/* No terminal escapes, and no endless lines. */
static void check_text(void)
{
        _cleanup_free_ char *big = malloc(5001), *message = NULL;
        struct ec_err err = { 0 };
        char **lines = NULL;

        SAY("MESSAGE=a\033[31mred\033[0m b\tc\033]0;title\a d\x7f\xff\xc2\x9b \xc3\xa4  ", "UNIT=text.service");
        SAY("MESSAGE=\033[2J", "UNIT=text.service"); /* nothing remains of it */
        unit("text.service", 0, 10, "ared b c d? \xc3\xa4");
        memset(big, 'x', 5000);
        big[5000] = 0;
        message = str_printf("MESSAGE=%s", big);
        SAY(message, "UNIT=big.service");
        must(journal_tail_unit("big.service", 0, &(struct journal_failure){ 0 }, false, 10, &lines, &err) == 0);
        must(strv_len(STRV_CONST(lines)) == 1 && strlen(lines[0]) < 1100);
        strv_free(lines);
}

/* Units that failed and did not start later. */
static void check_failed(void)
{
        uint64_t begin = now();

        SAY("MESSAGE=x", UNIT_FAILED, "UNIT=z.service");
        SAY("MESSAGE=x", UNIT_FAILED, "UNIT=again.service");
        SAY("MESSAGE=x", UNIT_FAILED, "UNIT=z.service");
        SAY("MESSAGE=x", JOB_FAILED, "UNIT=j.service", "JOB_RESULT=failed");
        SAY("MESSAGE=x", JOB_FAILED, "UNIT=t.mount", "JOB_RESULT=timeout");
        SAY("MESSAGE=x", JOB_FAILED, "UNIT=d.service", "JOB_RESULT=dependency");
        SAY("MESSAGE=x", UNIT_STARTED, "UNIT=again.service");
        SAY("MESSAGE=x", UNIT_STARTED, "UNIT=never-failed.service");
        SAY("MESSAGE=the end", "UNIT=e.service");
        unit("e.service", begin, 1, "the end"); /* everything has arrived by then */
        in_root("/", begin, 1, "e.service: the end", "j.service|t.mount|z.service");
        in_root("/", now() + 1000000, 10, "", "");
}

/* Lines of a later attempt are left out. */
static void check_until(void)
{
        uint64_t begin = now(), failed;
        struct ec_err err = { 0 };
        struct journal_inside in;
        char **lines;

        must(journal_failure("f.service", begin).end == 0);
        SAY("MESSAGE=why", "UNIT=f.service");
        SAY("MESSAGE=x", UNIT_STARTING, "UNIT=slow.service");
        SAY("MESSAGE=x", UNIT_STARTING, "UNIT=quick.service");
        SAY("MESSAGE=x", UNIT_STARTED, "UNIT=quick.service");
        SAY("MESSAGE=x", UNIT_STOPPING, "UNIT=quick.service");
        SAY("MESSAGE=x", UNIT_STARTING, "UNIT=off.service");
        SAY("MESSAGE=x", UNIT_FAILED, "UNIT=slow.service");
        SAY("MESSAGE=x", UNIT_FAILED, "UNIT=bad.service");
        SAY("MESSAGE=failed", JOB_FAILED, "UNIT=f.service", "JOB_RESULT=dependency");
        unit("f.service", begin, 10, "why|failed");
        failed = journal_failure("f.service", begin).end;
        must(failed >= begin && failed <= now());
        must(journal_failure("g.service", begin).end == 0);
        must(journal_failure("f.service", failed + 1).end == 0);
        while (now() <= failed)
                ;
        SAY("MESSAGE=again", "UNIT=f.service");
        SAY("MESSAGE=x", UNIT_FAILED, "UNIT=late.service");
        SAY("MESSAGE=failed again", JOB_FAILED, "UNIT=f.service", "JOB_RESULT=dependency");
        unit("f.service", begin, 2, "again|failed again");
        must(journal_failure("f.service", begin).end == failed);
        must(journal_tail_unit("f.service", begin, &(struct journal_failure){ .end = failed }, true, 10, &lines,
                               &err) == 0);
        is(lines, "why|failed");
        must(journal_tail_root("/", begin, failed, false, 1, &in, &err) == 0);
        is(in.lines, "f.service: failed");
        is(in.failed, "bad.service");
        is(in.starting, "slow.service");
        must(in.stopping_usec > begin && in.stopping_usec <= failed);
        must(journal_tail_root("/", begin, failed, true, 10, &in, &err) == 0);
        is(in.lines, "f.service: why|slow.service: x|quick.service: x|quick.service: x");
}

#define EXITED "MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15"

/* The end of an excerpt is where the failure was; the container's console shows what a boot does. */
static void check_cut(void)
{
        uint64_t begin = now();
        struct journal_failure f;
        struct ec_err err = { 0 };
        char **lines;

        SAY("MESSAGE=[*     ] (1 of 2) Job x.service/start running (3s / no limit)", "UNIT=cut.service");
        SAY("MESSAGE=[  *** ] Job x.service/start running (4s / no limit)", "UNIT=cut.service");
        SAY("MESSAGE=[  OK  ] Started y.service.", "UNIT=cut.service");
        SAY("MESSAGE=         Starting z.service...", "UNIT=cut.service");
        SAY("MESSAGE=[FAILED] Failed to start bad.service.", "UNIT=cut.service");
        SAY("MESSAGE=[ 1.5 ] not an animation", "UNIT=cut.service");
        SAY("MESSAGE=cut.service: fine", EXITED, "UNIT=cut.service", "COMMAND=ExecStartPost", "EXIT_STATUS=0");
        must(journal_failure("cut.service", begin).cut == 0);
        SAY("MESSAGE=cut.service: exited", EXITED, "UNIT=cut.service", "COMMAND=ExecStartPost", "EXIT_STATUS=2");
        f = journal_failure("cut.service", begin);
        must(f.cut >= begin && f.cut <= now() && f.end == 0);
        while (now() <= f.cut)
                ;
        SAY("MESSAGE=shutdown", "UNIT=cut.service");
        SAY("MESSAGE=cut.service: failed", JOB_FAILED, "UNIT=cut.service", "JOB_RESULT=failed");
        f = journal_failure("cut.service", begin);
        must(f.end > f.cut && f.cut >= f.cut_sent && f.cut_sent >= begin);
        must(journal_tail_unit("cut.service", begin, &f, true, 10, &lines, &err) == 0);
        /* Everything here is of PID 1. */
        is(lines, "[FAILED] Failed to start bad.service.|[ 1.5 ] not an animation|fine|exited");
        SAY("MESSAGE=slow.service: start operation timed out. Terminating.", "UNIT=slow.service");
        must(journal_failure("slow.service", begin).cut > begin);
}

#define INVALID "MESSAGE_ID=c772d24e9a884cbeb9ea12625c306c01"

static int list_setting(void *data, const char *unit, const char *text)
{
        must(strv_pushf(data, "%s %s", unit, text) >= 0);
        return 0;
}

static int stop(void *data, const char *unit, const char *text)
{
        (void)unit;
        (void)text;
        return ++*(int *)data;
}

static void check_settings(void)
{
        char **v = NULL;
        uint64_t begin;
        int n = 0;

        SAY("MESSAGE=early", INVALID, "UNIT=s.service");
        must(journal_ignored_settings(0, list_setting, &v) == 0); /* it has arrived by then */
        is(v, "s.service early");
        v = NULL;
        begin = now();
        SAY("MESSAGE=/a:7: Unknown key 'X', ignoring.", INVALID, "UNIT=s.service", "CONFIG_FILE=/a", "CONFIG_LINE=7");
        SAY("MESSAGE=/a:7: no\033[2J place", INVALID, "UNIT=s.service", "CONFIG_FILE=/b", "CONFIG_LINE=7");
        SAY("MESSAGE=of no unit", INVALID);
        SAY("MESSAGE=something else", "UNIT=s.service");
        SAY("MESSAGE=.", INVALID, "UNIT=t.service");
        must(journal_ignored_settings(begin, list_setting, &v) == 0);
        is(v, "s.service Unknown key 'X', ignoring|s.service /a:7: no place|t.service ");
        must(journal_ignored_settings(begin, stop, &n) == 1 && n == 1);
}

/* In local time. */
static void check_time(void)
{
        uint64_t begin = now() / 1000000;
        struct ec_err err = { 0 };
        char **lines;
        int h, m, s;

        setenv("TZ", "XYZ-5:30", 1);
        SAY("MESSAGE=text", "UNIT=time.service");
        must(journal_tail_unit("time.service", begin * 1000000, &(struct journal_failure){ 0 }, false, 1, &lines,
                               &err) == 0);
        must(sscanf(lines[0], "%2d:%2d:%2d text", &h, &m, &s) == 3);
        begin = (h * 3600 + m * 60 + s + 2 * 86400 - (begin + 19800) % 86400) % 86400;
        must(begin < 3600);
        strv_free(lines);
        unsetenv("TZ");
}

/* A container's links cannot lead out of it. */
static void check_links(void)
{
        must(fs_mkdir_p("/run/c/var/log", 0755) == 0 && fs_mkdir_p("/run/c/run/log", 0755) == 0);
        must(symlink("/var/log/journal", "/run/c/var/log/journal") == 0);
        in_root("/run/c", 0, 1, "", "");
        must(symlink("../../../../var/log/journal", "/run/c/run/log/journal") == 0);
        in_root("/run/c", 0, 1, "", "");
        must(fs_mkdir_p("/run/d/var/log/journal/own", 0755) == 0);
        must(symlink(MACHINE_JOURNAL, "/run/d/var/log/journal/linked") == 0);
        must(symlink(MACHINE_JOURNAL "/system.journal", "/run/d/var/log/journal/own/system.journal") == 0);
        in_root("/run/d", 0, 1, "", "");
}

/* Neither a damaged file nor something else in its place hides the others or blocks. */
static void check_damaged(void)
{
        struct ec_err err = { 0 };
        struct journal_inside in;
        char *data;
        size_t len;

        must(fs_mkdir_p("/run/e/var/log/journal/own", 0755) == 0);
        must(fs_read(MACHINE_JOURNAL "/system.journal", 64 << 20, &data, &len) == 0 ||
             fs_read("/run/log/journal/" MACHINE "/system.journal", 64 << 20, &data, &len) == 0);
        must(fs_write_atomic("/run/e/var/log/journal/own/system.journal", data, len, 0600) == 0);
        must(fs_write_atomic("/run/e/var/log/journal/own/short.journal", data, 300, 0600) == 0);
        must(fs_write_atomic("/run/e/var/log/journal/own/text.journal", "text", 4, 0600) == 0);
        must(mkfifo("/run/e/var/log/journal/own/fifo.journal", 0600) == 0);
        must(journal_tail_root("/run/e", 0, 0, false, 1, &in, &err) == 0);
        is(in.lines, "f.service: failed again");
        free(data);
}

static pid_t journald;

static bool answers(const char *path)
{
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool ok;

        strcpy(sa.sun_path, path);
        ok = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
        close(fd);
        return ok;
}

static void start_journald(void)
{
        char *argv[] = { (char *)JOURNALD, NULL }, *env[] = { NULL };
        int tries = 0;

        must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
        must(mount("proc", "/proc", "proc", 0, NULL) == 0);
        must(mount("tmpfs", "/run", "tmpfs", 0, "mode=755") == 0 &&
             mount("tmpfs", "/var/log", "tmpfs", 0, "mode=755") == 0);
        must(fs_write_atomic("/run/machine-id", "0123456789abcdef0123456789abcdef\n", 33, 0444) == 0);
        if (access("/etc/machine-id", F_OK))
                _exit(77);
        must(mount("/run/machine-id", "/etc/machine-id", NULL, MS_BIND, NULL) == 0);
        must(fs_mkdir_p("/run/systemd/journal", 0755) == 0 &&
             fs_mkdir_p("/var/log/journal/0123456789abcdef0123456789abcdef", 0755) == 0);
        must(fs_mkdir_p("/run/systemd/journald.conf.d", 0755) == 0 &&
             fs_write_atomic("/run/systemd/journald.conf.d/test.conf", JOURNALD_CONF, strlen(JOURNALD_CONF), 0644) ==
                     0);
        must(posix_spawn(&journald, JOURNALD, NULL, NULL, argv, env) == 0);
        while (access("/run/systemd/journal/socket", F_OK) || !answers("/run/systemd/journal/io.systemd.journal")) {
                if (waitpid(journald, NULL, WNOHANG) == journald || tries++ > 1000)
                        _exit(77);
                poll(NULL, 0, 10);
        }
}

static void as_pid_1(void)
{
        start_journald();
        check_units();
        check_text();
        check_failed();
        check_until();
        check_links();
        check_damaged();
        check_cut();
        check_settings();
        check_time();
        _exit(0); /* which ends everything in the namespaces */
}

static void test_with_journald(void **state)
{
        int status;
        pid_t pid;

        (void)state;
        if (geteuid() || access(JOURNALD, X_OK))
                skip();
        fflush(NULL);
        pid = fork();
        if (!pid) {
                pid_t inner;

                alarm(CHILD_SECONDS);
                if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0)
                        _exit(77);
                inner = fork();
                if (!inner)
                        as_pid_1();
                if (inner < 0 || waitpid(inner, &status, 0) != inner)
                        _exit(1);
                _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_journal), cmocka_unit_test(test_answer),
                                            cmocka_unit_test(test_with_journald) };

        return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
