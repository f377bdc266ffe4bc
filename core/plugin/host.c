/* SPDX-License-Identifier: MIT */
#include "plugin/host.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "plugin/services.h"
#include "svc/conf/conf.h"
#include "svc/term/log.h"
#include "svc/term/term.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/escape.h"
#include "util/strv.h"

#define ROOM_FOR_SERVICES 64 /* for tables of later minors; see EC_HAS */

struct plugin_host {
        struct ec_host api;                   /* first: plugins hand this back */
        const void *later[ROOM_FOR_SERVICES]; /* directly after it, and all NULL */
        const struct host_context *ctx;
        char *plugin, *dir;
        char ***lists; /* settings of type "list": each one's key, then its words */
        size_t n_lists;
};
static_assert(offsetof(struct plugin_host, later) == sizeof(struct ec_host), "nothing comes between");

static struct plugin_host *host_of(const struct ec_host *h)
{
        return (struct plugin_host *)h;
}

/* ---- log, err ---------------------------------------------------------- */

static void host_log(const struct ec_host *h, int32_t level, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;

        if (level < LOG_ERR)
                level = LOG_ERR;
        if (level > LOG_DEBUG)
                level = LOG_DEBUG;
        if (level > log_level())
                return;
        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        if (!text)
                return;
        if (level == LOG_DEBUG)
                log_msg(level, "%s: %s", host_of(h)->plugin, text);
        else
                log_msg(level, "%s", text);
}

static int host_err_set(struct ec_err *err, int32_t code, const char *fmt, ...)
{
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = err_setv(err, code < 0 ? code : code > 0 ? -code : -EIO, fmt, ap);
        va_end(ap);
        return r;
}

static int host_err_usage(struct ec_err *err, const char *fmt, ...)
{
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = err_setv(err, -EINVAL, fmt, ap);
        va_end(ap);
        if (err)
                err->usage = true;
        return r;
}

static int host_err_prefix(struct ec_err *err, int32_t code, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        if (text && err)
                err_prefix(err, "%s", text);
        return code < 0 ? code : -EIO;
}

static const struct ec_log_api log_api = { .size = sizeof(log_api), .log = host_log };
static const struct ec_err_api err_api = {
        .size = sizeof(err_api),
        .set = host_err_set,
        .usage = host_err_usage,
        .prefix = host_err_prefix,
        .message = err_msg,
        .clear = err_done,
};

/* ---- options, settings ------------------------------------------------- */

static int host_opt_is_set(const struct ec_op *op, const char *name)
{
        return options_is_set(op->options, name);
}
static const char *host_opt_value(const struct ec_op *op, const char *name)
{
        return options_value(op->options, name);
}
static const char *const *host_opt_values(const struct ec_op *op, const char *name)
{
        return options_values(op->options, name);
}
static const char *const *host_opt_args(const struct ec_op *op)
{
        return options_args(op->options);
}
static const char *host_opt_command(const struct ec_op *op)
{
        return op->command->name;
}

static uint64_t host_opt_get_ms(const struct ec_op *op, const char *name)
{
        return options_ms(op->options, name);
}
static int64_t host_opt_get_int(const struct ec_op *op, const char *name)
{
        const char *value = options_value(op->options, name);

        return value ? strtoll(value, NULL, 10) : 0;
}

static const struct ec_opt_api opt_api = {
        .size = sizeof(opt_api),
        .is_set = host_opt_is_set,
        .value = host_opt_value,
        .values = host_opt_values,
        .args = host_opt_args,
        .command = host_opt_command,
        .get_ms = host_opt_get_ms,
        .get_int = host_opt_get_int,
};

static const char *host_conf_get(const struct ec_host *h, const char *key)
{
        return conf_value(host_of(h)->ctx->conf, host_of(h)->plugin, key);
}

static int host_conf_get_bool(const struct ec_host *h, const char *key)
{
        return conf_bool(host_of(h)->ctx->conf, host_of(h)->plugin, key);
}

static uint64_t host_conf_get_ms(const struct ec_host *h, const char *key)
{
        return conf_ms(host_of(h)->ctx->conf, host_of(h)->plugin, key);
}

