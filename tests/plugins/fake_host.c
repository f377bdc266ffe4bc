/* SPDX-License-Identifier: MIT */
#include "fake_host.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#define FAKE(host) ((struct fake *)(host)) /* host is its first member */

/* ---- strings ---- */

static void append(char **to, const char *fmt, va_list ap)
{
        char *add, *all;

        assert_true(vasprintf(&add, fmt, ap) >= 0);
        assert_true(asprintf(&all, "%s%s", *to ? *to : "", add) >= 0);
        free(add);
        free(*to);
        *to = all;
}

EC_PRINTF(2, 3) static void appendf(char **to, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        append(to, fmt, ap);
        va_end(ap);
}

void fake_note(struct fake *f, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        append(&f->calls, fmt, ap);
        va_end(ap);
        appendf(&f->calls, "\n");
}

static void pair_add(struct fake_pair **list, const char *key, const char *value)
{
        struct fake_pair *p = calloc(1, sizeof(*p));

        p->key = strdup(key);
        p->value = strdup(value);
        while (*list)
                list = &(*list)->next;
        *list = p;
}

static void pair_free(struct fake_pair **list)
{
        while (*list) {
                struct fake_pair *p = *list;

                *list = p->next;
                free(p->key);
                free(p->value);
                strv_free(p->words);
                free(p);
        }
}

static const char *pair_last(const struct fake_pair *p, const char *key)
{
        const char *v = NULL;

        for (; p; p = p->next)
                if (!strcmp(p->key, key))
                        v = p->value;
        return v;
}

/* Notes a call; negative if the test wants it to fail. */
static int call(struct fake *f, struct ec_err *err, const char *service, const char *arg)
{
        fake_note(f, *arg ? "%s %s" : "%s%s", service, arg);
        if (!f->fail_at || strcmp(f->fail_at, service))
                return 0;
        return f->host.err->set(err, f->fail_code ? f->fail_code : -EIO, "%s failed", service);
}

/* ---- err, log, opt, conf ---- */

static int err_setv(struct ec_err *err, int32_t code, int usage, const char *fmt, va_list ap)
{
        assert_true(code < 0);
        if (!err) /* in calls from finish() */
                return code;
        assert_null(err->msg); /* set once, where the failure occurs */
        assert_true(vasprintf(&err->msg, fmt, ap) >= 0);
        err->code = code;
        err->usage = usage;
        return code;
}

static int err_set(struct ec_err *err, int32_t code, const char *fmt, ...)
{
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = err_setv(err, code, 0, fmt, ap);
        va_end(ap);
        return r;
}

static int err_usage(struct ec_err *err, const char *fmt, ...)
{
        va_list ap;
        int r;

        va_start(ap, fmt);
        r = err_setv(err, -EINVAL, 1, fmt, ap);
        va_end(ap);
        return r;
}

static int err_prefix(struct ec_err *err, int32_t code, const char *fmt, ...)
{
        char *text, *all;
        va_list ap;

        assert_true(code < 0);
        if (!err)
                return code;
        assert_non_null(err->msg);
        va_start(ap, fmt);
        assert_true(vasprintf(&text, fmt, ap) >= 0);
        va_end(ap);
        assert_true(asprintf(&all, "%s: %s", text, err->msg) >= 0);
        free(text);
        free(err->msg);
        err->msg = all;
        return code;
}

static const char *err_message(const struct ec_err *err)
{
        return err && err->msg ? err->msg : "";
}

static void err_clear(struct ec_err *err)
{
        if (!err)
                return;
        free(err->msg);
        *err = (struct ec_err){ 0 };
}

static const struct ec_err_api err_api = {
        .size = sizeof(err_api),
        .set = err_set,
        .usage = err_usage,
        .prefix = err_prefix,
        .message = err_message,
        .clear = err_clear,
};

static void log_log(const struct ec_host *host, int32_t level, const char *fmt, ...)
{
        va_list ap;

        appendf(&FAKE(host)->log, "%d: ", level);
        va_start(ap, fmt);
        append(&FAKE(host)->log, fmt, ap);
        va_end(ap);
        appendf(&FAKE(host)->log, "\n");
}

static const struct ec_log_api log_api = { .size = sizeof(log_api), .log = log_log };

static int opt_is_set(const struct ec_op *op, const char *name)
{
        int n = 0;

        for (struct fake_pair *p = op->fake->options; p; p = p->next)
                n += !strcmp(p->key, name);
        return n;
}

