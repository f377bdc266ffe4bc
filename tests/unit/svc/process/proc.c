/* SPDX-License-Identifier: MIT */
#include "in_child.h"

#include <poll.h>
#include <sys/resource.h>
#include <time.h>
#include <utmp.h>

#include "svc/process/interrupt.h"
#include "svc/process/proc.h"
#include "util/cleanup.h"
#include "util/fs.h"
#include "util/fs_remove.h"
#include "util/strv.h"

#define CAPTURES (EC_PROC_CAPTURE | EC_PROC_CAPTURE_ERR | EC_PROC_NULL_STDIN)

static uint64_t now_ms(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* sh -c SCRIPT, with all its output. */
static int run_sh(const char *script, struct ec_proc_result *ret, struct ec_err *err)
{
        const char *argv[] = { "sh", "-c", script, NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = CAPTURES };

        *ret = (struct ec_proc_result){ .size = sizeof(*ret) };
        return proc_run(&p, ret, err);
}

static void is(const char *script, int status, const char *out, const char *errors)
{
        struct ec_proc_result r;
        struct ec_err err = { 0 };

        assert_int_equal(run_sh(script, &r, &err), 0);
        assert_int_equal(r.status, status);
        assert_string_equal(r.out, out);
        assert_int_equal(r.out_len, strlen(out));
        assert_string_equal(r.err, errors);
        assert_int_equal(r.err_len, strlen(errors));
        proc_result_done(&r);
        assert_null(r.out);
        proc_result_done(&r);
}

static void test_results(void **state)
{
        (void)state;
        is("exit 0", 0, "", "");
        is("exit 7", 7, "", "");
        is("exit 255", 255, "", "");
        is("echo out; echo err >&2", 0, "out\n", "err\n");
        is("kill -TERM $$", 143, "", "");
        is("kill -KILL $$", 137, "", "");
        is("ulimit -c 0; kill -SEGV $$", 139, "", "");
        is("cat", 0, "", ""); /* its stdin is empty */
}

static void test_nul_bytes(void **state)
{
        struct ec_proc_result r;
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(run_sh("printf 'a\\0b'", &r, &err), 0);
        assert_int_equal(r.out_len, 3);
        assert_memory_equal(r.out, "a\0b", 4);
        proc_result_done(&r);
}

/* All streams at once: waiting for only one of them would block for ever. */
static void test_big(void **state)
{
        size_t n = 5 << 20;
        char *in = malloc(n);
        const char *argv[] = { "sh", "-c", "tee /dev/stderr", NULL };
        struct ec_proc p = {
                .size = sizeof(p), .argv = argv, .flags = EC_PROC_CAPTURE | EC_PROC_CAPTURE_ERR, .in = in, .in_len = n
        };
        struct ec_proc_result r = { .size = sizeof(r) };
        struct ec_err err = { 0 };

        (void)state;
        for (size_t i = 0; i < n; i++)
                in[i] = (char)(i * 7 + i / 251);
        assert_int_equal(proc_run(&p, &r, &err), 0);
        assert_int_equal(r.status, 0);
        assert_int_equal(r.out_len, n);
        assert_int_equal(r.err_len, n);
        assert_memory_equal(r.out, in, n);
        assert_memory_equal(r.err, in, n);
        proc_result_done(&r);

        /* A child that does not read its input, and one that reads a part of it. */
        argv[2] = "exec <&-; exit 3";
        assert_int_equal(proc_run(&p, &r, &err), 0);
        assert_int_equal(r.status, 3);
        proc_result_done(&r);
        argv[2] = "head -c 10 | wc -c";
        assert_int_equal(proc_run(&p, &r, &err), 0);
        assert_int_equal(atoi(r.out), 10);
        proc_result_done(&r);
        argv[2] = "wc -c";
        p.in_len = 0;
        assert_int_equal(proc_run(&p, &r, &err), 0);
        assert_int_equal(atoi(r.out), 0);
        proc_result_done(&r);
        free(in);
}

static void test_environment(void **state)
{
        char *top = temp_dir();
        const char *argv[] = { "sh", "-c", "pwd; echo $EC_A; echo ${EC_B-gone}", NULL },
                   *env[] = { "EC_A=1 2", "EC_B", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .env = env, .cwd = top, .flags = CAPTURES };
        struct ec_proc_result r = { .size = sizeof(r) };
        struct ec_err err = { 0 };
        char *want = str_printf("%s\n1 2\ngone\n", top);

        (void)state;
        setenv("EC_B", "x", 1);
        assert_int_equal(proc_run(&p, &r, &err), 0);
        assert_string_equal(r.out, want);
        proc_result_done(&r);
        p.cwd = "/no/such/place";
        assert_int_equal(proc_run(&p, &r, &err), -ENOENT);
        assert_err(&err, -ENOENT, "in '/no/such/place': No such file");
        rmdir(top);
        free(want);
        free(top);
}

static void test_cannot_start(void **state)
{
        char *top = temp_dir(), *script = fs_join(top, "script"), *path = str_printf("PATH=%s", top);
        const char *argv[] = { "no-such-program", NULL }, *env[] = { path, NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = CAPTURES };
        struct ec_proc_result r = { .size = sizeof(r) };
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(proc_run(&p, &r, &err), -ENOENT);
        assert_err(&err, -ENOENT, "program 'no-such-program' not found in PATH");
        p.env = env; /* the child's PATH is used */
        argv[0] = "sh";
        assert_int_equal(proc_run(&p, &r, &err), -ENOENT);
        assert_err(&err, -ENOENT, "'sh' not found");
        assert_int_equal(fs_write_atomic(script, "#!/no/interpreter\n", 18, 0755), 0);
        argv[0] = "script";
        assert_int_equal(proc_run(&p, &r, &err), -ENOENT);
        assert_err(&err, -ENOENT, "its interpreter is missing");
        assert_int_equal(chmod(script, 0644), 0);
        assert_int_equal(proc_run(&p, &r, &err), -EACCES);
        assert_err(&err, -EACCES, "cannot run 'script'");
        argv[0] = NULL;
        assert_int_equal(proc_run(&p, &r, &err), -EINVAL);
        assert_err(&err, -EINVAL, "no program");
        assert_int_equal(fs_remove_tree(top, &err), 0);
        free(path), free(script), free(top);
}

static void test_timeout(void **state)
{
        const char *argv[] = { "sh", "-c", "sleep 1000 & echo $!; wait", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = CAPTURES, .timeout_ms = 50 };
        struct ec_proc_result r = { .size = sizeof(r) };
        struct ec_err err = { 0 };
        uint64_t begin = now_ms();

        (void)state;
        assert_int_equal(proc_run(&p, &r, &err), -ETIMEDOUT);
        assert_err(&err, -ETIMEDOUT, "'sh' did not end within 50 ms");
        /* A child that ignores SIGTERM gets SIGKILL, even if it is stopped. */
        argv[2] = "trap '' TERM; kill -STOP $$; while :; do sleep 1; done";
        p.timeout_ms = 1000;
        assert_int_equal(proc_run(&p, &r, &err), -ETIMEDOUT);
        assert_err(&err, -ETIMEDOUT, "within 1 s");
        assert_in_range(now_ms() - begin, 1000, 30000);
}

static bool gone(pid_t pid)
{
        uint64_t end = now_ms() + 20000;

        while (now_ms() < end) {
                char path[64], state = 0;
                FILE *f;

                snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
                f = fopen(path, "re");
                if (!f)
                        return true;
                if (fscanf(f, "%*d %*s %c", &state) != 1)
                        state = 'Z';
                fclose(f);
                if (state == 'Z')
                        return true;
                poll(NULL, 0, 5);
        }
        return false;
}

/* If the child had to be killed, its descendants are killed, too. */
static void test_timeout_ends_all(void **state)
{
        char *top = temp_dir(), *file = fs_join(top, "pid"),
             *script = str_printf("sleep 1000 & echo $! >'%s.new'; mv '%s.new' '%s'; wait", file, file, file),
             *text = NULL;
        const char *argv[] = { "sh", "-c", script, NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = CAPTURES };
        struct ec_err err = { 0 };

        (void)state;
        /* Until the shell has written the file, which takes long on a busy machine. */
        for (p.timeout_ms = 300; access(file, F_OK) && p.timeout_ms < 60000; p.timeout_ms *= 2) {
                assert_int_equal(proc_run(&p, NULL, &err), -ETIMEDOUT);
                err_done(&err);
        }
        assert_int_equal(fs_read(file, 100, &text, NULL), 0);
        assert_true(gone(atoi(text)));
        assert_int_equal(fs_remove_tree(top, &err), 0);
        free(text), free(script), free(file), free(top);
}

/* Returns even if a daemon keeps the pipes open. */
static void test_left_behind(void **state)
{
        struct ec_proc_result r;
        struct ec_err err = { 0 };
        uint64_t begin = now_ms();

        (void)state;
        assert_int_equal(run_sh("sleep 100 & echo $!; echo said", &r, &err), 0);
        assert_non_null(strstr(r.out, "\nsaid\n"));
        assert_int_equal(kill(atoi(r.out), SIGKILL), 0);
        proc_result_done(&r);
        assert_in_range(now_ms() - begin, 0, 50000);
}

static void test_too_much(void **state)
{
        struct ec_proc_result r;
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(run_sh("head -c 600000000 /dev/zero", &r, &err), -EFBIG);
        assert_err(&err, -EFBIG, "larger than 512 MiB");
        assert_null(r.out);
}

/* ---- lines -------------------------------------------------------------- */

struct lines {
        char **v;
        size_t ticks, longest;
};

static void on_line(void *data, const char *line, size_t len)
{
        struct lines *l = data;

        assert_int_equal(line[len], 0);
        if (len > l->longest)
                l->longest = len;
        strv_push(&l->v, len > 100 ? "long" : line);
}

static void on_tick(void *data)
{
        ((struct lines *)data)->ticks++;
}

static void test_lines(void **state)
{
        const char *argv[] = { "sh", "-c", "echo out; printf 'one\\n\\ntwo\\nthr' >&2; printf 'ee' >&2", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = EC_PROC_CAPTURE | EC_PROC_NULL_STDIN };
        struct lines l = { 0 };
        struct proc_stream s = { .line = on_line, .data = &l };
        struct ec_proc_result r = { .size = sizeof(r) };
        struct ec_err err = { 0 };
        char *all;

        (void)state;
        assert_int_equal(proc_run_stream(&p, &s, &r, &err), 0);
        all = strv_join(STRV_CONST(l.v), "|");
        assert_string_equal(all, "one||two|three");
        assert_string_equal(r.out, "out\n");
        assert_null(r.err);
        free(all);
        strv_free(l.v);
        proc_result_done(&r);

        /* Streams and captures; a line without an end is delivered in parts. */
        l = (struct lines){ 0 };
        argv[2] = "head -c 3000000 /dev/zero | tr '\\0' x >&2";
        p.flags |= EC_PROC_CAPTURE_ERR;
        assert_int_equal(proc_run_stream(&p, &s, &r, &err), 0);
        assert_int_equal(r.err_len, 3000000);
        assert_in_range(strv_len(STRV_CONST(l.v)), 2, 4);
        assert_in_range(l.longest, 1 << 20, (1 << 20) + 65536);
        strv_free(l.v);
        proc_result_done(&r);
}

static void test_ticks(void **state)
{
        const char *argv[] = { "sh", "-c", "sleep 0.3", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = EC_PROC_NULL_STDIN };
        struct lines l = { 0 };
        struct proc_stream s = { .tick = on_tick, .data = &l, .tick_ms = 10 };
        struct ec_err err = { 0 };

        (void)state;
        assert_int_equal(proc_run_stream(&p, &s, NULL, &err), 0);
        assert_in_range(l.ticks, 1, 60);
}

/* ---- signals ------------------------------------------------------------ */

/* Sends this process a signal when the child has printed that it is ready. */
struct interrupt {
        int signal, then;
};

static void on_ready(void *data, const char *line, size_t len)
{
        struct interrupt *i = data;

        (void)len;
        if (!strcmp(line, "ready"))
                kill(getpid(), i->signal);
        else if (!strcmp(line, "again"))
                kill(getpid(), i->then);
}

static int interrupted(const char *script, struct interrupt i, uint32_t flags, struct ec_proc_result *r,
                       struct ec_err *err)
{
        const char *argv[] = { "sh", "-c", script, NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = EC_PROC_CAPTURE | EC_PROC_NULL_STDIN | flags };
        struct proc_stream s = { .line = on_ready, .data = &i };

        *r = (struct ec_proc_result){ .size = sizeof(*r) };
        return proc_run_stream(&p, &s, r, err);
}

/* A shell without a trap would first wait for its child, which may not have got the signal. */
#define WAITS "trap 'exit 1' INT TERM; echo ready >&2; while :; do sleep 0.01; done"

static void in_test_interrupt(void)
{
        struct ec_err err = { 0 };
        struct ec_proc_result r;

        must(interrupt_init() == 0);
        must(interrupted(WAITS, (struct interrupt){ SIGINT, 0 }, 0, &r, &err) == -ECANCELED);
        must(!strcmp(err_msg(&err), "interrupted"));
        err_done(&err);
        must(interrupt_signal() == SIGINT);
        /* Nothing else is started. */
        must(run_sh("exit 0", &r, &err) == -ECANCELED);
        err_done(&err);
        interrupt_clear();
        must(interrupted(WAITS, (struct interrupt){ SIGTERM, 0 }, 0, &r, &err) == -ECANCELED);
        must(!strcmp(err_msg(&err), "terminated"));
        err_done(&err);
}
CHILD_TEST(test_interrupt)

/* The child gets the same signal and may clean up. */
static void in_test_passed_on(void)
{
        struct ec_err err = { 0 };
        struct ec_proc_result r;
        uint64_t begin = now_ms();

        must(interrupt_init() == 0);
        must(interrupted("trap 'exit 5' HUP; trap '' INT TERM; echo ready >&2; while :; do sleep 0.01; done",
                         (struct interrupt){ SIGHUP, 0 }, 0, &r, &err) == -ECANCELED);
        err_done(&err);
        interrupt_clear();
        /* Interactive shells ignore all other signals. */
        must(interrupted("trap 'exit 5' HUP; trap '' INT TERM; echo ready >&2; while :; do sleep 0.01; done",
                         (struct interrupt){ SIGINT, 0 }, EC_PROC_HANGUP, &r, &err) == -ECANCELED);
        must(now_ms() - begin < 9000); /* before the escalation to TERM */
        err_done(&err);
}
CHILD_TEST(test_passed_on)

/* The second signal is SIGTERM, the third SIGKILL. */
static void in_test_impatient(void)
{
        struct ec_err err = { 0 };
        struct ec_proc_result r;
        uint64_t begin = now_ms();

        must(interrupt_init() == 0);
        must(interrupted("trap 'echo again >&2' INT; trap 'exit 0' TERM; echo ready >&2; while :; do sleep 0.01; done",
                         (struct interrupt){ SIGINT, SIGINT }, 0, &r, &err) == -ECANCELED);
        err_done(&err);
        interrupt_clear();
        must(interrupted("trap 'echo again >&2' INT TERM; echo ready >&2; while :; do sleep 0.01; done",
                         (struct interrupt){ SIGINT, SIGTERM }, 0, &r, &err) == -ECANCELED);
        err_done(&err);
        must(now_ms() - begin < 9000);
}
CHILD_TEST(test_impatient)

static void in_test_no_cancel(void)
{
        struct ec_err err = { 0 };
        struct ec_proc_result r;

        must(interrupt_init() == 0);
        must(interrupted("echo ready >&2; sleep 0.1; echo done", (struct interrupt){ SIGINT, 0 }, EC_PROC_NO_CANCEL, &r,
                         &err) == 0);
        must(r.status == 0 && !strcmp(r.out, "done\n"));
        proc_result_done(&r);
        must(interrupt_check(NULL) == -ECANCELED);
        interrupt_clear();
        interrupt_hold();
        must(interrupted("echo ready >&2; sleep 0.1; echo done", (struct interrupt){ SIGTERM, 0 }, 0, &r, &err) == 0);
        must(!strcmp(r.out, "done\n"));
        proc_result_done(&r);
        interrupt_release();
        must(interrupt_signal() == SIGTERM);
}
CHILD_TEST(test_no_cancel)

/* In the child, all signals have their defaults and none is blocked. */
static void in_test_clean_signals(void)
{
        struct ec_err err = { 0 };
        struct ec_proc_result r;
        char *end;

        must(interrupt_init() == 0);
        must(run_sh("sed -n 's/^SigBlk:[[:blank:]]*//p; s/^SigIgn:[[:blank:]]*//p' /proc/self/status", &r, &err) == 0);
        must(strtoull(r.out, &end, 16) == 0);
        /* TTIN and TTOU remain ignored, because the child is in the background; 32 and 33 are glibc's own. */
        must((strtoull(end, NULL, 16) & ~UINT64_C(0x180000000)) == 0x300000);
        proc_result_done(&r);
}
CHILD_TEST(test_clean_signals)

/* Only descriptors 0 to 2 are inherited. */
static void in_test_descriptors(void)
{
        struct ec_proc_result r;
        struct ec_err err = { 0 };

        close_range(3, ~0U, 0); /* descriptors that the test's caller left open */
        must(interrupt_init() == 0);
        must(open("/dev/null", O_RDONLY | O_CLOEXEC) > 3);
        must(run_sh("ls /proc/self/fd | tr '\\n' ' '", &r, &err) == 0);
        must(!strcmp(r.out, "0 1 2 3 ")); /* 3 is the open directory itself */
        proc_result_done(&r);
}
CHILD_TEST(test_descriptors)

/* Works even if our own standard streams are closed. */
static void in_test_closed_streams(void)
{
        struct ec_err err = { 0 };
        struct ec_proc_result r;

        close(0);
        close(1);
        must(run_sh("cat; echo out; echo err >&2", &r, &err) == 0);
        must(!strcmp(r.out, "out\n") && !strcmp(r.err, "err\n"));
        proc_result_done(&r);
}
CHILD_TEST(test_closed_streams)

static void test_no_descriptors_left(void **state)
{
        struct ec_err err = { 0 };
        const char *argv[] = { "sh", "-c", "exit 0", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = CAPTURES };
        struct rlimit old, few;

        (void)state;
        int before = open("/dev/null", O_RDONLY | O_CLOEXEC);

        close(before);
        for (int i = 0; i < 20; i++)
                assert_int_equal(proc_run(&p, NULL, &err), 0);
        p.timeout_ms = 1;
        argv[2] = "sleep 10";
        assert_int_equal(proc_run(&p, NULL, &err), -ETIMEDOUT);
        err_done(&err);
        /* Too few descriptors for all pipes: an error, and none stays open. */
        getrlimit(RLIMIT_NOFILE, &old);
        few = old;
        p.timeout_ms = 0;
        argv[2] = "exit 0";
        for (int extra = 0; extra < 6; extra++) {
                few.rlim_cur = before + extra;
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
                int r = proc_run(&p, NULL, &err);

                setrlimit(RLIMIT_NOFILE, &old);
                if (r < 0) {
                        assert_int_equal(r, -EMFILE);
                        assert_err(&err, -EMFILE, "'sh'");
                }
        }
        int after = open("/dev/null", O_RDONLY | O_CLOEXEC);

        assert_int_equal(after, before);
        close(after);
}

/* ---- terminal ----------------------------------------------------------- */

static void on_a_terminal(int *master)
{
        int slave;

        must(setsid() > 0);
        must(openpty(master, &slave, NULL, NULL, NULL) == 0);
        must(login_tty(slave) == 0);
        must(interrupt_init() == 0);
}

/* ^C reaches only the child. */
static void in_test_terminal(void)
{
        const char *argv[] = { "sh", "-c",
                               "trap 'exit 9' INT; kill -TERM $(head -n 1 pid); read x; while :; do sleep 0.01; done",
                               NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = EC_PROC_TERMINAL };
        struct ec_proc_result r = { .size = sizeof(r) };
        struct ec_err err = { 0 };
        int master, fds[2];
        pid_t typist;

        on_a_terminal(&master);
        must(pipe(fds) == 0);
        typist = fork();
        if (!typist) {
                /* Types ^C when the child has the terminal, which it shows by printing a word. */
                char buf[512] = "";
                size_t n = 0;

                while (!strstr(buf, "waiting")) {
                        ssize_t k = read(master, buf + n, sizeof(buf) - 1 - n);

                        if (k <= 0)
                                _exit(1);
                        n += k;
                }
                _exit(write(master, "\003", 1) == 1 ? 0 : 1);
        }
        argv[2] = "trap 'exit 9' INT; echo waiting; while :; do sleep 0.01; done";
        must(proc_run(&p, &r, &err) == 0);
        must(r.status == 9);
        must(interrupt_check(NULL) == 0);
        must(kill(typist, SIGKILL) == 0 || errno == ESRCH);
        /* Signals from other processes are passed on. */
        argv[2] = "trap 'exit 8' TERM; kill -TERM $PPID; while :; do sleep 0.01; done";
        must(proc_run(&p, &r, &err) == -ECANCELED);
        must(interrupt_signal() == SIGTERM);
        err_done(&err);
}
CHILD_TEST(test_terminal)

static ssize_t raise_term(void *cookie, const char *buf, size_t n)
{
        (void)cookie, (void)buf;
        raise(SIGTERM);
        return n;
}

/* A signal that comes just before the start of an interactive child is not lost. */
static void in_test_just_before(void)
{
        const char *argv[] = { "sleep", "1000", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv, .flags = EC_PROC_TERMINAL, .timeout_ms = 20000 };
        struct ec_proc_result r = { .size = sizeof(r) };
        struct ec_err err = { 0 };
        FILE *real = stdout;

        must(interrupt_init() == 0);
        stdout = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = raise_term });
        must(stdout && fputs("flushed before the start", stdout) >= 0);
        must(proc_run(&p, &r, &err) == -ECANCELED);
        fclose(stdout);
        stdout = real;
        err_done(&err);
}
CHILD_TEST(test_just_before)

