/* SPDX-License-Identifier: MIT */
/* Linked into every test program: resets signals that the caller ignores or blocks, such as nohup or a shell that runs
 * a job in the background. */
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
