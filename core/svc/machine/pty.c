/* SPDX-License-Identifier: MIT */
#include "svc/machine/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"

#define ESCAPE    0x1d /* ^], so often within a second, as in machinectl */
#define ESCAPES   3
#define DRAIN_MAX ((size_t)1 << 20)

static void copy_size(const struct pty *p)
{
        const int fds[] = { p->out, p->in, STDERR_FILENO };
        struct winsize w;

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                if (ioctl(fds[i], TIOCGWINSZ, &w) < 0 || !w.ws_col || !w.ws_row)
                        continue;
                (void)ioctl(p->master, TIOCSWINSZ, &w);
                return;
        }
        (void)ioctl(p->master, TIOCSWINSZ, &(struct winsize){ .ws_row = 24, .ws_col = 80 });
}

static void make_raw(struct pty *p)
{
        struct termios t = p->tio;

        if (!p->raw)
                return;
        cfmakeraw(&t);
        while (tcsetattr(p->in, TCSADRAIN, &t) < 0 && errno == EINTR)
                ;
}

/* Nothing else must be used like a terminal. */
static int check_master(int fd)
{
        struct stat st;
        unsigned n;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(TTYAUX_MAJOR, 2) || ioctl(fd, TIOCGPTN, &n) < 0)
                return -ENOTTY;
        return 0;
}

int pty_begin(struct pty *p, int master, int in, int out)
{
        const int unlocked = 0;
        struct termios t;
        sigset_t set;
        int flags, r;

        *p = (struct pty){ .master = master, .peer = -1, .in = in, .out = out, .signals = -1 };
        r = check_master(master);
        if (r < 0)
                return r;
        if (ioctl(master, TIOCSPTLCK, &unlocked) < 0)
                return -errno;
        p->peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (p->peer < 0)
                return -errno;
        flags = fcntl(master, F_GETFL);
        if (flags < 0 || fcntl(master, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        if (tcgetattr(p->peer, &t) >= 0) {
                t.c_iflag |= IUTF8;
                (void)tcsetattr(p->peer, TCSANOW, &t);
        }
        copy_size(p);

        sigemptyset(&set);
        sigaddset(&set, SIGWINCH);
        sigaddset(&set, SIGCONT);
        if (sigprocmask(SIG_BLOCK, &set, &p->mask) < 0)
                return -errno;
        p->masked = true;
        p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (p->signals < 0)
                return -errno;
        p->raw = tcgetattr(in, &p->tio) >= 0;
        make_raw(p);
        return 0;
}

void pty_end(struct pty *p)
{
        if (p->raw) {
                while (tcsetattr(p->in, TCSADRAIN, &p->tio) < 0 && errno == EINTR)
                        ;
                p->raw = false;
        }
        if (p->signals >= 0)
                close(p->signals);
        if (p->masked)
                sigprocmask(SIG_SETMASK, &p->mask, NULL);
        if (p->peer >= 0)
                close(p->peer);
        if (p->master >= 0)
                close(p->master);
        p->signals = p->peer = p->master = -1;
        p->masked = false;
}

void pty_fill(const struct pty *p, struct pollfd fds[static PTY_FDS])
{
        bool room = buffer_empty(&p->from), pending = !buffer_empty(&p->to) || p->eof_due;

        fds[0] = (struct pollfd){ .fd = room || pending ? p->master : -1,
                                  .events = (room ? POLLIN : 0) | (pending ? POLLOUT : 0) };
        fds[1] = (struct pollfd){ .fd = pending || p->in_done ? -1 : p->in, .events = POLLIN };
        fds[2] = (struct pollfd){ .fd = room || p->out_done ? -1 : p->out, .events = POLLOUT };
        fds[3] = (struct pollfd){ .fd = p->signals, .events = POLLIN };
}

static void on_signal(struct pty *p)
{
        struct signalfd_siginfo si;

        while (read(p->signals, &si, sizeof(si)) == sizeof(si)) {
                /* The shell that continued us has changed the terminal's modes. */
                if (si.ssi_signo == SIGCONT)
                        make_raw(p);
                copy_size(p);
        }
}

bool pty_escaped(const struct pty *p)
{
        return p->escapes >= ESCAPES;
}

static bool escaped(struct pty *p, const char *data, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (data[i] != ESCAPE) {
                        p->escapes = 0;
                        continue;
                }
                if (!p->escapes || clock_usec() > p->escape_until) {
                        p->escapes = 0;
                        p->escape_until = clock_usec() + USEC_PER_SEC;
                }
                if (++p->escapes == ESCAPES)
                        return true;
        }
        return false;
}

enum input { INPUT_MORE, INPUT_ENDED, INPUT_ESCAPED };

static enum input read_ours(struct pty *p)
{
        ssize_t n = buffer_read(&p->to, p->in);

        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return INPUT_MORE;
        if (n <= 0)
                return INPUT_ENDED;
        return p->raw && escaped(p, p->to.data, n) ? INPUT_ESCAPED : INPUT_MORE;
}

/* On a terminal, the end of file is a typed character. */
static void type_eof(struct pty *p)
{
        struct termios t;

        p->eof_due = false;
        if (tcgetattr(p->peer, &t) < 0 || !(t.c_lflag & ICANON))
                return;
        /* Once to submit an unfinished line, once for the end of file. */
        p->to.data[0] = p->to.data[1] = t.c_cc[VEOF];
        p->to.end = 2;
}

int pty_handle(struct pty *p, const struct pollfd fds[static PTY_FDS])
{
        if (fds[3].revents)
                on_signal(p);
        if (fds[1].revents) {
                enum input got = read_ours(p);

                if (got == INPUT_ESCAPED)
                        return SIGHUP;
                if (got == INPUT_ENDED) {
                        p->in_done = true;
                        /* The terminal is gone. */
                        if (p->raw)
                                return SIGHUP;
                        p->eof_due = true;
                }
        }
        if (p->eof_due && buffer_empty(&p->to))
                type_eof(p);
        if (!buffer_empty(&p->to) && buffer_write(&p->to, p->master) < 0)
                buffer_clear(&p->to);
        if (fds[0].revents && buffer_empty(&p->from))
                buffer_read(&p->from, p->master);
        if (!buffer_empty(&p->from)) {
                struct pollfd out = { .fd = p->out, .events = POLLOUT };

                if (p->out_done) {
                        buffer_clear(&p->from);
                } else if (poll(&out, 1, 0) > 0 && buffer_write(&p->from, p->out) < 0) {
                        buffer_clear(&p->from);
                        p->out_done = true;
                        return SIGHUP;
                }
        }
        return 0;
}

void pty_drain(struct pty *p)
{
        size_t total = 0;

        if (p->peer >= 0)
                close(p->peer);
        p->peer = -1;
        while (!p->out_done && total < DRAIN_MAX) {
                struct pollfd out = { .fd = p->out, .events = POLLOUT };

                if (buffer_empty(&p->from)) {
                        if (buffer_read(&p->from, p->master) <= 0)
                                return;
                        total += p->from.end;
                }
                (void)poll(&out, 1, 1000);
                if (!out.revents || buffer_write(&p->from, p->out) < 0)
                        return;
        }
}
