/* SPDX-License-Identifier: MIT */
#include "svc/process/interrupt.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "util/err.h"

/* Signals belong to the process, so there is one of this. */
static struct {
        int fd; /* plus one: zero is none */
        int first;
        unsigned held;
        bool ignore_int;
} intr;

int intr_init(void)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        sigset_t set;
        int fd;

        if (intr.fd)
                return 0;
        sigemptyset(&set);
        for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
                struct sigaction sa;

                /* A blocked signal comes to us even if it is ignored: leave those out. */
                if (sigaction(signals[i], NULL, &sa) >= 0 && sa.sa_handler != SIG_IGN)
                        sigaddset(&set, signals[i]);
        }
        fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
                int r = -errno;

                close(fd);
                return r;
        }
        intr.fd = fd + 1;
        return 0;
}

int intr_fd(void)
{
        return intr.fd - 1;
}

int intr_signal(void)
{
        struct signalfd_siginfo si;

        while (intr.fd && read(intr_fd(), &si, sizeof(si)) == sizeof(si))
                if (!intr.first && !(intr.ignore_int && si.ssi_signo == SIGINT && si.ssi_code == SI_KERNEL))
                        intr.first = si.ssi_signo;
        return intr.first;
}

int intr_check(struct ec_err *err)
{
        /* Also while held: what comes then is remembered in its order. */
        if (!intr_signal() || intr.held)
                return 0;
        return err_set(err, -ECANCELED, intr.first == SIGINT ? "interrupted" : "terminated");
}

void intr_clear(void)
{
        (void)intr_signal();
        intr.first = 0;
}

void intr_hold(void)
{
        intr.held++;
}

void intr_release(void)
{
        if (intr.held)
                intr.held--;
}

bool intr_held(void)
{
        return intr.held > 0;
}

void intr_ignore_int(bool on)
{
        /* What came until now is judged by the rule until now. */
        (void)intr_signal();
        intr.ignore_int = on;
}
