/* SPDX-License-Identifier: MIT */
#include "svc/process/proc.h"
#include "svc/process/env.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "svc/process/interrupt.h"
#include "svc/process/tty_guard.h"
#include "svc/term/term.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/limits.h"
#include "util/strv.h"

#define OUTPUT_MAX     ((size_t)512 << 20)
#define LINE_MAX_BYTES ((size_t)1 << 20)   /* a longer line arrives in parts */
#define CANCEL_GRACE   (10 * USEC_PER_SEC) /* from the user's signal to SIGTERM */
#define TERM_GRACE     (2 * USEC_PER_SEC)  /* from SIGTERM to SIGKILL */

struct buffer {
        char *data;
        size_t len, size;
};

/* How the child is being ended. */
enum stage { RUNNING, ASKED, TERMED, KILLED };

struct run {
        struct ec_proc p;
        const struct proc_stream *stream;
        char **env;
        char *path;
        pid_t pid;
        bool own_group;
        int pidfd, in, out, err; /* our ends of the pipes; -1: none, or closed */
        size_t in_pos;
        struct buffer out_buf, err_buf, line;
        uint64_t deadline, next_tick, next_stage; /* UINT64_MAX: none */
        enum stage stage;
        int failure; /* why we end it: -ECANCELED, -ETIMEDOUT, -EFBIG, -ENOMEM */
};

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

/* ---- start -------------------------------------------------------------- */

/* Above 2, so that no dup2() in the child overwrites another end; our end does not block. On failure, there may be one
 * end. */