static const char *opt_value(const struct ec_op *op, const char *name)
{
        return pair_last(op->fake->options, name);
}

static const char *const *opt_values(const struct ec_op *op, const char *name)
{
        struct fake *f = op->fake;
        size_t n = 0;

        for (struct fake_pair *p = f->options; p && n < 31; p = p->next)
                if (!strcmp(p->key, name))
                        f->values[n++] = p->value;
        f->values[n] = NULL;
        return f->values;
}

static const char *const *opt_args(const struct ec_op *op)
{
        return (const char *const *)op->fake->args;
}

static const char *opt_command(const struct ec_op *op)
{
        return op->fake->command;
}

static uint64_t opt_get_ms(const struct ec_op *op, const char *name)
{
        const char *value = pair_last(op->fake->options, name);

        return value ? strtoull(value, NULL, 10) : 0;
}

static int64_t opt_get_int(const struct ec_op *op, const char *name)
{
        return (int64_t)opt_get_ms(op, name);
}

static const struct ec_opt_api opt_api = {
        .size = sizeof(opt_api),
        .is_set = opt_is_set,
        .value = opt_value,
        .values = opt_values,
        .args = opt_args,
        .command = opt_command,
        .get_ms = opt_get_ms,
        .get_int = opt_get_int,
};

static const char *conf_get(const struct ec_host *host, const char *key)
{
        return pair_last(FAKE(host)->settings, key);
}

static int conf_bool(const struct ec_host *host, const char *key)
{
        const char *v = conf_get(host, key);

        return v && (!strcmp(v, "yes") || !strcmp(v, "true") || !strcmp(v, "1") || !strcmp(v, "on"));
}

static uint64_t conf_ms(const struct ec_host *host, const char *key)
{
        static const struct {
                const char *unit;
                uint64_t ms;
        } units[] = { { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "h", 3600000 }, { "d", 86400000 } };
        const char *v = conf_get(host, key);
        char *unit;
        uint64_t n;

        if (!v)
                return 0;
        n = strtoull(v, &unit, 10);
        for (size_t i = 0; unit != v && i < sizeof(units) / sizeof(*units); i++)
                if (!strcmp(unit, units[i].unit))
                        return n * units[i].ms;
        fail_msg("setting %s: '%s' is not a number with one unit, all that the fake host knows of durations", key, v);
        return 0;
}

static int64_t conf_int(const struct ec_host *host, const char *key)
{
        const char *v = conf_get(host, key);

        return v ? strtoll(v, NULL, 10) : 0;
}

static const char *const *conf_list(const struct ec_host *host, const char *key)
{
        static const char *const none[] = { NULL };
        struct fake_pair *last = NULL;

        for (struct fake_pair *p = FAKE(host)->settings; p; p = p->next)
                if (!strcmp(p->key, key))
                        last = p;
        if (!last)
                return none;
        if (!last->words)
                last->words = strv_split(last->value, " \t");
        assert_non_null(last->words);
        return (const char *const *)last->words;
}

static const char *conf_path(const struct ec_host *host, const char *what)
{
        return pair_last(FAKE(host)->paths, what);
}

static int conf_refuse(const struct ec_host *host, const char *key, const char *what, struct ec_err *err)
{
        return host->err->set(err, -EINVAL, "fake.ini:1: '%s' must be %s, not '%s'", key, what, conf_get(host, key));
}

static const struct ec_conf_api conf_api = {
        .size = sizeof(conf_api),
        .get = conf_get,
        .get_bool = conf_bool,
        .get_ms = conf_ms,
        .get_int = conf_int,
        .get_list = conf_list,
        .path = conf_path,
        .refuse = conf_refuse,
};

static int cancel_check(struct ec_op *op, struct ec_err *err)
{
        op->fake->checks++;
        return op->fake->interrupted && !op->fake->held ? err_set(err, -ECANCELED, "interrupted") : 0;
}

static int cancel_fd(struct ec_op *op)
{
        return op->fake->cancel_fd;
}

static void cancel_hold(struct ec_op *op)
{
        op->fake->held++;
}

static void cancel_release(struct ec_op *op)
{
        assert_true(op->fake->held-- > 0);
}

static const struct ec_cancel_api cancel_api = {
        .size = sizeof(cancel_api),
        .check = cancel_check,
        .fd = cancel_fd,
        .hold = cancel_hold,
        .release = cancel_release,
};

/* ---- proc, nix, systemd, machine ---- */