/* In the background the child can write to the terminal; reading fails at once and does not stop it. */
static void in_test_background(void)
{
        const char *argv[] = { "sh", "-c", "read x <&1 && exit 3; echo shown; exit 0", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv };
        struct ec_proc_result r = { .size = sizeof(r) };
        struct ec_err err = { 0 };
        int master;

        on_a_terminal(&master);
        must(proc_run(&p, &r, &err) == 0);
        must(r.status == 0);
        must(tcgetpgrp(0) == getpgrp());
}
CHILD_TEST(test_background)

/* A foreground child may ask for a passphrase, and ^C still cancels. */
static void in_test_foreground(void)
{
        const char *argv[] = { "sh", "-c", "read x && test \"$x\" = secret && exit 4", NULL };
        struct ec_proc p = { .size = sizeof(p), .argv = argv };
        struct proc_stream s = { .foreground = true };
        struct ec_proc_result r = { .size = sizeof(r) };
        struct ec_err err = { 0 };
        int master;

        on_a_terminal(&master);
        must(write(master, "secret\n", 7) == 7);
        must(proc_run_stream(&p, &s, &r, &err) == 0);
        must(r.status == 4);
        argv[2] = "trap 'exit 1' INT; kill -INT $PPID; while :; do sleep 0.01; done";
        must(proc_run_stream(&p, &s, &r, &err) == -ECANCELED);
        err_done(&err);
}
CHILD_TEST(test_foreground)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_results),
                cmocka_unit_test(test_nul_bytes),
                cmocka_unit_test(test_big),
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_cannot_start),
                cmocka_unit_test(test_timeout),
                cmocka_unit_test(test_timeout_ends_all),
                cmocka_unit_test(test_left_behind),
                cmocka_unit_test(test_too_much),
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_ticks),
                cmocka_unit_test(test_interrupt),
                cmocka_unit_test(test_passed_on),
                cmocka_unit_test(test_impatient),
                cmocka_unit_test(test_no_cancel),
                cmocka_unit_test(test_clean_signals),
                cmocka_unit_test(test_descriptors),
                cmocka_unit_test(test_closed_streams),
                cmocka_unit_test(test_no_descriptors_left),
                cmocka_unit_test(test_terminal),
                cmocka_unit_test(test_just_before),
                cmocka_unit_test(test_background),
                cmocka_unit_test(test_foreground),
        };
        return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
