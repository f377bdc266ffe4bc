/* SPDX-License-Identifier: MIT */
/* The services that work on an operation: what they take from a plugin is checked here. */
#include "plugin/services.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/definition/evaluation.h"
#include "model/operation/call.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "plugin/arguments.h"
#include "svc/machine/cgroups.h"
#include "svc/machine/machine.h"
#include "svc/machine/retry.h"
#include "svc/process/interrupt.h"
#include "svc/process/proc.h"
#include "svc/systemd/jobs.h"
#include "svc/systemd/systemd.h"
#include "svc/term/table.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/fs_trusted.h"
#include "util/strv.h"

#define PROC_FLAGS                                                                                           \
        (EC_PROC_CAPTURE | EC_PROC_CAPTURE_ERR | EC_PROC_NULL_STDIN | EC_PROC_TERMINAL | EC_PROC_NO_CANCEL | \
         EC_PROC_HANGUP)
#define EXEC_FLAGS (EC_EXEC_TTY | EC_EXEC_LOGIN)

/* ---- cancellation ------------------------------------------------------ */

static int cancel_check(struct ec_op *op, struct ec_err *err)
{
        (void)op;
        return interrupt_check(err);
}

static int cancel_fd(struct ec_op *op)
{
        (void)op;
        return interrupt_told_fd();
}

static void cancel_hold(struct ec_op *op)
{
        (void)op;
        interrupt_hold();
}

static void cancel_release(struct ec_op *op)
{
        const struct call *c = call_current();

        (void)op;
        /* Never release what the program itself holds. */
        if (!c || interrupt_held() > c->held)
                interrupt_release();
}

const struct ec_cancel_api services_cancel = {
        .size = sizeof(services_cancel),
        .check = cancel_check,
        .fd = cancel_fd,
        .hold = cancel_hold,
        .release = cancel_release,
};

/* ---- processes, Nix ---------------------------------------------------- */

static int check_proc(const struct ec_proc *p, struct ec_err *err)
{
        int r = argument_flags("proc->run()", p->flags, PROC_FLAGS, err);

        if (r < 0)
                return r;
        if (p->reserved)
                return argument_too_new("struct ec_proc", err);
        if (p->in ? (p->flags & EC_PROC_NULL_STDIN) != 0 : p->in_len > 0)
                return err_set(err, -EINVAL, "proc->run(): contradictory input: in, in_len and EC_PROC_NULL_STDIN");
        return 0;
}

static int run_proc(struct ec_op *op, const struct ec_proc *p, struct ec_proc_result *ret, struct ec_err *err)
{
        const uint32_t min = offsetof(struct ec_proc_result, err_len) + sizeof(size_t);
        _cleanup_proc_result_ struct ec_proc_result res = { .size = sizeof(res) };
        uint32_t size = ret ? ret->size : min;
        struct ec_proc full;
        SERVICE_SCOPE(err);
        int r = argument_copy_sized(&full, sizeof(full), p, offsetof(struct ec_proc, reserved), "struct ec_proc", err);

        (void)op;
        if (ret && size >= min && size <= ARGUMENT_SIZE_MAX) /* so that result_done() is safe after every failure */
                memset((char *)ret + sizeof(size), 0, min - sizeof(size));
        if (r >= 0)
                r = check_proc(&full, err);
        if (r >= 0 && (size < min || size > ARGUMENT_SIZE_MAX))
                r = err_set(err, -EINVAL, "struct ec_proc_result: its size is not set");
        if (r >= 0)
                r = proc_run(&full, &res, err);
        if (r < 0 || !ret)
                return r;
        /* A longer result of a newer plugin keeps what it has there. */
        memcpy((char *)ret + sizeof(size), (const char *)&res + sizeof(size),
               (size < sizeof(res) ? size : sizeof(res)) - sizeof(size));
        res = (struct ec_proc_result){ .size = sizeof(res) };
        return r;
}

const struct ec_proc_api services_proc = {
        .size = sizeof(services_proc),
        .run = run_proc,
        .result_done = proc_result_done,
        .tmp_dir = op_tmp_dir,
};

/* Nix runs code of the module, possibly as root. */
static int add_module(struct ec_eval *ev, const char *path, struct ec_err *err)
{
        int r = 0;

        if (*path != '/')
                return err_set(err, -EINVAL, "the module '%s' is not an absolute path", path);
        if (geteuid() == 0)
                r = fs_trusted(path, err);
        return r < 0 ? r : evaluation_add_module(ev, path, err);
}

