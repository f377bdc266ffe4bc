/* SPDX-License-Identifier: MIT */
/* SSH access to containers, with a key of its own. */
#include "ssh.h"

#include <string.h>

static int configure(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = ((struct ssh *)self)->host;
        _cleanup_(key_done) struct key key = { 0 };
        int r;

        if (!h->opt->is_set(op, "ssh"))
                return 0;
        r = key_get(h, op, 1, &key, err);
        return r < 0 ? r : 0;
}

/* Whether a definition asks for SSH is only known after it is evaluated, so the key is passed
 * in any case. If there is none, the evaluation fails only if the definition needs it. */
static int add_key(const struct ec_host *h, struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        int asked = h->opt->is_set(op, "ssh");
        _cleanup_(key_done) struct key key = { 0 };
        int r = key_get(h, op, asked || geteuid() == 0, &key, err);

        if (r > 0)
                return h->nix->add_arg(ev, "sshKey", key.public, err);
        if (r == 0)
                return h->nix->add_arg(ev, "sshProblem", "there is no SSH key yet; --ssh creates one", err);
        if (!asked && r != -ECANCELED && r != -ENOMEM) {
                _cleanup_free_ char *problem = strdup(h->err->message(err));

                h->err->clear(err);
                return problem ? h->nix->add_arg(ev, "sshProblem", problem, err) : no_memory(h, err);
        }
        return r;
}

static int eval(void *self, struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        const struct ec_host *h = ((struct ssh *)self)->host;
        int r = add_own_module(h, ev, err);

        if (r >= 0 && h->opt->is_set(op, "ssh"))
                r = h->nix->add_arg(ev, "ssh", "1", err);
        return r < 0 ? r : add_key(h, op, ev, err);
}

/* Before the container is stopped, so that its sshd sees the connection close. */
static int pre_destroy(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        struct ssh *s = self;

        (void)err;
        if (s->container && !strcmp(s->container, s->host->containers->name(c)))
                session_close(s, op);
        return 0;
}

/* Always called, so done() has nothing else to free. */
static void finish(void *self, struct ec_op *op, int status)
{
        struct ssh *s = self;

        (void)status;
        session_close(s, op);
        free(TAKE_PTR(s->container));
        free(TAKE_PTR(s->sockets));
}

static int init(const struct ec_host *host, void **ret_self, struct ec_err *err)
{
        struct ssh *s = calloc(1, sizeof(*s));

        if (!s)
                return no_memory(host, err);
        s->host = host;
        *ret_self = s;
        return 0;
}

static const struct ec_hooks hooks = {
        .size = sizeof(hooks),
        .configure = configure,
        .eval = eval,
        .shell = session_open,
        .pre_destroy = pre_destroy,
        .finish = finish,
};

static const struct ec_option options[] = {
        { .name = "ssh",
          .scopes = EC_SCOPE_BUILD | EC_SCOPE_SHELL,
          .help = "Allow SSH to containers, using a key generated on first use; cssh connects from a session" },
};

static const struct ec_command commands[] = {
        { .name = HOST_KEYS_COMMAND,
          .synopsis = "NAME",
          .summary = "Print the host keys of a running container, for a session's cssh",
          .flags = EC_CMD_ROOT | EC_CMD_HIDDEN,
          .run = host_keys_run },
};

static const struct ec_setting settings[] = {
        { .key = "key-dir",
          .type = "path",
          .help = "Directory of the SSH key, which only its user may access; it is created if it is missing. The "
                  "default "
                  "is ssh in run-state of section [paths] for root, and extra-container-ssh in $XDG_RUNTIME_DIR, or "
                  "/tmp/extra-container-ssh-UID, for other users" },
        { .key = "timeout", .type = "duration", .def = "30s", .help = "How long cssh waits for a container to answer" },
};

EC_PLUGIN(ssh, .version = EC_VERSION, .summary = "Reach containers by SSH", .commands = EC_ARRAY(commands),
          .options = EC_ARRAY(options), .settings = EC_ARRAY(settings), .hooks = &hooks, .init = init, .done = free);
