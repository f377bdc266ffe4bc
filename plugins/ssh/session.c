/* SPDX-License-Identifier: MIT */
/* `cssh` of a session, and the connections that it shares. */
#include "ssh.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* A file in the system of containers with SSH: "PORT TYPE KEY"; see module.nix. */
#define MARKER        "etc/extra-container/ssh"
#define SOCKET_PREFIX "ssh-"
#define CLOSE_TIMEOUT 5000

/*
 * Assignments of what does not change during a session precede it. The rest is read at
 * each call, because the container may have been updated or restarted. Each start of a
 * container has a connection of its own and a new host key, so there is no point in
 * remembering host keys, least of all in the user's known_hosts.
 */
static const char script_body[] =
        "fail() {\n"
        "        printf 'cssh: %s\\n' \"$*\" >&2\n"
        "        exit 255\n"
        "}\n"
        "\n"
        "command -v ssh >/dev/null 2>&1 || fail 'there is no ssh in PATH: install OpenSSH'\n"
        "[ -r \"$conf\" ] || fail \"container '$name' is not installed\"\n"
        "system='' address='' address6=''\n"
        "while IFS= read -r line || [ -n \"$line\" ]; do\n"
        "        case $line in\n"
        "        SYSTEM_PATH=*) system=${line#*=} ;;\n"
        "        LOCAL_ADDRESS=*) address=${line#*=} ;;\n"
        "        LOCAL_ADDRESS6=*) address6=${line#*=} ;;\n"
        "        esac\n"
        "done <\"$conf\"\n"
        "address=${address:-$address6}\n"
        "address=${address%%/*}\n"
        "[ -n \"$address\" ] || fail \"container '$name' has no address: set localAddress or localAddress6\"\n"
        "\n"
        "marker=$system/" MARKER "\n"
        "[ -r \"$marker\" ] || fail \"container '$name' is built without SSH: build it with --ssh\"\n"
        "IFS=' ' read -r port type wanted rest <\"$marker\"\n"
        "[ -r \"$key\" ] && [ -r \"$key.pub\" ] || fail \"the SSH key $key is gone: create the container again, with "
        "--ssh\"\n"
        "IFS=' ' read -r type ours rest <\"$key.pub\"\n"
        "[ \"$ours\" = \"$wanted\" ] || fail \"container '$name' is built for another SSH key than $key: create it "
        "again, with --ssh\"\n"
        "\n"
        "invocation=0 state=unknown\n"
        "while IFS= read -r line; do\n"
        "        case $line in\n"
        "        ActiveState=*) state=${line#*=} ;;\n"
        "        InvocationID=?*) invocation=${line#*=} ;;\n"
        "        esac\n"
        "done <<END\n"
        "$(systemctl show -p ActiveState -p InvocationID \"container@$name.service\" 2>/dev/null)\n"
        "END\n"
        "case $state in\n"
        "active | activating | reloading | unknown) ;;\n"
        "*) fail \"container '$name' is not running\" ;;\n"
        "esac\n"
        "socket=$sockets/" SOCKET_PREFIX "$invocation\n"
        "\n"
        "connect() {\n"
        "        ssh -F /dev/null -S \"$socket\" -i \"$key\" -l root -p \"$port\" \\\n"
        "                -o IdentitiesOnly=yes -o IdentityAgent=none -o PreferredAuthentications=publickey -o "
        "BatchMode=yes \\\n"
        "                -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=no "
        "\\\n"
        "                -o UpdateHostKeys=no -o LogLevel=ERROR -o ServerAliveInterval=10 -o ServerAliveCountMax=3 "
        "\"$@\"\n"
        "}\n"
        "\n"
        "# A booting container refuses connections or answers late. If our own address is not set up\n"
        "# yet, a connection keeps the wrong one. So try several times.\n"
        "master() {\n"
        "        end=$(($(date +%s) + timeout)) limit=2\n"
        "        until [ -S \"$socket\" ]; do\n"
        "                said=$(connect -o ConnectTimeout=$limit -f -N -M \"$address\" 2>&1 >/dev/null </dev/null) && "
        "return\n"
        "                left=$((end - $(date +%s)))\n"
        "                case $said in\n"
        "                *'connect to host'* | *'timed out'* | *'closed by remote host'* | *'reset by peer'*) ;;\n"
        "                *) left=0 ;;\n"
        "                esac\n"
        "                if [ $left -le 0 ]; then\n"
        "                        printf 'cssh: %s\\n' \"$said\" >&2\n"
        "                        exit 255\n"
        "                fi\n"
        "                sleep 0.1\n"
        "                limit=$((limit * 2 < left ? limit * 2 : left))\n"
        "        done\n"
        "}\n"
        "\n"
        "# Concurrent first calls also share one connection.\n"
        "if [ ! -S \"$socket\" ]; then\n"
        "        if command -v flock >/dev/null 2>&1; then\n"
        "                (flock 9 && master) 9>\"$sockets/lock\" || exit 255\n"
        "        else\n"
        "                master\n"
        "        fi\n"
        "fi\n"
        "# With a command, ssh only makes a terminal with -t.\n"
        "if [ $# -gt 0 ] && [ -t 0 ] && [ -t 1 ] && [ -t 2 ]; then\n"
        "        connect -t \"$address\" \"$@\"\n"
        "else\n"
        "        connect \"$address\" \"$@\"\n"
        "fi\n";

static int make_script(const struct ec_host *h, const struct ssh *s, const struct ec_container *c,
                       const struct key *key, char **ret, struct ec_err *err)
{
        _cleanup_free_ char *conf = shell_quote(h->containers->conf_path(c)), *path = shell_quote(key->path);
        _cleanup_free_ char *sockets = shell_quote(s->sockets);
        uint64_t seconds = (h->conf->get_ms(h, "timeout") + 999) / 1000;

        if (!conf || !path || !sockets)
                return no_memory(h, err);
        *ret = str_printf("#!/bin/sh\nname=%s conf=%s\nkey=%s sockets=%s timeout=%llu\n\n%s", s->container, conf, path,
                          sockets, (unsigned long long)(seconds ? seconds : 1), script_body);
        return *ret ? 0 : no_memory(h, err);
}

/* Was the system of the container built with SSH? */
static int is_marked(const struct ec_host *h, const struct ec_container *c)
{
        const char *system = h->containers->conf_get(c, "SYSTEM_PATH");
        _cleanup_free_ char *path = system ? fs_join(system, MARKER) : NULL;

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

int session_open(void *self, struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        struct ssh *s = self;
        const struct ec_host *h = s->host;
        const struct ec_container *c = h->shell->container(sh);
        int asked = h->opt->is_set(op, "ssh"), marked = is_marked(h, c), r;
        _cleanup_(key_done) struct key key = { 0 };
        _cleanup_free_ char *script = NULL;

        if (!asked && !marked)
                return 0;
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