static void note_argv(struct fake *f, const char *what, const char *const *argv)
{
        appendf(&f->calls, "%s", what);
        for (; argv && *argv; argv++)
                appendf(&f->calls, " %s", *argv);
        appendf(&f->calls, "\n");
}

static int proc_run(struct ec_op *op, const struct ec_proc *p, struct ec_proc_result *ret, struct ec_err *err)
{
        struct fake *f = op->fake;

        assert_int_equal(p->size, sizeof(*p));
        assert_int_equal(ret->size, sizeof(*ret));
        note_argv(f, "proc", p->argv);
        if (f->fail_at && !strcmp(f->fail_at, "proc.run"))
                return err_set(err, f->fail_code ? f->fail_code : -ENOENT, "%s: no such program", p->argv[0]);
        ret->status = f->status;
        ret->out = strdup("");
        ret->err = strdup("");
        ret->out_len = ret->err_len = 0;
        return f->proc ? f->proc(f, p, ret) : 0;
}

static void proc_result_done(struct ec_proc_result *r)
{
        free(r->out);
        free(r->err);
        r->out = r->err = NULL;
}

static int proc_tmp_dir(struct ec_op *op, const char **ret, struct ec_err *err)
{
        *ret = op->fake->shell.dir;
        return call(op->fake, err, "proc.tmp_dir", "");
}

static const struct ec_proc_api proc_api = {
        .size = sizeof(proc_api),
        .run = proc_run,
        .result_done = proc_result_done,
        .tmp_dir = proc_tmp_dir,
};

static int nix_module(struct ec_eval *ev, const char *path, struct ec_err *err)
{
        return call(ev->fake, err, "nix.add_module", path);
}

static int nix_arg(struct ec_eval *ev, const char *name, const char *value, struct ec_err *err)
{
        int r = call(ev->fake, err, "nix.add_arg", name);

        fake_note(ev->fake, "  = %s", value);
        return r;
}

static int nix_build_arg(struct ec_eval *ev, const char *arg, struct ec_err *err)
{
        return call(ev->fake, err, "nix.add_build_arg", arg);
}

static int nix_setenv(struct ec_eval *ev, const char *key, const char *value, struct ec_err *err)
{
        int r = call(ev->fake, err, "nix.setenv", key);

        fake_note(ev->fake, "  = %s", value ? value : "(unset)");
        return r;
}

static const struct ec_nix_api nix_api = {
        .size = sizeof(nix_api),
        .add_module = nix_module,
        .add_arg = nix_arg,
        .add_build_arg = nix_build_arg,
        .setenv = nix_setenv,
};

static int units(struct ec_op *op, const char *service, const char *const *v, struct ec_err *err)
{
        note_argv(op->fake, service, v);
        if (op->fake->fail_at && !strcmp(op->fake->fail_at, service))
                return err_set(err, op->fake->fail_code ? op->fake->fail_code : -EIO, "%s failed", service);
        return 0;
}

static int systemd_start(struct ec_op *op, const char *const *v, struct ec_err *err)
{
        return units(op, "systemd.start", v, err);
}

static int systemd_stop(struct ec_op *op, const char *const *v, struct ec_err *err)
{
        return units(op, "systemd.stop", v, err);
}

static int systemd_reload(struct ec_op *op, struct ec_err *err)
{
        return call(op->fake, err, "systemd.reload", "");
}

static struct ec_container *by_unit(struct fake *f, const char *unit)
{
        struct ec_container *c = f->containers;

        while (c && strcmp(c->unit, unit) && strcmp(c->name, unit))
                c = c->next;
        return c;
}

static int systemd_active(struct ec_op *op, const char *unit, struct ec_err *err)
{
        struct ec_container *c = by_unit(op->fake, unit);
        int r = call(op->fake, err, "systemd.active", unit);

        return r < 0 ? r : c && c->active;
}

static int systemd_get_string(struct ec_op *op, const char *unit, const char *iface, const char *prop, char **ret,
                              struct ec_err *err)
{
        struct ec_container *c = by_unit(op->fake, unit);
        int r = call(op->fake, err, "systemd.get_string", unit);

        (void)iface;
        if (r < 0)
                return r;
        *ret = strdup(strcmp(prop, "ActiveState") ? "" : c && c->active ? "active" : "inactive");
        return 0;
}

static int systemd_get_number(struct ec_op *op, const char *unit, const char *iface, const char *prop, uint64_t *ret,
                              struct ec_err *err)
{
        (void)iface, (void)prop;
        *ret = 0;
        return call(op->fake, err, "systemd.get_number", unit);
}

