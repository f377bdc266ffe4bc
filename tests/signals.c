/* SPDX-License-Identifier: MIT */
/* Linked into every test program: signals have their default actions, whatever the caller ignores or blocks (nohup, jobs
 * that a shell runs in the background). */
#include <signal.h>
#include <stddef.h>

__attribute__((constructor)) static void default_signals(void)
{
        static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU };
        sigset_t none;

        for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
                signal(signals[i], SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
}
