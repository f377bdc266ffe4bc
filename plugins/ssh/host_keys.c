/* SPDX-License-Identifier: MIT */
/*
 * The host keys of a running container as lines of known_hosts, for cssh: in a bridge,
 * another machine may answer at the container's address.
 */
#include "ssh.h"

#include <string.h>

#define KEY_MAX    ((size_t)16 << 10) /* bytes of a public key file */
#define MARKER_MAX ((size_t)64 << 10)
#define KEYS_MAX   16

char *host_key_line(const char *name, const char *text)
{
        static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
        static const char *const types[] = { "ssh-ed25519",         "ssh-rsa",
                                             "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                                             "ecdsa-sha2-nistp521", NULL };
        size_t type = strcspn(text, " \n"), key = text[type] == ' ' ? strspn(text + type + 1, base64) : 0;

        for (size_t i = 0; types[i] && key; i++)
                if (strlen(types[i]) == type && !strncmp(types[i], text, type) && strchr(" \n", text[type + 1 + key]))
                        return str_printf("%s %.*s\n", name, (int)(type + 1 + key), text);
        return NULL;
}

char **host_key_paths(const char *marker)
{
        static const char *const usual[] = { "/etc/ssh/ssh_host_ed25519_key.pub", "/etc/ssh/ssh_host_ecdsa_key.pub",
                                             "/etc/ssh/ssh_host_rsa_key.pub", NULL };
        _cleanup_strv_ char **lines = strv_split(marker, "\n"), **paths = strv_copy(NULL);

        if (!lines || !paths)
                return NULL;
        for (char **l = lines; *l; l++) {
                const char *path = str_after(*l, "HostKey ");

                if (path && strv_len(STRV_CONST(paths)) < KEYS_MAX && strv_pushf(&paths, "%s.pub", path) < 0)
                        return NULL;
        }
        if (!*paths && strv_extend(&paths, usual) < 0)
                return NULL;
        return TAKE_PTR(paths);
}

static int print_keys(const struct ec_host *h, struct ec_op *op, const char *name, char **paths, struct ec_err *err)
{
        int found = 0;

        for (char **p = paths; *p; p++) {
                _cleanup_free_ char *text = NULL, *line = NULL;
                int r = h->machine->read_file(op, name, *p, KEY_MAX, &text, err);

                /* Others say what the file is, and the next may be one. */
                if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -ELOOP && r != -EFBIG && r != -EBADFD)
                        return r;
                h->err->clear(err);
                line = r < 0 ? NULL : host_key_line(name, text);
                if (!line)
                        continue;
                h->term->out(h, "%s", line);
                found = 1;
        }
        return found ? 0
                     : h->err->set(err, -ENOENT, "container '%s' has no SSH host key: there is no %s", name, *paths);
}

int host_keys_run(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = ((struct ssh *)self)->host;
        const char *const *args = h->opt->args(op);
        _cleanup_free_ char *marker = NULL, *text = NULL;
        _cleanup_strv_ char **paths = NULL;
        const struct ec_container *c;
        int r;

        if (!args[0] || args[1])
                return h->err->usage(err, HOST_KEYS_COMMAND " needs the name of one container");
        r = h->containers->find(op, args[0], &c, err);
        if (r < 0)
                return r;
        marker = ssh_marker(h, c);
        if (!marker || fs_read(marker, MARKER_MAX, &text, NULL) < 0)
                return h->err->set(err, -ENOENT, "container '%s' is built without SSH: build it with --ssh", args[0]);
        paths = host_key_paths(text);
        if (!paths)
                return no_memory(h, err);
        return print_keys(h, op, args[0], paths, err);
}