static int systemd_states(struct ec_op *op, const char *pattern,
                          int (*fn)(void *data, const char *unit, const char *active, const char *sub), void *data,
                          struct ec_err *err)
{
        int r = call(op->fake, err, "systemd.states", pattern);

        /* systemd lists only loaded units, so only those that are not stopped. */
        for (struct ec_container *c = op->fake->containers; c && !r; c = c->next)
                if (c->active || c->sub)
                        r = fn(data, c->unit, c->sub ? "activating" : "active", c->sub ? c->sub : "running");
        return r;
}

static int systemd_wait(struct ec_op *op, uint32_t timeout_ms, struct ec_err *err)
{
        struct fake *f = op->fake;

        if (f->waited)
                f->waited(f);
        (void)timeout_ms;
        return call(f, err, "systemd.wait", "");
}

static const struct ec_systemd_api systemd_api = {
        .size = sizeof(systemd_api),
        .start = systemd_start,
        .stop = systemd_stop,
        .daemon_reload = systemd_reload,
        .active = systemd_active,
        .get_string = systemd_get_string,
        .get_number = systemd_get_number,
        .states = systemd_states,
        .wait = systemd_wait,
};

static int machine_exec(struct ec_op *op, const struct ec_exec *x, int32_t *ret_status, struct ec_err *err)
{
        int r = call(op->fake, err, "machine.exec", x->machine);

        note_argv(op->fake, " ", x->argv);
        if (x->user || x->cwd)
                fake_note(op->fake, "  user %s, cwd %s", x->user ?: "-", x->cwd ?: "-");
        for (const char *const *e = x->env; e && *e; e++)
                fake_note(op->fake, "  env %s", *e);
        *ret_status = op->fake->status;
        return r;
}

static int machine_running(struct ec_op *op, const char *name, struct ec_err *err)
{
        struct ec_container *c = by_unit(op->fake, name);
        int r = call(op->fake, err, "machine.running", name);

        return r < 0 ? r : c && c->active;
}

static int machine_read_file(struct ec_op *op, const char *name, const char *path, uint32_t max, char **ret,
                             struct ec_err *err)
{
        const char *text = pair_last(op->fake->paths, path);
        int r = call(op->fake, err, "machine.read_file", name);

        (void)max;
        if (r >= 0 && !text)
                r = -ENOENT;
        if (r >= 0)
                *ret = strdup(text);
        return r;
}

static int machine_failed_units(struct ec_op *op, const char *const *names,
                                int (*fn)(void *data, const char *name, const char *const *failed), void *data,
                                struct ec_err *err)
{
        int r = units(op, "machine.failed_units", names, err);

        for (; *names && r >= 0; names++)
                for (struct ec_container *c = op->fake->containers; c && r >= 0; c = c->next)
                        if (!strcmp(c->name, *names))
                                r = fn(data, *names, c->failed);
        return r;
}

static int machine_cgroups(struct ec_op *op, int (*fn)(void *data, const struct ec_cgroup *c), void *data,
                           struct ec_err *err)
{
        int r = call(op->fake, err, "machine.cgroups", ""), proc = open("/proc/self", O_PATH | O_CLOEXEC);

        for (struct ec_container *c = op->fake->containers; c && r >= 0; c = c->next)
                if (c->active && c->cgroup)
                        r = fn(data,
                               &(struct ec_cgroup){ sizeof(struct ec_cgroup), 4711, c->unit, c->cgroup, proc, 0 });
        close(proc);
        return r;
}

static const struct ec_machine_api machine_api = {
        .size = sizeof(machine_api),
        .exec = machine_exec,
        .running = machine_running,
        .read_file = machine_read_file,
        .failed_units = machine_failed_units,
        .cgroups = machine_cgroups,
};

/* ---- containers, deploy, shell ---- */

static const char *c_name(const struct ec_container *c)
{
        return c->name;
}
static const char *c_unit(const struct ec_container *c)
{
        return c->unit;
}
static const char *c_unit_path(const struct ec_container *c)
{
        return c->unit_path;
}
static const char *c_conf_path(const struct ec_container *c)
{
        return c->conf_path;
}
static const char *c_state_path(const struct ec_container *c)
{
        return c->state_path;
}
static const char *c_conf_get(const struct ec_container *c, const char *key)
{
        return pair_last(c->conf, key);
}

