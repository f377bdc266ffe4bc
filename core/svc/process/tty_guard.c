/* SPDX-License-Identifier: MIT */
#include "svc/process/tty_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include "svc/process/interrupt.h"
#include "util/cleanup.h"

static void ignore(int sig, struct sigaction *old)
{
        struct sigaction sa = { .sa_handler = SIG_IGN };

        sigaction(sig, &sa, old);
}

void tty_guard_begin(struct tty_guard *g, bool terminal, bool foreground)
{
        struct sigaction chld;

        *g = (struct tty_guard){ .terminal = terminal, .foreground = foreground, .tty = -1 };
        /* If our parent ignores SIGCHLD, we inherit that, and exit statuses are lost. */
        if (sigaction(SIGCHLD, NULL, &chld) >= 0 && chld.sa_handler == SIG_IGN)
                signal(SIGCHLD, SIG_DFL);
        ignore(SIGPIPE, &g->pipe);
        if (!terminal) {
                /* In the background, a read from the terminal fails instead of stopping the child. */
                if (!foreground) {
                        ignore(SIGTTIN, &g->ttin);
                        ignore(SIGTTOU, &g->ttou);
                }
                return;
        }
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
        } else if (!g->foreground) {
                sigaction(SIGTTIN, &g->ttin, NULL);
                sigaction(SIGTTOU, &g->ttou, NULL);
        }
        sigaction(SIGPIPE, &g->pipe, NULL);
}

void tty_guard_child_defaults(const struct tty_guard *g, sigset_t *ret)
{
        const struct {
                int sig;
                const struct sigaction *was;
        } ours[] = {
                { SIGINT, g->terminal ? &g->intr : NULL },
                { SIGQUIT, g->terminal ? &g->quit : NULL },
                { SIGHUP, NULL },
        };

        sigfillset(ret);
        sigdelset(ret, SIGKILL);
        sigdelset(ret, SIGSTOP);
        for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
                struct sigaction sa;

                if (!ours[i].was && sigaction(ours[i].sig, NULL, &sa) < 0)
                        continue;
                if ((ours[i].was ? ours[i].was : &sa)->sa_handler == SIG_IGN)
                        sigdelset(ret, ours[i].sig);
        }
        if (!g->terminal && !g->foreground) {
                sigdelset(ret, SIGTTIN);
                sigdelset(ret, SIGTTOU);
        }
}
