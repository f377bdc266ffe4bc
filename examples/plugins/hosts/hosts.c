/* SPDX-License-Identifier: MIT */
/* Keeps an entry in /etc/hosts for each running container that has an address. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

/* ---- what should be in the file ------------------------------------------------ */

struct entries {
        const struct ec_host *host;
        char **running; /* units, NULL-terminated */
        size_t n;
        FILE *out; /* the lines */
};

static int add_running(void *data, const char *unit, const char *active, const char *sub)
{
        struct entries *e = data;
        char **more;

        (void)sub;
        if (strcmp(active, "active") && strcmp(active, "reloading"))
                return 0;
        more = reallocarray(e->running, e->n + 2, sizeof(*more));
        if (!more)
                return -ENOMEM;
        e->running = more;
        more[e->n] = strdup(unit);
        if (!more[e->n])
                return -ENOMEM;
        more[++e->n] = NULL;
        return 0;
}

/* "10.250.0.2" or, in a bridge, "10.250.0.2/24". The value comes from the definition: only an address may become a line
 * of the file. */
static void add_address(struct entries *e, const struct ec_container *c, const char *key, int family)
{
        const char *value = e->host->containers->conf_get(c, key);
        char address[INET6_ADDRSTRLEN], parsed[sizeof(struct in6_addr)];
        size_t len = value ? strcspn(value, "/") : 0;

        if (!len || len >= sizeof(address))
                return;
        snprintf(address, sizeof(address), "%.*s", (int)len, value);
        if (inet_pton(family, address, parsed) == 1)
                fprintf(e->out, "%s\t%s\n", address, e->host->containers->name(c));
}

static int add_container(void *data, const struct ec_container *c)
{
        struct entries *e = data;
        const char *unit = e->host->containers->unit(c);

        for (size_t i = 0; i < e->n; i++) {
                if (strcmp(e->running[i], unit))
                        continue;
                add_address(e, c, "LOCAL_ADDRESS", AF_INET);
                add_address(e, c, "LOCAL_ADDRESS6", AF_INET6);
        }
        return 0;
}

/* *ret is the text of all entries; the caller frees it, also after a failure. */
static int collect(const struct ec_host *h, struct ec_op *op, char **ret, struct ec_err *err)
{
        struct entries e = { .host = h };
        size_t size;
        int r;

        *ret = NULL;
        e.out = open_memstream(ret, &size);
        if (!e.out)
                return h->err->set(err, -ENOMEM, "out of memory");
        /* One call for all containers. */
        r = h->systemd->states(op, "container@*.service", add_running, &e, err);
        if (r >= 0)
                r = h->containers->foreach_installed(op, add_container, &e, err);
        if (fclose(e.out) || r == -ENOMEM)
                r = h->err->set(err, -ENOMEM, "out of memory");
        for (size_t i = 0; i < e.n; i++)
                free(e.running[i]);
        free(e.running);
        return r;
}

static int update_locked(const struct ec_host *h, struct ec_op *op, struct ec_err *err)
{
        struct hosts_file f = { 0 };
        char *entries;
        int r = collect(h, op, &entries, err);

        if (r >= 0)
                r = hosts_file_read(h, h->conf->get(h, "file"), &f, err);
        if (r >= 0)
                r = hosts_file_replace(h, &f, entries, err);
        hosts_file_done(&f);
        free(entries);
        return r;
}

/* Without the lock, two runs could read the same old file, and the second would undo what the first one wrote. */
static int update(const struct ec_host *h, struct ec_op *op, struct ec_err *err)
{
        int r = h->deploy->lock(op, err);

        if (r < 0)
                return r;
        /* After ^C the file is still brought up to date: containers may have been stopped already. */
        h->cancel->hold(op);
        r = update_locked(h, op, err);
        h->cancel->release(op);
        h->deploy->unlock(op);
        return r;
}

/* ---- hooks ------------------------------------------------------------------------ */

/* The block is always written anew, from all running containers. This also repairs what changed without this program,
 * or in a run that was killed. */
static int changed(void *self, struct ec_op *op, const struct ec_container *const *containers, struct ec_err *err)
{
        const struct ec_host *h = self;

        (void)containers;
        return h->opt->is_set(op, "no-hosts") ? 0 : update(h, op, err);
}

