/* SPDX-License-Identifier: MIT */
#include "svc/process/tty_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include "svc/process/interrupt.h"
#include "util/cleanup.h"

static bool ignored(int sig)
{
        struct sigaction sa;

        return sigaction(sig, NULL, &sa) >= 0 && sa.sa_handler == SIG_IGN;
}

static void ignore(int sig, struct sigaction *old)
{
        struct sigaction sa = { .sa_handler = SIG_IGN };

        sigaction(sig, &sa, old);
}

void tty_guard_begin(struct tty_guard *g, bool terminal, bool foreground)
{
        static const int inherited[] = { SIGINT, SIGQUIT, SIGHUP };

        *g = (struct tty_guard){ .terminal = terminal, .background = !terminal && !foreground, .tty = -1 };
        /* If our parent ignores SIGCHLD, we inherit that, and exit statuses are lost. */
        if (ignored(SIGCHLD))
                signal(SIGCHLD, SIG_DFL);
        sigfillset(&g->child_defaults);
        sigdelset(&g->child_defaults, SIGKILL);
        sigdelset(&g->child_defaults, SIGSTOP);
        for (size_t i = 0; i < ARRAY_SIZE(inherited); i++)
                if (ignored(inherited[i]))
                        sigdelset(&g->child_defaults, inherited[i]);
        ignore(SIGPIPE, &g->pipe);
        if (g->background) {
                /* A read from the terminal fails instead of stopping the child. */
                ignore(SIGTTIN, &g->ttin);
                ignore(SIGTTOU, &g->ttou);
                sigdelset(&g->child_defaults, SIGTTIN);
                sigdelset(&g->child_defaults, SIGTTOU);
        }
        if (!terminal)
                return;
        /* First, because ignoring a signal discards a pending one. */
        interrupt_ignore_int(true);
        ignore(SIGQUIT, &g->quit);
        ignore(SIGINT, &g->intr);
        g->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        if (g->tty >= 0) {
                g->group = tcgetpgrp(g->tty);
                g->has_tio = tcgetattr(g->tty, &g->tio) >= 0;
        }
}

/* A killed shell or editor does not restore the terminal's modes. */
void tty_guard_end(struct tty_guard *g, bool killed)
{
        if (g->tty >= 0) {
                struct sigaction ttou;

                ignore(SIGTTOU, &ttou);
                if (g->group == getpgrp() && tcgetpgrp(g->tty) != g->group)
                        (void)tcsetpgrp(g->tty, g->group);
                if (killed && g->has_tio && g->group == getpgrp())
                        (void)tcsetattr(g->tty, TCSADRAIN, &g->tio);
                sigaction(SIGTTOU, &ttou, NULL);
                close(g->tty);
        }
        if (g->terminal) {
                interrupt_ignore_int(false);
                sigaction(SIGQUIT, &g->quit, NULL);
                sigaction(SIGINT, &g->intr, NULL);
        } else if (g->background) {
                sigaction(SIGTTIN, &g->ttin, NULL);
                sigaction(SIGTTOU, &g->ttou, NULL);
        }
        sigaction(SIGPIPE, &g->pipe, NULL);
}
