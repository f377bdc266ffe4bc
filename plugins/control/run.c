/* SPDX-License-Identifier: MIT */
/* Commands and shells in a running container. */
#include "control.h"

#include <string.h>
#include <unistd.h>

#define HOST_KEY_MAX 16384

/* Variables that come after those of the login. */
static int check_env(const struct ec_host *h, const char *const *env, struct ec_err *err)
{
        for (; *env; env++)
                if (**env == '=' || !strchr(*env, '='))
                        return h->err->usage(err, "--env %s: not of the form KEY=VALUE", *env);
        return 0;
}

/* The container that is meant, if it is one of this host. */
static int find(const struct ec_host *h, struct ec_op *op, const char *const *args, const char **ret,
                struct ec_err *err)
{
        const struct ec_container *const *c;
        char *state;
        int r;

        if (!args[0])
                return h->err->usage(err, "%s needs the name of a container", h->opt->command(op));
        r = h->containers->select(op, (const char *const[]){ args[0], NULL }, EC_SELECT_HOST, &c, err);
        if (r < 0)
                return r;
        if (c[1])
                return h->err->usage(err, "%s is for one container; '%s' matches several", h->opt->command(op),
                                     args[0]);
        *ret = h->containers->name(c[0]);
        r = h->systemd->get_string(op, h->containers->unit(c[0]), "Unit", "ActiveState", &state, err);
        if (r < 0)
                return r;
        /* Commands also run in one that still boots. */
        if (!strcmp(state, "inactive") || !strcmp(state, "failed"))
                r = h->err->set(err, -EHOSTDOWN,
                                "container '%s' is not running; start it with 'extra-container start %s'", *ret, *ret);
        h->mem_free(state);
        return r < 0 ? r : 0;
}

int control_run(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        const char *const *args = h->opt->args(op), *const *env = h->opt->values(op, "env");
        struct ec_exec x = { .size = sizeof(x), .flags = EC_EXEC_LOGIN };
        int32_t status = 0;
        int r = check_env(h, env, err);

        if (r >= 0)
                r = find(h, op, args, &x.machine, err);
        if (r < 0)
                return r;
        x.argv = args + 1;
        if (*x.argv && !strcmp(*x.argv, "--"))
                x.argv++;
        else if (*x.argv && **x.argv == '-')
                return h->err->usage(err, "options of run come before the name, as in: run %s VALUE %s COMMAND",
                                     *x.argv, x.machine);
        if (!*x.argv)
                return h->err->usage(err, "run needs a command; 'root-login %s' opens a shell", x.machine);
        x.env = *env ? env : NULL;
        x.user = h->opt->value(op, "user");
        x.cwd = h->opt->value(op, "cwd");
        exec_streams(&x);
        r = h->machine->exec(op, &x, &status, err);
        if (r < 0)
                return r;
        exec_hint(h, x.argv, status);
        return status;
}

int control_root_login(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        const char *const none[] = { NULL }, *const *args = h->opt->args(op);
        struct ec_exec x = { .size = sizeof(x), .flags = EC_EXEC_LOGIN, .argv = none };
        int32_t status = 0;
        int r = args[0] && args[1] ? h->err->usage(err, "root-login takes one name") : 0;

        if (r >= 0)
                r = find(h, op, args, &x.machine, err);
        if (r < 0)
                return r;
        exec_streams(&x);
        r = h->machine->exec(op, &x, &status, err);
        return r < 0 ? r : status;
}

/* "TYPE KEY": the container's text must control neither the terminal nor a file that it is copied to. Ends it after
 * these two words. */
static int is_key(char *s)
{
        static const char *const types[] = { "ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-nistp256 ", "ecdsa-sha2-nistp384 ",
                                             "ecdsa-sha2-nistp521 " };
        char *key = NULL;
        size_t n;

        for (size_t i = 0; i < ARRAY_SIZE(types) && !key; i++)
                key = (char *)str_after(s, types[i]);
        n = key ? strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") : 0;
        if (!n || (key[n] && key[n] != ' '))
                return 0;
        key[n] = 0;
        return 1;
}

int control_show_host_key(void *self, struct ec_op *op, struct ec_err *err)
{
        static const char *const files[] = { "/etc/ssh/ssh_host_ed25519_key.pub", "/etc/ssh/ssh_host_ecdsa_key.pub",
                                             "/etc/ssh/ssh_host_rsa_key.pub" };
        const struct ec_host *h = self;
        const char *const *args = h->opt->args(op), *name;
        int r = args[0] && args[1] ? h->err->usage(err, "show-host-key takes one name") : 0;

        if (r >= 0)
                r = find(h, op, args, &name, err);
        if (r < 0)
                return r;
        r = -ENOENT;
        for (size_t i = 0; i < ARRAY_SIZE(files) && r == -ENOENT; i++) {
                char *text;

                h->err->clear(err);
                r = h->machine->read_file(op, name, files[i], HOST_KEY_MAX, &text, err);
                if (r < 0)
                        continue;
                text[strcspn(text, "\r\n")] = 0;
                if (is_key(text))
                        h->term->out(h, "%s\n", text);
                else
                        r = h->err->set(err, -EBADMSG, "container '%s': %s is not a public key", name, files[i]);
                h->mem_free(text);
        }
        return r == -ENOENT ? h->err->set(err, r, "container '%s' has no SSH host key in /etc/ssh", name) : r;
}

/* machined would enter the container with a process of the host's, as `machinectl login` makes it do. */
int control_login(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        const char *const *args = h->opt->args(op);
        struct ec_exec x = { .size = sizeof(x), .argv = (const char *const[]){ "login", NULL } };
        int32_t status = 0;
        int r = args[0] && args[1] ? h->err->usage(err, "login takes one name") : 0;

        if (r >= 0)
                r = find(h, op, args, &x.machine, err);
        if (r < 0)
                return r;
        exec_streams(&x);
        if (!(x.flags & EC_EXEC_TTY))
                return h->err->set(err, -ENOTTY, "login needs a terminal");
        r = h->machine->exec(op, &x, &status, err);
        return r < 0 ? r : status;
}