static const char *c_unit_target(const struct ec_container *c)
{
        (void)c;
        return NULL;
}
static uint32_t c_change(const struct ec_container *c)
{
        return c->change;
}

static int walk(struct fake *f, int installed, int (*fn)(void *data, const struct ec_container *c), void *data)
{
        for (struct ec_container *c = f->containers; c; c = c->next) {
                int r = !installed || c->installed ? fn(data, c) : 0;

                if (r)
                        return r;
        }
        return 0;
}

static int c_foreach(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data,
                     struct ec_err *err)
{
        int r = call(op->fake, err, "containers.foreach", "");

        return r < 0 ? r : walk(op->fake, 0, fn, data);
}

static int c_foreach_installed(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data,
                               struct ec_err *err)
{
        int r = call(op->fake, err, "containers.foreach_installed", "");

        return r < 0 ? r : walk(op->fake, 1, fn, data);
}

static int c_find(struct ec_op *op, const char *name, const struct ec_container **ret, struct ec_err *err)
{
        int r = call(op->fake, err, "containers.find", name);

        if (r < 0)
                return r;
        for (struct ec_container *c = op->fake->containers; c; c = c->next)
                if (c->installed && !strcmp(c->name, name)) {
                        *ret = c;
                        return 0;
                }
        return err_set(err, -ENOENT, "no container named '%s' is installed", name);
}

static uint32_t c_origin(const struct ec_container *c)
{
        return c->origin;
}

static uint32_t c_outstanding(struct ec_op *op, const struct ec_container *c)
{
        (void)op;
        return c->change;
}

static int c_select(struct ec_op *op, const char *const *patterns, uint32_t flags,
                    const struct ec_container *const **ret, struct ec_err *err)
{
        static const char *const all[] = { "*", NULL };
        struct fake *f = op->fake;
        char text[16];
        size_t n = 0;
        int r;

        snprintf(text, sizeof(text), "%u", flags);
        r = call(f, err, "containers.select", text);
        for (const char *const *p = flags & EC_SELECT_ALL ? all : patterns; *p && r >= 0; p++) {
                size_t before = n;

                for (struct ec_container *c = f->containers; c; c = c->next)
                        if (c->installed && !fnmatch(*p, c->name, 0))
                                f->selected[n++] = c;
                if (n == before && !(flags & EC_SELECT_ALL))
                        r = err_set(err, -ENOENT, "no container named '%s' is installed", *p);
        }
        f->selected[n] = NULL;
        *ret = f->selected;
        return r;
}

static const struct ec_containers_api containers_api = {
        .size = sizeof(containers_api),
        .name = c_name,
        .unit = c_unit,
        .unit_path = c_unit_path,
        .conf_path = c_conf_path,
        .state_path = c_state_path,
        .conf_get = c_conf_get,
        .unit_target = c_unit_target,
        .conf_target = c_unit_target,
        .change = c_change,
        .foreach = c_foreach,
        .foreach_installed = c_foreach_installed,
        .find = c_find,
        .origin = c_origin,
        .select = c_select,
        .outstanding = c_outstanding,
};

static int deploy_build(struct ec_op *op, struct ec_err *err)
{
        return call(op->fake, err, "deploy.build", "");
}

static const char *deploy_output(const struct ec_op *op)
{
        return op->fake->output;
}

static int deploy_install(struct ec_op *op, struct ec_err *err)
{
        return call(op->fake, err, "deploy.install", "");
}

static int deploy_start(struct ec_op *op, uint32_t flags, struct ec_err *err)
{
        char text[16];

        snprintf(text, sizeof(text), "%u", flags);
        return call(op->fake, err, "deploy.start", text);
}

static int deploy_start_installed(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        assert_int_equal(flags, 0);
        return units(op, "deploy.start_installed", names, err);
}

static int deploy_stop(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        assert_int_equal(flags & ~EC_STOP_KILL, 0);
        return units(op, flags ? "deploy.kill" : "deploy.stop", names, err);
}

static int deploy_update_installed(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        assert_int_equal(flags, 0);
        return units(op, "deploy.update_installed", names, err);
}

static int deploy_restart(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        assert_int_equal(flags, 0);
        return units(op, "deploy.restart", names, err);
}

static int deploy_destroy(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        char text[48];

        snprintf(text, sizeof(text), "%u%s", flags, names ? "" : " (definition)");
        fake_note(op->fake, "deploy.destroy %s", text);
        return names ? units(op, " ", names, err) : call(op->fake, err, "deploy.destroyed", "");
}