const struct ec_nix_api services_nix = {
        .size = sizeof(services_nix),
        .add_module = add_module,
        .add_arg = evaluation_add_arg,
        .add_build_arg = evaluation_add_build_arg,
        .setenv = evaluation_setenv,
};

/* ---- systemd, machined ------------------------------------------------- */

static int job_failures(const struct unit_result *results, size_t n, struct ec_err *err)
{
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
        return text ? err_set(err, code, "%s", text) : err_oom(err);
}

static int run_jobs(struct ec_op *op, enum unit_job job, const char *const *units, struct ec_err *err)
{
        const struct job_hooks hooks = { .retry = machine_name_was_taken };
        struct unit_result *results = NULL;
        size_t n = strv_len(units);
        struct systemd *s;
        SERVICE_SCOPE(err);
        int r = op_systemd(op, &s, err);

        if (r < 0 || !n)
                return r;
        r = systemd_jobs(s, job, units, NULL, &hooks, &results, err);
        if (r > 0)
                r = job_failures(results, n, err);
        unit_results_done(results, n);
        return r;
}

static int start_units(struct ec_op *op, const char *const *units, struct ec_err *err)
{
        return run_jobs(op, JOB_START, units, err);
}

static int stop_units(struct ec_op *op, const char *const *units, struct ec_err *err)
{
        return run_jobs(op, JOB_STOP, units, err);
}

static int daemon_reload(struct ec_op *op, struct ec_err *err)
{
        struct systemd *s;
        SERVICE_SCOPE(err);
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : systemd_daemon_reload(s, err);
}

static int get_string(struct ec_op *op, const char *unit, const char *iface, const char *prop, char **ret,
                      struct ec_err *err)
{
        struct systemd *s;
        SERVICE_SCOPE(err);
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : systemd_get_string(s, unit, iface, prop, ret, err);
}

static int get_number(struct ec_op *op, const char *unit, const char *iface, const char *prop, uint64_t *ret,
                      struct ec_err *err)
{
        struct systemd *s;
        SERVICE_SCOPE(err);
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : systemd_get_u64(s, unit, iface, prop, ret, err);
}

static int is_active(struct ec_op *op, const char *unit, struct ec_err *err)
{
        _cleanup_free_ char *state = NULL;
        int r = get_string(op, unit, "Unit", "ActiveState", &state, err);

        return r < 0 ? r : !strcmp(state, "active") || !strcmp(state, "reloading");
}

static int list_units(struct ec_op *op, const char *pattern, struct unit_state **ret, size_t *ret_n, struct ec_err *err)
{
        struct systemd *s;
        SERVICE_SCOPE(err);
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : systemd_list(s, pattern, ret, ret_n, err);
}

static int unit_states(struct ec_op *op, const char *pattern,
                       int (*fn)(void *data, const char *unit, const char *active, const char *sub), void *data,
                       struct ec_err *err)
{
        struct unit_state *states = NULL;
        size_t n = 0;
        int r = list_units(op, pattern, &states, &n, err);

        if (r < 0)
                return r;
        r = 0;
        for (size_t i = 0; r == 0 && i < n; i++)
                r = fn(data, states[i].unit, states[i].active, states[i].sub);
        unit_states_free(states, n);
        return r;
}

static int wait_for_change(struct ec_op *op, uint32_t timeout_ms, struct ec_err *err)
{
        struct systemd *s;
        SERVICE_SCOPE(err);
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : systemd_wait(s, clock_usec() + timeout_ms * USEC_PER_MSEC, err);
}

const struct ec_systemd_api services_systemd = {
        .size = sizeof(services_systemd),
        .start = start_units,
        .stop = stop_units,
        .daemon_reload = daemon_reload,
        .active = is_active,
        .get_string = get_string,
        .get_number = get_number,
        .states = unit_states,
        .wait = wait_for_change,
};

static int machine_run(struct ec_op *op, const struct ec_exec *x, int32_t *ret_status, struct ec_err *err)
{
        struct ec_exec full;
        struct systemd *s;
        SERVICE_SCOPE(err);
        int r = argument_copy_sized(&full, sizeof(full), x, offsetof(struct ec_exec, timeout_ms), "struct ec_exec",
                                    err);

        if (r >= 0)
                r = argument_flags("machine->exec()", full.flags, EXEC_FLAGS, err);
        if (r >= 0)
                r = op_systemd(op, &s, err);
        return r < 0 ? r : machine_exec(s, &full, ret_status, err);
}