static int64_t host_conf_get_int(const struct ec_host *h, const char *key)
{
        const char *value = host_conf_get(h, key);

        return value ? strtoll(value, NULL, 10) : 0;
}

/* Split once, and kept as long as the plugin's host. */
static const char *const *host_conf_get_list(const struct ec_host *h, const char *key)
{
        static const char *const none[] = { NULL };
        struct plugin_host *own = host_of(h);
        _cleanup_strv_ char **split = NULL, **list = NULL;
        char ***lists;

        for (size_t i = 0; i < own->n_lists; i++)
                if (!strcmp(own->lists[i][0], key))
                        return STRV_CONST(own->lists[i] + 1);
        split = strv_split(host_conf_get(h, key) ?: "", " \t");
        lists = reallocarray(own->lists, own->n_lists + 1, sizeof(*lists));
        if (lists)
                own->lists = lists;
        if (!lists || !split || strv_push(&list, key) < 0 || strv_extend(&list, STRV_CONST(split)) < 0)
                return none;
        own->lists[own->n_lists++] = list;
        return STRV_CONST(TAKE_PTR(list) + 1);
}

static const char *host_conf_path(const struct ec_host *h, const char *what)
{
        return layout_path(host_of(h)->ctx->layout, what);
}

static int host_conf_refuse(const struct ec_host *h, const char *key, const char *what, struct ec_err *err)
{
        return conf_refuse(host_of(h)->ctx->conf, host_of(h)->plugin, key, what, err);
}

static const struct ec_conf_api conf_api = {
        .size = sizeof(conf_api),
        .get = host_conf_get,
        .get_bool = host_conf_get_bool,
        .get_ms = host_conf_get_ms,
        .get_int = host_conf_get_int,
        .get_list = host_conf_get_list,
        .path = host_conf_path,
        .refuse = host_conf_refuse,
};

/* ---- output ------------------------------------------------------------ */

static int host_term_out(const struct ec_host *h, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL, *clean = NULL;
        va_list ap;
        int n;

        (void)h;
        va_start(ap, fmt);
        n = vasprintf(&text, fmt, ap);
        va_end(ap);
        if (n < 0)
                text = NULL;
        /* Parts of it may come from a container. */
        clean = text ? escape_text(text, false) : NULL;
        return term_outs(clean);
}

static int host_term_clear(const struct ec_host *h)
{
        (void)h;
        return term_outs("\033[H\033[J");
}

static int host_term_is_tty(const struct ec_host *h)
{
        (void)h;
        return term_stdout_tty();
}

static const struct ec_term_api term_api = { .size = sizeof(term_api),
                                             .out = host_term_out,
                                             .is_tty = host_term_is_tty,
                                             .clear = host_term_clear };

/* ---- one plugin's host ------------------------------------------------- */

int plugin_host_new(const struct host_context *ctx, const char *plugin, const char *dir, const struct ec_host **ret,
                    struct ec_err *err)
{
        struct plugin_host *h = calloc(1, sizeof(*h));

        if (h)
                *h = (struct plugin_host){ .ctx = ctx, .plugin = strdup(plugin), .dir = strdup(dir) };
        if (!h || !h->plugin || !h->dir) {
                plugin_host_free((struct ec_host *)h);
                return err_oom(err);
        }
        h->api = (struct ec_host){
                .size = sizeof(h->api),
                .abi_major = EC_ABI_MAJOR,
                .abi_minor = EC_ABI_MINOR,
                .log = &log_api,
                .err = &err_api,
                .opt = &opt_api,
                .conf = &conf_api,
                .cancel = &services_cancel,
                .proc = &services_proc,
                .nix = &services_nix,
                .systemd = &services_systemd,
                .machine = &services_machine,
                .containers = &services_containers,
                .deploy = &services_deploy,
                .shell = &services_shell,
                .term = &term_api,
                .table = &services_table,
                .mem_free = free,
                .plugin_dir = h->dir,
                .program = ctx->program,
        };
        *ret = &h->api;
        return 0;
}

void plugin_host_free(const struct ec_host *host)
{
        struct plugin_host *h = host_of(host);

        if (!h)
                return;
        for (size_t i = 0; i < h->n_lists; i++)
                strv_free(h->lists[i]);
        free(h->lists);
        free(h->plugin);
        free(h->dir);
        free(h);
}
