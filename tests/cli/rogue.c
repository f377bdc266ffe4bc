/* SPDX-License-Identifier: MIT
 *
 * A plugin that misbehaves as the variable ROGUE tells it to, at the named place: "hook exit", "command crash".
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <extra-container/plugin.h>

static int misbehave(const struct ec_host *h, struct ec_op *op, const char *place, struct ec_err *err)
{
        const char *rogue = getenv("ROGUE");
        size_t len = strlen(place);

        if (!rogue || strncmp(rogue, place, len) || rogue[len] != ' ')
                return 0;
        rogue += len + 1;
        if (!strcmp(rogue, "exit"))
                exit(0);
        if (!strcmp(rogue, "crash"))
                raise(SIGSEGV);
        if (!strcmp(rogue, "fail"))
                return h->err->set(err, -EIO, "no luck");
        if (!strcmp(rogue, "256"))
                return 256;
        if (!strcmp(rogue, "hang")) {
                h->log->log(h, 5, "ready");
                for (;;) /* like a loop that retries */
                        nanosleep(&(struct timespec){ .tv_sec = 60 }, NULL);
        }
        if (!strcmp(rogue, "wait")) {
                struct pollfd p = { .fd = h->cancel->fd(op), .events = POLLIN };

                h->log->log(h, 5, "ready");
                while (poll(&p, 1, -1) < 0)
                        ;
                return h->cancel->check(op, err);
        }
        if (!strcmp(rogue, "cancel"))
                return -ECANCELED;
        if (!strcmp(rogue, "close"))
                close(STDERR_FILENO);
        if (!strcmp(rogue, "quick-exit"))
                quick_exit(0);
        if (!strcmp(rogue, "held")) {
                static const char *const argv[] = { "sleep", "60", NULL };
                struct ec_proc p = { .size = sizeof(p), .argv = argv };

                h->cancel->hold(op);
                h->log->log(h, 5, "ready");
                return h->proc->run(op, &p, NULL, err);
        }
        if (!strcmp(rogue, "flood")) {
                h->log->log(h, 5, "ready");
                while (h->term->out(h, "%s\n", "the pipe is full long before anybody reads") >= 0)
                        ;
                return 0;
        }
        if (!strcmp(rogue, "deadlock"))
                return h->deploy->destroy(op, NULL, EC_DESTROY_ALL, err);
        if (!strcmp(rogue, "hold"))
                h->cancel->hold(op);
        return 0;
}

__attribute__((constructor)) static void opened(void)
{
        misbehave(NULL, NULL, "constructor", NULL);
}

static int init(const struct ec_host *host, void **ret_self, struct ec_err *err)
{
        *ret_self = (void *)host;
        return misbehave(host, NULL, "init", err);
}

static int run(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        int r = misbehave(h, op, "command", err);

        if (!r)
                h->term->out(h, "done\n");
        return r;
}

static int configure(void *self, struct ec_op *op, struct ec_err *err)
{
        return misbehave(self, op, "hook", err);
}

static const struct ec_option options[] = {
        { .name = "rogue-option", .help = "Need this plugin", .scopes = EC_SCOPE_BUILD },
};
static const struct ec_setting settings[] = { { "setting", "int", "1", "A number" } };
static const struct ec_command commands[] = {
        { .name = "rogue", .summary = "Misbehave", .scopes = EC_SCOPE_BUILD | EC_SCOPE_DESTROY, .run = run },
};
static const struct ec_hooks hooks = { .size = sizeof(hooks), .configure = configure };

EC_PLUGIN(rogue, .version = "1", .summary = "Misbehaves", .commands = EC_ARRAY(commands), .options = EC_ARRAY(options),
          .settings = EC_ARRAY(settings), .hooks = &hooks, .init = init);
