/* SPDX-License-Identifier: MIT */
#include "model/operation/call.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/operation/lock.h"
#include "model/operation/op.h"
#include "svc/process/interrupt.h"
#include "svc/term/log.h"

#define CRASH_STACK ((size_t)64 << 10)

/* Global, because crashes and exit() concern the whole process. */
static const struct call *volatile current;
static pid_t program;

/* Async-signal-safe. */
static void say(const char *const *parts)
{
        for (; *parts; parts++)
                if (write(STDERR_FILENO, *parts, strlen(*parts)) < 0)
                        return;
}

static void on_crash(int sig)
{
        const struct call *c = current;

        if (c) {
                const char *name = sigabbrev_np(sig);

                say((const char *const[]){ "error: plugin ", c->plugin, " crashed in its ", c->what, " (SIG",
                                           name ?: "?", ")\n", NULL });
        }
        current = NULL;
        signal(sig, SIG_DFL);
        raise(sig); /* pending until we return */
}

static void on_exit_call(void)
{
        const struct call *c = current;

        if (!c || getpid() != program) /* a child of the plugin's may end */
                return;
        say((const char *const[]){ "error: plugin ", c->plugin, " called exit() in its ", c->what, "\n", NULL });
        _exit(EXIT_FAILURE);
}

static void on_second_signal(int sig)
{
        const struct call *c = current;

        if (!c)
                return;
        say((const char *const[]){ "error: plugin ", c->plugin, " did not stop in its ", c->what,
                                   "; the program was ended. The next run repairs what is unfinished\n", NULL });
        _exit(128 + sig);
}

void call_init(void)
{
        static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };
        static char stack[CRASH_STACK];
        const stack_t s = { .ss_sp = stack, .ss_size = sizeof(stack) };

        if (sigaltstack(&s, NULL) < 0)
                return;
        for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
                struct sigaction sa = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK }, old;

                /* A sanitizer has its own handler, with a better report. */
                if (sigaction(signals[i], NULL, &old) >= 0 && old.sa_handler == SIG_DFL)
                        sigaction(signals[i], &sa, NULL);
        }
        program = getpid();
        atexit(on_exit_call);
        (void)at_quick_exit(on_exit_call);
        interrupt_on_second(on_second_signal);
}

void call_enter(struct call *c, struct ec_op *op, const char *plugin, const char *what, bool hook)
{
        *c = (struct call){
                .plugin = plugin,
                .what = what,
                .hook = hook,
                .op = op,
                .outer = current,
                .held = interrupt_held(),
                .locked = op ? op->locked : 0,
        };
        current = c;
        c->caught = interrupt_catch(true);
}

/* What is opened next would become stdin, stdout or stderr. */
static void reopen_standard_fds(const struct call *c)
{
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
                if (fcntl(fd, F_GETFD) >= 0)
                        continue;
                if (open("/dev/null", O_RDWR) < 0)
                        return;
                log_warn("plugin %s closed descriptor %d in its %s", c->plugin, fd, c->what);
        }
}

void call_leave(struct call *c)
{
        interrupt_catch(c->caught);
        current = c->outer;
        reopen_standard_fds(c);
        if (interrupt_held() > c->held)
                log_warn("plugin %s still held interrupts after its %s: released", c->plugin, c->what);
        while (interrupt_held() > c->held)
                interrupt_release();
        if (c->op && c->op->locked > c->locked)
                log_warn("plugin %s still held the lock after its %s: released", c->plugin, c->what);
        while (c->op && c->op->locked > c->locked)
                op_unlock(c->op);
}

const struct call *call_current(void)
{
        return current;
}

struct service_scope service_enter(void)
{
        return (struct service_scope){ .caught = interrupt_catch(interrupt_held() > 0 && call_current()) };
}

void service_leave(struct service_scope *s)
{
        interrupt_catch(s->caught);
        err_done(&s->own);
}
