/* SPDX-License-Identifier: MIT */
/* `cssh` of a session, and the connections that it shares. */
#include "ssh.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* "PORT TYPE KEY", then a line "HostKey PATH" for each host key. */
#define MARKER        "etc/extra-container/ssh" /* as in cssh.sh, */
#define SOCKET_PREFIX "ssh-"                    /* and so is this */
#define SCRIPT_MAX    (1 << 16)
#define CLOSE_TIMEOUT 5000

static int make_script(const struct ec_host *h, const struct ssh *s, const struct ec_container *c,
                       const struct key *key, char **ret, struct ec_err *err)
{
        _cleanup_free_ char *conf = shell_quote(h->containers->conf_path(c)), *path = shell_quote(key->path);
        _cleanup_free_ char *sockets = shell_quote(s->sockets), *file = fs_join(h->plugin_dir, "cssh.sh"), *text = NULL;
        _cleanup_free_ char *program = shell_quote(h->program);
        uint64_t seconds = (h->conf->get_ms(h, "timeout") + 999) / 1000;

        int r;

        if (!conf || !path || !sockets || !file || !program)
                return no_memory(h, err);
        r = fs_read(file, SCRIPT_MAX, &text, NULL);
        if (r < 0)
                return h->err->set(err, r, "cannot read %s: %s", file, fs_strerror(r));
        *ret = str_printf("#!/bin/sh\nname=%s conf=%s\nkey=%s sockets=%s timeout=%llu\n"
                          "host_keys() { %s " HOST_KEYS_COMMAND " \"$name\"; }\n\n%s",
                          s->container, conf, path, sockets, (unsigned long long)(seconds ? seconds : 1), program,
                          text);
        return *ret ? 0 : no_memory(h, err);
}

char *ssh_marker(const struct ec_host *h, const struct ec_container *c)
{
        const char *system = h->containers->conf_get(c, "SYSTEM_PATH");

        return system ? fs_join(system, MARKER) : NULL;
}

/* Was the system of the container built with SSH? */
static int is_marked(const struct ec_host *h, const struct ec_container *c)
{
        _cleanup_free_ char *path = ssh_marker(h, c);

        return path && access(path, R_OK) == 0;
}

/* 1: the key; 0: it is not usable, and SSH was not asked for, so the session continues without it. */
static int session_key(const struct ec_host *h, struct ec_op *op, int asked, struct key *ret, struct ec_err *err)
{
        int r = key_get(h, op, asked, ret, err);

        if (r == 0)
                h->log->log(h, 4, "no cssh: the SSH key is gone; --ssh creates a new one");
        if (r >= 0 || asked || r == -ECANCELED || r == -ENOMEM)
                return r;
        h->log->log(h, 4, "no cssh: %s", h->err->message(err));
        h->err->clear(err);
        return 0;
}

/* Says how to get it. Not in the list of `h`; it also hides the cssh of an outer session, with another container. */
static int add_absent(const struct ec_host *h, struct ec_shell *sh, struct ec_err *err)
{
        return h->shell->command(
                sh, "cssh",
                "#!/bin/sh\n"
                "echo \"cssh: container '$name' is built without SSH: open the session with --ssh\" >&2\n"
                "exit 127\n",
                NULL, err);
}

int session_open(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        struct ssh *s = self;
        const struct ec_host *h = s->host;
        const struct ec_container *c = h->shell->container(sh);
        int asked = h->opt->is_set(op, "ssh"), marked = is_marked(h, c), r;
        _cleanup_(key_done) struct key key = { 0 };
        _cleanup_free_ char *script = NULL;

        if (!asked && !marked)
                return add_absent(h, sh, err);
        if (!marked)
                h->log->log(h, 4, "container '%s' was built without SSH, and --ssh cannot change it afterwards",
                            h->containers->name(c));
        r = session_key(h, op, asked, &key, err);
        if (r <= 0)
                return r;
        s->container = strdup(h->containers->name(c));
        s->sockets = strdup(h->shell->dir(sh));
        if (!s->container || !s->sockets)
                return no_memory(h, err);
        r = make_script(h, s, c, &key, &script, err);
        if (r < 0)
                return r;
        return h->shell->command(sh, "cssh", script, "cssh [CMD]\tRun a command in the container by SSH, or a shell",
                                 err);
}

static void close_master(struct ssh *s, struct ec_op *op, const char *socket)
{
        struct ec_proc p = {
                .argv = (const char *const[]){ "ssh", "-F", "/dev/null", "-S", socket, "-O", "exit", "container",
                                               NULL },
                .timeout_ms = CLOSE_TIMEOUT,
                .flags = EC_PROC_NO_CANCEL,
        };

        if (run_program(s->host, op, &p, socket, NULL, NULL) < 0)
                s->host->log->log(s->host, 7, "%s: the SSH connection was not closed", socket);
}

void session_close(struct ssh *s, struct ec_op *op)
{
        _cleanup_closedir_ DIR *d = s->sockets ? opendir(s->sockets) : NULL;
        struct stat st;

        for (struct dirent *e; d && (e = readdir(d));) {
                _cleanup_free_ char *socket = NULL;

                if (!str_after(e->d_name, SOCKET_PREFIX) ||
                    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode))
                        continue;
                socket = fs_join(s->sockets, e->d_name);
                if (socket)
                        close_master(s, op, socket);
        }
}