static int has_entry(const struct hosts_file *f, const char *name)
{
        const char *rest = NULL, *line;
        size_t len;

        while ((line = hosts_file_next(f, &rest, &len))) {
                const char *tab = memchr(line, '\t', len);
                size_t name_len = tab ? len - (size_t)(tab + 1 - line) : 0;

                if (tab && name_len == strlen(name) && !strncmp(tab + 1, name, name_len))
                        return 1;
        }
        return 0;
}

/* It is called for each container, and its entry was removed when it was stopped. One that did not run, because
 * something else had stopped it, may still have an entry. */
static int removed(void *self, struct ec_op *op, const struct ec_container *c, struct ec_err *err)
{
        const struct ec_host *h = self;
        struct hosts_file f;
        int r = hosts_file_read(h, h->conf->get(h, "file"), &f, err), stale;

        if (r < 0)
                return r;
        stale = has_entry(&f, h->containers->name(c));
        hosts_file_done(&f);
        return stale ? update(h, op, err) : 0;
}

/* ---- the command -------------------------------------------------------------------- */

static int add_row(const struct ec_host *h, struct ec_table *t, const char *line, size_t len, struct ec_err *err)
{
        char *copy = strndup(line, len), *name = copy ? strchr(copy, '\t') : NULL;
        int r = copy ? 0 : h->err->set(err, -ENOMEM, "out of memory");

        if (name) {
                *name++ = 0;
                r = h->table->add_row(t, err);
                if (r >= 0)
                        r = h->table->set_str(t, "name", name, err);
                if (r >= 0)
                        r = h->table->set_str(t, "address", copy, err);
        }
        free(copy);
        return r;
}

static const struct ec_column columns[] = {
        { .key = "name", .title = "NAME", .type = EC_COL_STR },
        { .key = "address", .title = "ADDRESS", .type = EC_COL_STR },
};
static const struct ec_array column_array = EC_ARRAY(columns);

static int print(const struct ec_host *h, struct ec_op *op, const struct hosts_file *f, struct ec_err *err)
{
        const char *rest = NULL, *line;
        struct ec_table *t = NULL;
        size_t len;
        int r = h->table->create(op, &column_array, &t, err);

        if (r < 0)
                return r;
        while (r >= 0 && (line = hosts_file_next(f, &rest, &len)))
                r = add_row(h, t, line, len, err);
        if (r >= 0)
                r = h->table->print(t, err);
        h->table->free(t);
        return r;
}

static int run_hosts(void *self, struct ec_op *op, struct ec_err *err)
{
        const struct ec_host *h = self;
        struct hosts_file f;
        int r = 0;

        if (h->opt->is_set(op, "update"))
                r = update(h, op, err);
        if (r >= 0)
                r = hosts_file_read(h, h->conf->get(h, "file"), &f, err);
        if (r < 0)
                return r;
        r = print(h, op, &f, err);
        hosts_file_done(&f);
        return r < 0 ? r : 0;
}

/* ---- the plugin ----------------------------------------------------------------------- */

/* Nothing is kept between calls, so that `self` is the table of services. */
static int init(const struct ec_host *host, void **ret_self, struct ec_err *err)
{
        (void)err;
        *ret_self = (void *)host;
        return 0;
}

static const struct ec_option hosts_options[] = {
        { .name = "update", .help = "Bring the file up to date first" },
};
static const struct ec_command commands[] = {
        { .name = "hosts",
          .synopsis = "",
          .summary = "List the host entries of running containers",
          .details = "The entries are kept in /etc/hosts, or in the file that [hosts] file names.",
          .flags = EC_CMD_LISTING,
          .options = EC_ARRAY(hosts_options),
          .run = run_hosts },
};
static const struct ec_option options[] = {
        { .name = "no-hosts", .help = "Leave the host entries as they are", .scopes = EC_SCOPE_START },
};
static const struct ec_setting settings[] = {
        { "file", "path", "/etc/hosts", "The file with the entries" },
};
static const struct ec_hooks hooks = {
        .size = sizeof(hooks),
        .started = changed,
        .updated = changed,
        .stopped = changed,
        .failed = changed,
        .removed = removed,
};

EC_PLUGIN(hosts, .version = "1", .summary = "Keep host entries for running containers", .order = 50,
          .commands = EC_ARRAY(commands), .options = EC_ARRAY(options), .settings = EC_ARRAY(settings), .hooks = &hooks,
          .init = init);
