/* SPDX-License-Identifier: MIT */
#include "svc/process/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/err.h"

#define SECOND (500 * USEC_PER_MSEC) /* sudo and terminals may send the first one twice */

/* Global, because signals are per process. */
static struct {
        int fd, told; /* plus one; 0: not open */
        volatile sig_atomic_t first;
        volatile uint64_t first_usec; /* written before `first`, and not after */
        unsigned held;
        bool ignore_int, caught;
        sigset_t set;
        void (*on_second)(int sig);
} interrupt;

static void note(int sig)
{
        const uint64_t one = 1;

        if (interrupt.first)
                return;
        interrupt.first_usec = clock_usec();
        interrupt.first = sig;
        if (write(interrupt.told - 1, &one, sizeof(one)) < 0)
                return; /* its counter is full, so it is readable */
}

static void on_signal(int sig)
{
        int saved = errno;

        if (!interrupt.first)
                note(sig);
        else if (interrupt.on_second && clock_usec() - interrupt.first_usec >= SECOND)
                interrupt.on_second(sig);
        errno = saved;
}

/* The handlers run while the signals are not blocked; without SA_RESTART, they end a plugin's wait. */
static int prepare(void)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

        sigemptyset(&interrupt.set);
        for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
                struct sigaction old;

                /* A blocked signal reaches the signalfd even if it is ignored: leave those out. */
                if (sigaction(signals[i], NULL, &old) < 0 || old.sa_handler == SIG_IGN)
                        continue;
                sigaddset(&interrupt.set, signals[i]);
        }
        if (sigprocmask(SIG_BLOCK, &interrupt.set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return -errno;
        for (unsigned i = 0; i < ARRAY_SIZE(signals); i++) {
                struct sigaction sa = { .sa_handler = on_signal, .sa_mask = interrupt.set };

                if (sigismember(&interrupt.set, signals[i]) && sigaction(signals[i], &sa, NULL) < 0)
                        return -errno;
        }
        return 0;
}

int interrupt_init(void)
{
        int fd, told, r;

        if (interrupt.fd)
                return 0;
        r = prepare();
        if (r < 0)
                return r;
        fd = signalfd(-1, &interrupt.set, SFD_CLOEXEC | SFD_NONBLOCK);
        told = fd < 0 ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (told < 0) {
                r = -errno;
                if (fd >= 0)
                        close(fd);
                return r;
        }
        interrupt.fd = fd + 1;
        interrupt.told = told + 1;
        return 0;
}

int interrupt_fd(void)
{
        return interrupt.held ? -1 : interrupt.fd - 1;
}

int interrupt_told_fd(void)
{
        return interrupt.told - 1;
}

int interrupt_signal(void)
{
        struct signalfd_siginfo si;

        while (interrupt.fd && read(interrupt.fd - 1, &si, sizeof(si)) == sizeof(si))
                if (!(interrupt.ignore_int && si.ssi_signo == SIGINT && si.ssi_code == SI_KERNEL))
                        note((int)si.ssi_signo);
        return interrupt.first;
}

int interrupt_check(struct ec_err *err)
{
        /* Also read signals while held, to keep their order. */
        if (!interrupt_signal() || interrupt.held)
                return 0;
        return err_set(err, -ECANCELED, interrupt.first == SIGINT ? "interrupted" : "terminated");
}

int interrupt_pause(uint64_t usec, struct ec_err *err)
{
        struct pollfd p = { .fd = interrupt_fd(), .events = POLLIN };

        (void)poll(&p, 1, (int)(usec / USEC_PER_MSEC));
        return interrupt_check(err);
}

int interrupt_wait_writable(int fd)
{
        struct pollfd p[] = { { fd, POLLOUT, 0 }, { interrupt.fd - 1, POLLIN, 0 } };

        /* One system call, as this is called for each line. */
        while (!interrupt.first || interrupt.held) {
                if (poll(p, 2, -1) < 0 && errno != EINTR)
                        return -errno;
                if (p[1].revents)
                        (void)interrupt_signal();
                else if (p[0].revents)
                        return 0;
        }
        return -ECANCELED;
}

void interrupt_clear(void)
{
        uint64_t count;

        (void)interrupt_signal();
        interrupt.first = 0;
        if (interrupt.told && read(interrupt_told_fd(), &count, sizeof(count)) < 0)
                return; /* it was not readable */
}

void interrupt_hold(void)
{
        interrupt.held++;
}

void interrupt_release(void)
{
        if (interrupt.held)
                interrupt.held--;
}

unsigned interrupt_held(void)
{
        return interrupt.held;
}

void interrupt_ignore_int(bool on)
{
        /* Read what is pending under the old setting. */
        (void)interrupt_signal();
        interrupt.ignore_int = on;
}

bool interrupt_catch(bool on)
{
        bool was = interrupt.caught;

        /* What came while they were blocked is not a second signal for the plugin. */
        if (on && !was)
                (void)interrupt_signal();
        if (interrupt.fd && on != was)
                sigprocmask(on ? SIG_UNBLOCK : SIG_BLOCK, &interrupt.set, NULL);
        interrupt.caught = interrupt.fd && on;
        return was;
}

void interrupt_on_second(void (*fn)(int sig))
{
        interrupt.on_second = fn;
}

void interrupt_reset(void)
{
        sigset_t none;

        for (int sig = 1; sig < NSIG; sig++)
                signal(sig, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}
