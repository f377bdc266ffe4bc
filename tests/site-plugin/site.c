/* SPDX-License-Identifier: MIT
 *
 * A site's own plugin, built outside of the tree: a command, an option of every
 * command that builds, and a line in a file for each container that is installed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <extra-container/plugin.h>

struct site {
        const struct ec_host *host;
};

static int init(const struct ec_host *host, void **ret_self, struct ec_err *err)
{
        struct site *s = malloc(sizeof(*s));

        if (!s)
                return host->err->set(err, -ENOMEM, "out of memory");
        s->host = host;
        *ret_self = s;
        return 0;
}

static int run_inventory(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct site *s = self;
        const char *file = s->host->conf->get(s->host, "inventory");

        (void)op;
        if (!file)
                return s->host->err->set(err, -ENOENT, "no inventory is configured ([site] inventory)");
        s->host->term->out(s->host, "%s\n", file);
        return 0;
}

static int installed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        const struct site *s = self;
        const struct ec_host *h = s->host;
        const char *file = h->conf->get(h, "inventory");
        char line[512];
        int fd, n, r = 0;

        if (!h->opt->is_set(op, "site-inventory") || !file)
                return 0;
        n = snprintf(line, sizeof(line), "%s\n", h->containers->name(c));
        fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0)
                return h->err->set(err, -errno, "%s: %s", file, strerror(errno));
        if (write(fd, line, n) != n)
                r = h->err->set(err, -EIO, "%s: cannot write", file);
        close(fd);
        return r;
}

static const struct ec_command commands[] = {
        { .name = "site-inventory",
          .synopsis = "",
          .summary = "Say where this site keeps its inventory",
          .run = run_inventory },
};
static const struct ec_option options[] = {
        { .name = "site-inventory",
          .help = "Enter what is installed into the site's inventory",
          .scopes = EC_SCOPE_BUILD },
};
static const struct ec_setting settings[] = { { "inventory", "path", NULL, "A file with a line for each container" } };
static const struct ec_hooks hooks = { .size = sizeof(hooks), .installed = installed };

EC_PLUGIN(site, .version = "1", .summary = "The inventory of this site", .order = 50, .commands = EC_ARRAY(commands),
          .options = EC_ARRAY(options), .settings = EC_ARRAY(settings), .hooks = &hooks, .init = init, .done = free);