static int is_running(struct ec_op *op, const char *name, struct ec_err *err)
{
        struct systemd *s;
        SERVICE_SCOPE(err);
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : machine_running(s, name, err);
}

static int read_file(struct ec_op *op, const char *name, const char *path, uint32_t max, char **ret, struct ec_err *err)
{
        struct systemd *s;
        SERVICE_SCOPE(err);
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : machine_read_file(s, name, path, max, ret, err);
}

static int ask_failed(struct ec_op *op, struct machine_failed *v, size_t n, struct ec_err *err)
{
        struct systemd *s;
        SERVICE_SCOPE(err);
        int r = op_systemd(op, &s, err);

        return r < 0 ? r : machine_failed_units_many(s, v, n, err);
}

static int failed_units(struct ec_op *op, const char *const *names,
                        int (*fn)(void *data, const char *name, const char *const *failed), void *data,
                        struct ec_err *err)
{
        static const char *const none[] = { NULL };
        size_t n = strv_len(names);
        _cleanup_free_ struct machine_failed *v = calloc(n + 1, sizeof(*v));
        int r;

        if (!v)
                return err_oom(err);
        for (size_t i = 0; i < n; i++)
                v[i].name = names[i];
        r = ask_failed(op, v, n, err);
        for (size_t i = 0; i < n; i++) {
                if (r == 0)
                        r = fn(data, v[i].name, v[i].units ? STRV_CONST(v[i].units) : v[i].answered ? none : NULL);
                strv_free(v[i].units);
        }
        return r;
}

static int call_with_cgroup(const struct machine_cgroup *c, int (*fn)(void *data, const struct ec_cgroup *c),
                            void *data)
{
        struct leader l = LEADER_NONE;
        bool found = machine_cgroup_leader(c, &l) >= 0;
        _cleanup_close_ int proc = found ? leader_open_proc(&l) : -1;
        const struct ec_cgroup given = { .size = sizeof(given),
                                         .leader = proc < 0 ? 0 : l.pid,
                                         .unit = c->unit,
                                         .path = c->path,
                                         .proc = proc < 0 ? -1 : proc };

        leader_close(&l);
        return fn(data, &given);
}

static int cgroups(struct ec_op *op, int (*fn)(void *data, const struct ec_cgroup *c), void *data, struct ec_err *err)
{
        _cleanup_(machine_cgroups_done) struct machine_cgroups all = { 0 };
        int r = 0;

        if (!layout_offline(op->layout) && machine_cgroups_read(&all) < 0)
                return err_oom(err);
        for (size_t i = 0; i < all.n && !r; i++)
                r = call_with_cgroup(&all.items[i], fn, data);
        return r;
}

const struct ec_machine_api services_machine = {
        .size = sizeof(services_machine),
        .exec = machine_run,
        .running = is_running,
        .read_file = read_file,
        .failed_units = failed_units,
        .cgroups = cgroups,
};

/* ---- listings ----------------------------------------------------------- */

static int create_table(struct ec_op *op, const struct ec_array *columns, struct ec_table **ret, struct ec_err *err)
{
        const uint32_t min = offsetof(struct ec_column, flags) + sizeof(uint32_t);
        _cleanup_free_ struct ec_column *full = calloc((size_t)columns->count + 1, sizeof(*full));
        const struct ec_array a = { full, columns->count, sizeof(*full) };
        const char *from = columns->items;
        int r = 0;

        if (!full)
                return err_oom(err);
        if (columns->count && columns->stride < min)
                return err_set(err, -EINVAL, "struct ec_column is too short");
        for (uint32_t i = 0; i < columns->count && r >= 0; i++, from += columns->stride) {
                r = argument_copy(&full[i], sizeof(*full), from, columns->stride, "struct ec_column", err);
                if (r >= 0)
                        r = argument_flags("a column of a listing", full[i].flags, EC_COL_JSON_ONLY | EC_COL_STATE,
                                           err);
        }
        return r < 0 ? r : table_create(&a, options_is_set(op->options, "json"), ret, err);
}

static int print_table(struct ec_table *t, struct ec_err *err)
{
        SERVICE_SCOPE(err);

        return table_print(t, err);
}

const struct ec_table_api services_table = {
        .size = sizeof(services_table),
        .create = create_table,
        .add_row = table_add_row,
        .set_str = table_set_str,
        .set_int = table_set_int,
        .print = print_table,
        .free = table_free,
};