static int make_pipe(int ret[2], int ours)
{
        int fds[2], r = 0;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        for (int i = 0; i < 2; i++) {
                ret[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
                if (ret[i] < 0 || (i == ours && fcntl(ret[i], F_SETFL, O_NONBLOCK) < 0))
                        r = -errno;
                close(fds[i]);
        }
        return r;
}

static int spawn(struct run *x, const struct tty_guard *g, int in, int out, int err)
{
        posix_spawn_file_actions_t fa;
        posix_spawnattr_t attr;
        short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        sigset_t none;
        int r = 0;

        /* Those without a check only store what they are given. */
        posix_spawn_file_actions_init(&fa);
        posix_spawnattr_init(&attr);
        sigemptyset(&none);
        if (x->own_group)
                flags |= POSIX_SPAWN_SETPGROUP;
        if (in >= 0)
                r = posix_spawn_file_actions_adddup2(&fa, in, STDIN_FILENO);
        else if (x->p.flags & EC_PROC_NULL_STDIN)
                r = posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (!r && out >= 0)
                r = posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
        if (!r && err >= 0)
                r = posix_spawn_file_actions_adddup2(&fa, err, STDERR_FILENO);
        if (!r && x->p.cwd)
                r = posix_spawn_file_actions_addchdir_np(&fa, x->p.cwd);
        posix_spawnattr_setflags(&attr, flags);
        posix_spawnattr_setsigmask(&attr, &none);
        posix_spawnattr_setsigdefault(&attr, &g->child_defaults);
        if (!r)
                r = posix_spawn(&x->pid, x->path, &fa, &attr, (char *const *)x->p.argv, x->env);
        posix_spawnattr_destroy(&attr);
        posix_spawn_file_actions_destroy(&fa);
        return -r;
}

static int explain(const struct run *x, int r, struct ec_err *err)
{
        struct stat st;

        if (x->p.cwd && stat(x->p.cwd, &st) < 0)
                return err_set(err, r, "cannot run '%s' in '%s': %s", x->p.argv[0], x->p.cwd, strerror(errno));
        if (r == -ENOENT && !access(x->path, F_OK))
                return err_set(err, r, "cannot run '%s': its interpreter is missing", x->path);
        return err_set(err, r, "cannot run '%s': %s", x->path, limits_fork_text(r));
}

static bool wants_err(const struct run *x)
{
        return (x->p.flags & EC_PROC_CAPTURE_ERR) || (x->stream && x->stream->line);
}

static int start(struct run *x, const struct tty_guard *g, struct ec_err *err)
{
        int in[2] = { -1, -1 }, out[2] = { -1, -1 }, er[2] = { -1, -1 };
        int r = 0;

        if (x->p.in)
                r = make_pipe(in, 1);
        if (!r && (x->p.flags & EC_PROC_CAPTURE))
                r = make_pipe(out, 0);
        if (!r && wants_err(x))
                r = make_pipe(er, 0);
        x->in = in[1];
        x->out = out[0];
        x->err = er[0];
        if (r < 0) {
                err_set(err, r, "cannot run '%s': %s", x->p.argv[0], strerror(-r));
        } else {
                r = spawn(x, g, in[0], out[1], er[1]);
                if (r < 0)
                        explain(x, r, err);
        }
        close_fd(&in[0]);
        close_fd(&out[1]);
        close_fd(&er[1]);
        if (r < 0)
                return r;
        x->pidfd = syscall(SYS_pidfd_open, x->pid, 0);
        if (x->pidfd < 0) {
                r = -errno;
                kill(x->pid, SIGKILL);
                while (waitpid(x->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
                return err_set(err, r, "cannot wait for '%s': %s", x->p.argv[0], strerror(-r));
        }
        return 0;
}

/* ---- ending it ---------------------------------------------------------- */

/* The child has not been reaped, so its process ID and its group cannot have been reused. */
static void send_signal(const struct run *x, int sig)
{
        if (x->own_group && kill(-x->pid, sig) >= 0)
                return;
        (void)syscall(SYS_pidfd_send_signal, x->pidfd, sig, NULL, 0);
}

static void to_stage(struct run *x, enum stage stage, int sig)
{
        x->stage = stage;
        send_signal(x, sig);
        /* A stopped process reacts to SIGKILL only. */
        if (sig != SIGKILL)
                send_signal(x, SIGCONT);
        x->next_stage = stage == KILLED ? UINT64_MAX : clock_usec() + (stage == ASKED ? CANCEL_GRACE : TERM_GRACE);
}

static void next_stage(struct run *x)
{
        if (x->stage < TERMED)
                to_stage(x, TERMED, SIGTERM);
        else
                to_stage(x, KILLED, SIGKILL);
}

static void give_up(struct run *x, int r)
{
        if (!x->failure)
                x->failure = r;
        if (x->stage < TERMED)
                next_stage(x);
}

/* The user's signal is passed on; further ones escalate. */
static void on_interrupt(struct run *x)
{
        int sig = interrupt_signal();

        if (!sig)
                return;
        if (x->stage != RUNNING) {
                next_stage(x);
                return;
        }
        x->failure = -ECANCELED;
        to_stage(x, ASKED, x->p.flags & EC_PROC_HANGUP ? SIGHUP : sig);
}

/* ---- pipes -------------------------------------------------------------- */

static int grow(struct buffer *b, size_t more)
{
        size_t size = b->size ? b->size : 4096;
        char *p;

        if (b->len + more > OUTPUT_MAX)
                return -EFBIG;
        while (size < b->len + more + 1)
                size *= 2;
        if (size == b->size)
                return 0;
        p = realloc(b->data, size);
        if (!p)
                return -ENOMEM;
        b->data = p;
        b->size = size;
        return 0;
}

static int append(struct buffer *b, const char *data, size_t len)
{
        int r = grow(b, len);

        if (r < 0)
                return r;
        memcpy(b->data + b->len, data, len);
        b->len += len;
        b->data[b->len] = 0;
        return 0;
}

static int feed_lines(struct run *x, const char *data, size_t len)
{
        while (len) {
                const char *nl = memchr(data, '\n', len);
                size_t n = nl ? (size_t)(nl - data) : len;
                int r;

                r = append(&x->line, data, n);
                if (r < 0)
                        return r;
                if (nl || x->line.len >= LINE_MAX_BYTES) {
                        x->stream->line(x->stream->data, x->line.data, x->line.len);
                        x->line.len = 0;
                }
                n += nl ? 1 : 0;
                data += n;
                len -= n;
        }
        return 0;
}

/* Reads at most max bytes. >0: there may be more; 0: nothing now, or end of file. */
static int read_some(struct run *x, int *fd, size_t max)
{
        char buf[32768];
        ssize_t n;
        int r = 0;

        n = read(*fd, buf, max < sizeof(buf) ? max : sizeof(buf));
        if (n < 0 && errno == EINTR)
                return 1;
        if (n < 0 && errno == EAGAIN)
                return 0;
        if (n <= 0) {
                close_fd(fd);
                return 0;
        }
        /* Discard what exceeds the limit; otherwise the child would block. */
        if (x->failure == -EFBIG || x->failure == -ENOMEM)
                return n;
        if (fd == &x->out) {
                r = append(&x->out_buf, buf, n);
        } else {
                if (x->stream && x->stream->line)
                        r = feed_lines(x, buf, n);
                if (!r && (x->p.flags & EC_PROC_CAPTURE_ERR))
                        r = append(&x->err_buf, buf, n);
        }
        if (r < 0)
                give_up(x, r);
        return n;
}

/* Reads what the child wrote before it ended, but not what its descendants still write. */
static void drain(struct run *x, int *fd)
{
        int left = 0;

        if (*fd < 0 || ioctl(*fd, FIONREAD, &left) < 0)
                left = 0;
        while (left > 0 && *fd >= 0) {
                int n = read_some(x, fd, left);

                if (n <= 0)
                        break;
                left -= n;
        }
        close_fd(fd);
}

static void write_some(struct run *x)
{
        ssize_t n = write(x->in, (const char *)x->p.in + x->in_pos, x->p.in_len - x->in_pos);

        if (n > 0)
                x->in_pos += n;
        else if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        /* It is not an error if the child does not read all of it. */
        if (n < 0)
                close_fd(&x->in);
}

/* ---- the loop ----------------------------------------------------------- */

static void timers(struct run *x)
{
        uint64_t now = clock_usec();

        if (now >= x->next_tick) {
                x->stream->tick(x->stream->data);
                x->next_tick = now + x->stream->tick_ms * USEC_PER_MSEC;
        }
        if (now >= x->deadline) {
                x->deadline = UINT64_MAX;
                give_up(x, -ETIMEDOUT);
        }
        if (now >= x->next_stage)
                next_stage(x);
}

/* Runs until the child has ended and is a zombie. */
static int loop(struct run *x, bool cancel)
{
        for (;;) {
                uint64_t next = MIN(MIN(x->deadline, x->next_tick), x->next_stage);

                if (x->in >= 0 && x->in_pos == x->p.in_len)
                        close_fd(&x->in);
                struct pollfd fds[] = {
                        { .fd = x->pidfd, .events = POLLIN },
                        { .fd = x->out, .events = POLLIN },
                        { .fd = x->err, .events = POLLIN },
                        { .fd = x->in, .events = POLLOUT },
                        { .fd = cancel ? interrupt_fd() : -1, .events = POLLIN },
                };

                if (poll(fds, ARRAY_SIZE(fds), clock_timeout_ms(next)) < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (fds[0].revents)
                        return 0;
                if (fds[1].revents)
                        read_some(x, &x->out, SIZE_MAX);
                if (fds[2].revents)
                        read_some(x, &x->err, SIZE_MAX);
                if (fds[3].revents)
                        write_some(x);
                if (fds[4].revents)
                        on_interrupt(x);
                timers(x);
        }
}

static int finish(struct run *x, int *ret_status)
{
        siginfo_t si = { 0 };

        /* After a failure, also end the descendants in its group. */
        if (x->own_group && x->failure)
                (void)kill(-x->pid, x->failure == -ECANCELED && x->stage < KILLED ? SIGTERM : SIGKILL);
        while (waitid(P_PID, x->pid, &si, WEXITED) < 0)
                if (errno != EINTR)
                        return -errno;
        *ret_status = si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status;
        drain(x, &x->out);
        drain(x, &x->err);
        if (x->line.len && x->stream && x->stream->line)
                x->stream->line(x->stream->data, x->line.data, x->line.len);
        return 0;
}

static int failed(const struct run *x, struct ec_err *err)
{
        const char *name = x->p.argv[0];
        uint32_t ms = x->p.timeout_ms;

        switch (x->failure) {
        case -ECANCELED:
                return interrupt_check(err) < 0 ? -ECANCELED : err_set(err, -ECANCELED, "interrupted");
        case -ETIMEDOUT:
                return err_set(err, -ETIMEDOUT, "'%s' did not end within %" PRIu32 " %s", name,
                               ms % 1000 ? ms : ms / 1000, ms % 1000 ? "ms" : "s");
        case -EFBIG:
                return err_set(err, -EFBIG, "the output of '%s' is larger than %zu MiB", name, OUTPUT_MAX >> 20);
        case -ENOMEM:
                return err_oom(err);
        default:
                return err_set(err, x->failure, "cannot wait for '%s': %s", name, strerror(-x->failure));
        }
}

static int prepare(struct run *x, struct ec_err *err)
{
        int r;

        /* If the child writes nothing, the result is an empty string, not NULL. */
        if (x->p.flags & EC_PROC_CAPTURE && append(&x->out_buf, "", 0) < 0)
                return err_oom(err);
        if (x->p.flags & EC_PROC_CAPTURE_ERR && append(&x->err_buf, "", 0) < 0)
                return err_oom(err);
        r = proc_look_up(x->p.argv, x->p.env, &x->env, &x->path, err);
        if (r >= 0)
                proc_tell("running", x->p.argv);
        return r;
}

static void run_done(struct run *x)
{
        close_fd(&x->pidfd);
        close_fd(&x->in);
        close_fd(&x->out);
        close_fd(&x->err);
        free(x->out_buf.data);
        free(x->err_buf.data);
        free(x->line.data);
        free(x->path);
        strv_free(x->env);
}

int proc_run_stream(const struct ec_proc *p, const struct proc_stream *s, struct ec_proc_result *ret,
                    struct ec_err *err)
{
        _cleanup_(run_done) struct run x = { .p = *p, .stream = s, .pidfd = -1, .in = -1, .out = -1, .err = -1 };
        bool terminal = p->flags & EC_PROC_TERMINAL, foreground = s && s->foreground;
        bool cancel = !(p->flags & EC_PROC_NO_CANCEL) && !interrupt_held();
        struct tty_guard g;
        int status = 0, r = cancel ? interrupt_check(err) : 0;

        x.own_group = !terminal && !foreground;
        x.deadline = x.next_tick = x.next_stage = UINT64_MAX;
        if (r >= 0)
                r = prepare(&x, err);
        if (r < 0)
                return r;
        if (!(x.p.flags & EC_PROC_CAPTURE) || !wants_err(&x))
                term_progress_clear();
        (void)term_flush();
        tty_guard_begin(&g, terminal, foreground);
        /* tty_guard_begin() may have read a pending signal, which then no longer wakes the loop. */
        r = cancel ? interrupt_check(err) : 0;
        if (r >= 0)
                r = start(&x, &g, err);
        if (r < 0) {
                tty_guard_end(&g, false);
                return r;
        }
        if (x.p.timeout_ms)
                x.deadline = clock_usec() + x.p.timeout_ms * USEC_PER_MSEC;
        if (s && s->tick && s->tick_ms)
                x.next_tick = clock_usec() + s->tick_ms * USEC_PER_MSEC;
        r = loop(&x, cancel);
        if (r < 0) {
                x.failure = r;
                send_signal(&x, SIGKILL);
        }
        r = finish(&x, &status);
        tty_guard_end(&g, status > 128);
        if (r < 0 && !x.failure)
                x.failure = r;
        if (x.failure)
                return failed(&x, err);
        if (ret) {
                ret->status = status;
                ret->out = TAKE_PTR(x.out_buf.data);
                ret->out_len = x.out_buf.len;
                ret->err = TAKE_PTR(x.err_buf.data);
                ret->err_len = x.err_buf.len;
        }
        return 0;
}

int proc_run(const struct ec_proc *p, struct ec_proc_result *ret, struct ec_err *err)
{
        return proc_run_stream(p, NULL, ret, err);
}

void proc_result_done(struct ec_proc_result *r)
{
        /* proc->run() rejects a shorter one, which therefore owns nothing. */
        if (!r || (r->size && r->size < offsetof(struct ec_proc_result, err_len) + sizeof(r->err_len)))
                return;
        free(r->out);
        free(r->err);
        r->out = r->err = NULL;
        r->out_len = r->err_len = 0;
}