static int deploy_lock(struct ec_op *op, struct ec_err *err)
{
        op->fake->locked++;
        return call(op->fake, err, "deploy.lock", "");
}

static void deploy_unlock(struct ec_op *op)
{
        assert_true(op->fake->locked-- > 0);
}

static const struct ec_deploy_api deploy_api = {
        .size = sizeof(deploy_api),
        .build = deploy_build,
        .output = deploy_output,
        .install = deploy_install,
        .start = deploy_start,
        .start_installed = deploy_start_installed,
        .stop = deploy_stop,
        .restart = deploy_restart,
        .destroy = deploy_destroy,
        .lock = deploy_lock,
        .unlock = deploy_unlock,
        .update_installed = deploy_update_installed,
};

static void push(char **list, const char *text)
{
        size_t n = 0;

        while (list[n])
                n++;
        assert_true(n < 31);
        list[n] = strdup(text);
}

static void clear(char **list)
{
        for (; *list; list++) {
                free(*list);
                *list = NULL;
        }
}

static int shell_open(struct ec_op *op, const struct ec_container *c, struct ec_shell **ret, struct ec_err *err)
{
        struct ec_shell *sh = &op->fake->shell;
        int r = call(op->fake, err, "shell.open", c->name);

        if (r < 0)
                return r;
        sh->container = c;
        clear(sh->env);
        clear(sh->help);
        *ret = sh;
        return sh->plugin ? sh->plugin->hooks->shell(sh->self, op, sh, err) : 0;
}

static const struct ec_container *shell_container(const struct ec_shell *sh)
{
        return sh->container ? sh->container : sh->fake->containers;
}

static int shell_setenv(struct ec_shell *sh, const char *key, const char *value, struct ec_err *err)
{
        int r = call(sh->fake, err, "shell.setenv", key);
        char *entry;

        fake_note(sh->fake, value ? "  = %s" : "  unset", value);
        assert_true(asprintf(&entry, value ? "%s=%s" : "%s", key, value) > 0);
        push(sh->env, entry);
        free(entry);
        return r;
}

static int shell_command(struct ec_shell *sh, const char *name, const char *script, const char *help,
                         struct ec_err *err)
{
        int r = call(sh->fake, err, "shell.command", name);
        char *path;
        FILE *f;

        fake_note(sh->fake, "%s%s%s", script, help ? "" : "(no help)", help ? help : "");
        if (help)
                push(sh->help, help);
        assert_true(asprintf(&path, "%s/bin/%s", sh->dir, name) > 0);
        f = strcmp(sh->dir, "/session") ? fopen(path, "we") : NULL;
        if (f) {
                fputs(script, f);
                fchmod(fileno(f), 0700);
                fclose(f);
        }
        free(path);
        return r;
}

static const char *shell_dir(const struct ec_shell *sh)
{
        return sh->dir;
}

static const char *const *shell_env(const struct ec_shell *sh)
{
        return (const char *const *)sh->env;
}

static const char *const *shell_help(const struct ec_shell *sh)
{
        return (const char *const *)sh->help;
}

static const struct ec_shell_api shell_api = {
        .size = sizeof(shell_api),
        .open = shell_open,
        .container = shell_container,
        .dir = shell_dir,
        .setenv = shell_setenv,
        .command = shell_command,
        .env = shell_env,
        .help = shell_help,
};

/* ---- term, table ---- */

static int term_out(const struct ec_host *host, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        append(&FAKE(host)->out, fmt, ap);
        va_end(ap);
        return 0;
}

static int term_clear(const struct ec_host *host)
{
        (void)host;
        return 0;
}
static int term_is_tty(const struct ec_host *host)
{
        return FAKE(host)->is_tty;
}

static const struct ec_term_api term_api = {
        .size = sizeof(term_api),
        .out = term_out,
        .is_tty = term_is_tty,
        .clear = term_clear,
};

static const struct ec_column *column(const struct ec_table *t, const char *key)
{
        for (uint32_t i = 0; i < t->columns->count; i++) {
                const struct ec_column *c = (const void *)((const char *)t->columns->items +
                                                           (size_t)i * t->columns->stride);

                if (!strcmp(c->key, key))
                        return c;
        }
        fail_msg("no column '%s'", key);
        return NULL;
}

static int table_create(struct ec_op *op, const struct ec_array *columns, struct ec_table **ret, struct ec_err *err)
{
        int r = call(op->fake, err, "table.create", "");

        if (r < 0)
                return r;
        *ret = calloc(1, sizeof(**ret));
        **ret = (struct ec_table){ op->fake, columns };
        return 0;
}

