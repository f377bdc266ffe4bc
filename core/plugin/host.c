/* SPDX-License-Identifier: MIT */
#include "plugin/host.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "model/containers/containers.h"
#include "model/deploy/deploy.h"
#include "model/deploy/destroy.h"
#include "model/deploy/install.h"
#include "model/deploy/start.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "model/shell.h"
#include "plugin/loader.h"
#include "svc/conf/conf.h"
#include "svc/machine/machine.h"
#include "svc/machine/retry.h"
#include "svc/nix/nix.h"
#include "svc/process/proc.h"
#include "svc/systemd/jobs.h"
#include "svc/systemd/systemd.h"
#include "svc/term/log.h"
#include "svc/term/table.h"
#include "svc/term/term.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

struct plugin_host {
        struct ec_host api; /* first: plugins hand this back */
        const struct host_context *ctx;
        char *plugin, *dir;
};

static const struct plugin_host *host_of(const struct ec_host *h)
{
        return (const struct plugin_host *)h;
}

/* A struct of a plugin that may be older or newer than ours. */
static int copy_in(void *dst, uint32_t dst_size, const void *src, const char *what, struct ec_err *err)
{
        uint32_t size;

        memcpy(&size, src, sizeof(size));
        if (size < sizeof(size))
                return err_set(err, -EINVAL, "%s has no size", what);
        memset(dst, 0, dst_size);
        memcpy(dst, src, size < dst_size ? size : dst_size);
        memcpy(dst, &dst_size, sizeof(dst_size));
        for (uint32_t i = dst_size; i < size; i++)
                if (((const char *)src)[i])
                        return err_set(err, -E2BIG, "%s uses what ABI %u.%u does not have", what, EC_ABI_MAJOR,
                                       EC_ABI_MINOR);
        return 0;
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

static int host_err_prefix(struct ec_err *err, const char *fmt, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, fmt);
        if (vasprintf(&text, fmt, ap) < 0)
                text = NULL;
        va_end(ap);
        return text || !err ? err_prefix(err, "%s", text) : err->code;
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

static const struct ec_opt_api opt_api = {
        .size = sizeof(opt_api),
        .is_set = host_opt_is_set,
        .value = host_opt_value,
        .values = host_opt_values,
        .args = host_opt_args,
        .command = host_opt_command,
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

static int host_conf_plugin_loaded(const struct ec_host *h, const char *name)
{
        const struct plugin *p = plugins_find(host_of(h)->ctx->plugins, name);

        return p && p->state == PLUGIN_LOADED;
}

static const char *host_conf_path(const struct ec_host *h, const char *what)
{
        return layout_path(host_of(h)->ctx->layout, what);
}

static const struct ec_conf_api conf_api = {
        .size = sizeof(conf_api),
        .get = host_conf_get,
        .get_bool = host_conf_get_bool,
        .get_ms = host_conf_get_ms,
        .plugin_loaded = host_conf_plugin_loaded,
        .path = host_conf_path,
};

/* ---- processes, Nix ---------------------------------------------------- */

static int host_proc_run(struct ec_op *op, const struct ec_proc *p, struct ec_proc_result *ret, struct ec_err *err)
{
        struct ec_proc_result res = { .size = sizeof(res) };
        uint32_t size = ret->size;
        struct ec_proc full;
        int r = copy_in(&full, sizeof(full), p, "struct ec_proc", err);

        (void)op;
        if (r < 0)
                return r;
        if (size < sizeof(size) || size > sizeof(res))
                size = sizeof(res); /* the same today; a plugin that left it out means 1.0 */
        r = proc_run(&full, &res, err);
        if (r < 0)
                return r;
        memcpy((char *)ret + sizeof(size), (const char *)&res + sizeof(size), size - sizeof(size));
        return r;
}

static const struct ec_proc_api proc_api = {
        .size = sizeof(proc_api),
        .run = host_proc_run,
        .result_done = proc_result_done,
};

/* Nix runs what a module says, as root maybe. */
static int host_nix_add_module(struct ec_eval *ev, const char *path, struct ec_err *err)
{
        int r;

        if (*path != '/')
                return err_set(err, -EINVAL, "module '%s' is no absolute path", path);
        if (geteuid() == 0) {
                r = fs_trusted(path, err);
                if (r < 0)
                        return r;
        }
        return eval_add_module(ev, path, err);
}

static const struct ec_nix_api nix_api = {
        .size = sizeof(nix_api),
        .add_module = host_nix_add_module,
        .add_arg = eval_add_arg,
        .add_build_arg = eval_add_build_arg,
        .setenv = eval_setenv,
};

/* ---- systemd, machined ------------------------------------------------- */

static int run_jobs(struct ec_op *op, enum unit_job job, const char *const *units, struct ec_err *err)
{
        const struct job_hooks hooks = { .retry = machine_name_was_taken };
        struct unit_result *results = NULL;
        size_t n = strv_len(units);
        struct systemd *s;
        int r = op_systemd(op, &s, err);

        if (r < 0 || !n)
                return r;
        r = systemd_jobs(s, job, units, &hooks, &results, err);
        if (r > 0) {
                _cleanup_strv_ char **failed = NULL;
                _cleanup_free_ char *text = NULL;
                int code = -EIO;

                for (size_t i = n; i-- > 0;)
                        if (results[i].code < 0)
                                code = results[i].code;
                for (size_t i = 0; i < n; i++)
                        if (results[i].code < 0)
                                (void)strv_pushf(&failed, "%s: %s", results[i].unit,
                                                 results[i].reason ?: strerror(-results[i].code));
                text = strv_join(STRV_CONST(failed), "; ");
                r = text ? err_set(err, code, "%s", text) : err_oom(err);
        }
        unit_results_done(results, n);
        return r;
}

static int host_systemd_start(struct ec_op *op, const char *const *units, struct ec_err *err)
{
        return run_jobs(op, JOB_START, units, err);
}

static int host_systemd_stop(struct ec_op *op, const char *const *units, struct ec_err *err)
{
        return run_jobs(op, JOB_STOP, units, err);
}

static int host_systemd_reload(struct ec_op *op, struct ec_err *err)
{
        struct systemd *s;
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : systemd_daemon_reload(s, err);
}

static int host_systemd_active(struct ec_op *op, const char *unit, struct ec_err *err)
{
        _cleanup_free_ char *state = NULL;
        struct systemd *s;
        int r = op_systemd(op, &s, err);

        if (r >= 0)
                r = systemd_get_string(s, unit, "Unit", "ActiveState", &state, err);
        if (r < 0)
                return r;
        return !strcmp(state, "active") || !strcmp(state, "reloading");
}

static int host_systemd_get_string(struct ec_op *op, const char *unit, const char *iface, const char *prop, char **ret,
                                   struct ec_err *err)
{
        struct systemd *s;
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : systemd_get_string(s, unit, iface, prop, ret, err);
}

static const struct ec_systemd_api systemd_api = {
        .size = sizeof(systemd_api),
        .start = host_systemd_start,
        .stop = host_systemd_stop,
        .reload = host_systemd_reload,
        .active = host_systemd_active,
        .get_string = host_systemd_get_string,
};

static int host_machine_exec(struct ec_op *op, const struct ec_exec *x, int32_t *ret_status, struct ec_err *err)
{
        struct ec_exec full;
        struct systemd *s;
        int r = copy_in(&full, sizeof(full), x, "struct ec_exec", err);

        if (r >= 0)
                r = op_systemd(op, &s, err);
        return r < 0 ? r : machine_exec(s, &full, ret_status, err);
}

static int host_machine_running(struct ec_op *op, const char *name, struct ec_err *err)
{
        struct systemd *s;
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : machine_running(s, name, err);
}

static int host_machine_leader(struct ec_op *op, const char *name, uint32_t *ret_pid, struct ec_err *err)
{
        struct systemd *s;
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : machine_leader(s, name, ret_pid, err);
}

static const struct ec_machine_api machine_api = {
        .size = sizeof(machine_api),
        .exec = host_machine_exec,
        .running = host_machine_running,
        .leader = host_machine_leader,
};

/* ---- containers, phases ------------------------------------------------ */

static const char *host_container_name(const struct ec_container *c)
{
        return c->name;
}
static const char *host_container_unit(const struct ec_container *c)
{
        return c->unit;
}
static const char *host_container_unit_path(const struct ec_container *c)
{
        return c->unit_path;
}
static const char *host_container_conf_path(const struct ec_container *c)
{
        return c->conf_path;
}
static const char *host_container_state_path(const struct ec_container *c)
{
        return c->state_path;
}

static int host_foreach_installed(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data,
                                  struct ec_err *err)
{
        struct container_list l = { 0 };
        int r = containers_installed(op->layout, &l, err);

        if (r < 0)
                return r;
        r = 0;
        for (size_t i = 0; r == 0 && i < l.n; i++)
                r = fn(data, l.items[i]);
        container_list_done(&l);
        return r;
}

static const struct ec_containers_api containers_api = {
        .size = sizeof(containers_api),
        .name = host_container_name,
        .unit = host_container_unit,
        .unit_path = host_container_unit_path,
        .conf_path = host_container_conf_path,
        .state_path = host_container_state_path,
        .conf_get = container_conf_get,
        .foreach = deploy_foreach,
        .foreach_installed = host_foreach_installed,
};

static const struct ec_deploy_api deploy_api = {
        .size = sizeof(deploy_api),
        .build = deploy_build,
        .output = deploy_output,
        .install = deploy_install,
        .start = deploy_start,
        .restart = deploy_restart,
        .destroy = deploy_destroy,
        .shell = deploy_shell,
};

static const struct ec_shell_api shell_api = {
        .size = sizeof(shell_api),
        .container = shell_container,
        .setenv = shell_setenv,
        .command = shell_command,
        .dir = shell_dir,
};

/* ---- output ------------------------------------------------------------ */

static void host_term_out(const struct ec_host *h, const char *fmt, ...)
{
        va_list ap;

        (void)h;
        va_start(ap, fmt);
        term_outv(fmt, ap);
        va_end(ap);
}

static int host_term_is_tty(const struct ec_host *h)
{
        (void)h;
        return term_stdout_tty();
}

static const struct ec_term_api term_api = { .size = sizeof(term_api),
                                             .out = host_term_out,
                                             .is_tty = host_term_is_tty };

static int host_table_create(struct ec_op *op, const struct ec_array *columns, struct ec_table **ret,
                             struct ec_err *err)
{
        const uint32_t min = offsetof(struct ec_column, flags) + sizeof(uint32_t);
        _cleanup_free_ struct ec_column *full = calloc((size_t)columns->count + 1, sizeof(*full));
        const struct ec_array a = { full, columns->count, sizeof(*full) };
        const char *from = columns->items;

        if (!full)
                return err_oom(err);
        if (columns->count && columns->stride < min)
                return err_set(err, -EINVAL, "struct ec_column is too short");
        for (uint32_t i = 0; i < columns->count; i++, from += columns->stride)
                memcpy(&full[i], from, columns->stride < sizeof(*full) ? columns->stride : sizeof(*full));
        return table_create(&a, options_is_set(op->options, "json"), ret, err);
}

static const struct ec_table_api table_api = {
        .size = sizeof(table_api),
        .create = host_table_create,
        .add_row = table_add_row,
        .set_str = table_set_str,
        .set_int = table_set_int,
        .print = table_print,
        .free = table_free,
};

/* ---- one plugin's host ------------------------------------------------- */

int plugin_host_new(const struct host_context *ctx, const char *plugin, const char *dir, struct plugin_host **ret,
                    struct ec_err *err)
{
        struct plugin_host *h = calloc(1, sizeof(*h));

        if (h)
                *h = (struct plugin_host){ .ctx = ctx, .plugin = strdup(plugin), .dir = strdup(dir) };
        if (!h || !h->plugin || !h->dir) {
                plugin_host_free(h);
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
                .proc = &proc_api,
                .nix = &nix_api,
                .systemd = &systemd_api,
                .machine = &machine_api,
                .containers = &containers_api,
                .deploy = &deploy_api,
                .shell = &shell_api,
                .term = &term_api,
                .table = &table_api,
                .mem_free = free,
                .plugin_dir = h->dir,
                .program = ctx->program,
        };
        *ret = h;
        return 0;
}

void plugin_host_free(struct plugin_host *h)
{
        if (!h)
                return;
        free(h->plugin);
        free(h->dir);
        free(h);
}

const struct ec_host *plugin_host_api(const struct plugin_host *h)
{
        return &h->api;
}