static int table_add_row(struct ec_table *t, struct ec_err *err)
{
        (void)err;
        appendf(&t->fake->table, t->fake->table && *t->fake->table ? "\n" : "");
        return 0;
}

static int table_set_str(struct ec_table *t, const char *key, const char *value, struct ec_err *err)
{
        uint32_t type = column(t, key)->type;

        (void)err;
        assert_true(type == EC_COL_STR || type == EC_COL_LIST);
        appendf(&t->fake->table, "%s=%s;", key, value);
        return 0;
}

static int table_set_int(struct ec_table *t, const char *key, int64_t value, struct ec_err *err)
{
        uint32_t type = column(t, key)->type;

        (void)err;
        assert_true(type != EC_COL_STR && type != EC_COL_LIST);
        appendf(&t->fake->table, "%s=%lld;", key, (long long)value);
        return 0;
}

static int table_print(struct ec_table *t, struct ec_err *err)
{
        return call(t->fake, err, "table.print", "");
}

static void table_free(struct ec_table *t)
{
        free(t);
}

static const struct ec_table_api table_api = {
        .size = sizeof(table_api),
        .create = table_create,
        .add_row = table_add_row,
        .set_str = table_set_str,
        .set_int = table_set_int,
        .print = table_print,
        .free = table_free,
};

/* ---- functions for tests ---- */

void fake_init(struct fake *f)
{
        *f = (struct fake){
                .host = {
                        .size = sizeof(f->host),
                        .abi_major = EC_ABI_MAJOR,
                        .abi_minor = EC_ABI_MINOR,
                        .log = &log_api,
                        .err = &err_api,
                        .opt = &opt_api,
                        .conf = &conf_api,
                        .cancel = &cancel_api,
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
                        .plugin_dir = "/plugin",
                        .program = "/bin/extra-container",
                },
                .output = "/nix/store/output",
                .cancel_fd = -1,
        };
        f->op.fake = f->eval.fake = f->shell.fake = f;
        f->shell.dir = (char *)"/session";
        fake_reset(f);
}

void fake_reset(struct fake *f)
{
        char **texts[] = { &f->calls, &f->out, &f->log, &f->table };

        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
                free(*texts[i]);
                *texts[i] = strdup("");
        }
        pair_free(&f->options);
        for (size_t i = 0; f->args[i]; i++) {
                free(f->args[i]);
                f->args[i] = NULL;
        }
        clear(f->shell.env);
        clear(f->shell.help);
        err_clear(&f->err);
}

void fake_done(struct fake *f)
{
        fake_reset(f);
        free(f->calls);
        free(f->out);
        free(f->log);
        free(f->table);
        pair_free(&f->settings);
        pair_free(&f->paths);
        while (f->containers) {
                struct ec_container *c = f->containers;

                f->containers = c->next;
                free(c->name);
                free(c->unit);
                free(c->unit_path);
                free(c->conf_path);
                free(c->state_path);
                pair_free(&c->conf);
                free(c);
        }
}

void fake_option(struct fake *f, const char *name, const char *value)
{
        pair_add(&f->options, name, value ? value : "");
}

void fake_args(struct fake *f, const char *first, ...)
{
        size_t n = 0;
        va_list ap;

        va_start(ap, first);
        for (const char *a = first; a; a = va_arg(ap, const char *)) {
                assert_true(n < 31);
                f->args[n++] = strdup(a);
        }
        va_end(ap);
}

void fake_setting(struct fake *f, const char *key, const char *value)
{
        pair_add(&f->settings, key, value);
}

void fake_path(struct fake *f, const char *what, const char *path)
{
        pair_add(&f->paths, what, path);
}

struct ec_container *fake_container(struct fake *f, const char *name, const char *dir, int installed)
{
        struct ec_container *c = calloc(1, sizeof(*c)), **last = &f->containers;

        c->name = strdup(name);
        c->installed = installed;
        assert_true(asprintf(&c->unit, "container@%s.service", name) > 0);
        assert_true(asprintf(&c->unit_path, "%s/units/%s", dir, c->unit) > 0);
        assert_true(asprintf(&c->conf_path, "%s/conf/%s.conf", dir, name) > 0);
        assert_true(asprintf(&c->state_path, "%s/state/%s", dir, name) > 0);
        while (*last)
                last = &(*last)->next;
        *last = c;
        return c;
}

void fake_conf(struct ec_container *c, const char *key, const char *value)
{
        pair_add(&c->conf, key, value);
}

/* In the child. */
static void exec_program(const struct ec_proc *p, int in, int out)
{
        for (const char *const *e = p->env; e && *e; e++)
                putenv((char *)*e); /* in glibc, a name without "=" unsets the variable */
        if (p->in)
                dup2(in, STDIN_FILENO);
        if (p->flags & EC_PROC_CAPTURE)
                dup2(out, STDOUT_FILENO);
        /* Not into our own: a prompt without a line end would hide the test's next line. */
        dup2(p->flags & EC_PROC_CAPTURE_ERR ? out : open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        execvp(p->argv[0], (char *const *)p->argv);
        _exit(127);
}

int fake_spawn(struct fake *f, const struct ec_proc *p, struct ec_proc_result *ret)
{
        FILE *in = tmpfile(), *out = tmpfile();
        int status;
        pid_t pid;

        (void)f;
        assert_true(in && out);
        if (p->in)
                fwrite(p->in, 1, p->in_len, in);
        rewind(in);
        pid = fork();
        assert_true(pid >= 0);
        if (!pid)
                exec_program(p, fileno(in), fileno(out));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        free(ret->out);
        ret->out_len = (size_t)lseek(fileno(out), 0, SEEK_END);
        ret->out = calloc(1, ret->out_len + 1);
        assert_int_equal(pread(fileno(out), ret->out, ret->out_len, 0), ret->out_len);
        fclose(in);
        fclose(out);
        return 0;
}

void *fake_load(struct fake *f, const struct ec_plugin *p)
{
        void *self = NULL;

        if (p->init)
                assert_int_equal(p->init(&f->host, &self, &f->err), 0);
        return self;
}

void fake_unload(const struct ec_plugin *p, void *self)
{
        if (p->done)
                p->done(self);
}

const struct ec_command *fake_find_command(const struct ec_plugin *p, const char *name)
{
        for (uint32_t i = 0; i < p->commands.count; i++) {
                const struct ec_command *c = (const void *)((const char *)p->commands.items +
                                                            (size_t)i * p->commands.stride);

                if (!strcmp(c->name, name) || (c->alias && !strcmp(c->alias, name)))
                        return c;
        }
        return NULL;
}

int fake_run(struct fake *f, const struct ec_plugin *p, void *self, const char *command)
{
        const struct ec_command *c = fake_find_command(p, command);

        assert_non_null(c);
        f->command = c->name;
        if (!*c->synopsis && f->args[0])
                return err_usage(&f->err, "%s takes no arguments, but '%s' was given", c->name, f->args[0]);
        return c->run(self, &f->op, &f->err);
}

/* A line of a list begins with a capital letter and has no full stop. */
static void check_line(const char *text)
{
        assert_non_null(text);
        assert_true(*text >= 'A' && *text <= 'Z');
        if (text[strlen(text) - 1] == '.')
                fail_msg("ends with a full stop: %s", text);
}

static void check_options(const struct ec_array *a)
{
        for (uint32_t i = 0; i < a->count; i++) {
                const struct ec_option *o = (const void *)((const char *)a->items + (size_t)i * a->stride);

                assert_non_null(o->name);
                assert_true(o->arg <= EC_ARG_REST);
                assert_true((o->arg == EC_ARG_NONE) == !o->metavar);
                check_line(o->help);
        }
}

void fake_check_descriptor(const struct ec_plugin *p)
{
        assert_int_equal(p->size, sizeof(*p));
        assert_int_equal(p->abi_major, EC_ABI_MAJOR);
        assert_int_equal(p->abi_minor, EC_ABI_MINOR);
        check_line(p->summary);
        check_options(&p->options);
        if (p->hooks)
                assert_int_equal(p->hooks->size, sizeof(*p->hooks));
        for (uint32_t i = 0; i < p->commands.count; i++) {
                const struct ec_command *c = (const void *)((const char *)p->commands.items +
                                                            (size_t)i * p->commands.stride);

                assert_non_null(c->name);
                assert_non_null(c->synopsis);
                assert_non_null(c->run);
                check_line(c->summary);
                check_options(&c->options);
        }
        for (uint32_t i = 0; i < p->settings.count; i++) {
                const struct ec_setting *s = (const void *)((const char *)p->settings.items +
                                                            (size_t)i * p->settings.stride);

                assert_non_null(s->key);
                assert_non_null(s->type);
                check_line(s->help);
        }
}
