/* SPDX-License-Identifier: MIT */
/* The services that work on containers: walks, phases, sessions. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "model/containers/containers.h"
#include "model/containers/pending.h"
#include "model/containers/select.h"
#include "model/deploy/by_name.h"
#include "model/deploy/deploy.h"
#include "model/deploy/destroy.h"
#include "model/deploy/install.h"
#include "model/deploy/start.h"
#include "model/operation/call.h"
#include "model/operation/lock.h"
#include "model/operation/op.h"
#include "model/operation/shell.h"
#include "plugin/arguments.h"
#include "plugin/services.h"
#include "util/err.h"

#define START_FLAGS   (EC_START_STOPPED | EC_START_UPDATE | EC_START_RESTART | EC_START_DETACH)
#define DESTROY_FLAGS (EC_DESTROY_ALL | EC_DESTROY_ABSENT | EC_DESTROY_QUIET | EC_DESTROY_NO_CANCEL)

/* Phases belong to commands: a hook would wait for the run that called it. */
static int check_phase(const struct ec_op *op, const char *what, uint32_t scope, uint32_t flags, uint32_t known,
                       struct ec_err *err)
{
        const struct call *c = call_current();

        if (c && c->hook)
                return err_set(err, -EDEADLK, "%s cannot be called from a hook: plugin %s did so in its %s", what,
                               c->plugin, c->what);
        if (!op->command || (op->command->scopes & scope) != scope)
                return err_set(err, -EINVAL, "%s: the command '%s' does not declare the scope of this phase", what,
                               op->command ? op->command->name : "");
        return argument_flags(what, flags, known, err);
}

/* ---- containers -------------------------------------------------------- */

/* Services that return a member of a container. */
#define MEMBER(type, member)                                         \
        static type container_##member(const struct ec_container *c) \
        {                                                            \
                return c->member;                                    \
        }
MEMBER(const char *, name)
MEMBER(const char *, unit)
MEMBER(const char *, unit_path)
MEMBER(const char *, conf_path)
MEMBER(const char *, unit_target)
MEMBER(const char *, conf_target)
MEMBER(uint32_t, change)
MEMBER(uint32_t, origin)

static int phase_build(struct ec_op *op, struct ec_err *err)
{
        SERVICE_SCOPE(err);
        int r = check_phase(op, "deploy->build()", EC_SCOPE_BUILD, 0, 0, err);

        return r < 0 ? r : deploy_build(op, err);
}

/* Builds the output that it needs; not in its scope, because fn is the plugin's code. */
static int load_defined(struct ec_op *op, struct ec_err *err)
{
        SERVICE_SCOPE(err);
        int r = deploy_output(op)
                        ? 0
                        : check_phase(op, "containers->foreach() before deploy->build()", EC_SCOPE_BUILD, 0, 0, err);

        return r < 0 ? r : deploy_build(op, err);
}

static int foreach_defined(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data,
                           struct ec_err *err)
{
        int r = load_defined(op, err);

        return r < 0 ? r : deploy_foreach(op, fn, data, err);
}

static int foreach_installed(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data,
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

static void free_container(void *p)
{
        container_free(p);
}

static int find_installed(struct ec_op *op, const char *name, const struct ec_container **ret, struct ec_err *err)
{
        struct ec_container *c = NULL;
        int r = containers_find(op->layout, name, &c, err);

        if (r >= 0)
                r = op_own(op, c, free_container, err);
        if (r >= 0)
                *ret = c;
        return r;
}

static uint32_t container_outstanding(struct ec_op *op, const struct ec_container *c)
{
        return pending_get(op->layout, c->name);
}

static void free_list(void *p)
{
        container_list_done(p);
        free(p);
}

static int select_containers(struct ec_op *op, const char *const *patterns, uint32_t flags,
                             const struct ec_container *const **ret, struct ec_err *err)
{
        struct container_list *l;
        int r = argument_flags("containers->select()", flags, EC_SELECT_ALL | EC_SELECT_HOST, err);

        if (r < 0)
                return r;
        l = calloc(1, sizeof(*l));
        if (!l)
                return err_oom(err);
        r = op_own(op, l, free_list, err);
        if (r >= 0)
                r = containers_select(op->layout, patterns, flags, l, err);
        if (r >= 0)
                *ret = (const struct ec_container *const *)l->items;
        return r < 0 ? r : 0;
}

const struct ec_containers_api services_containers = {
        .size = sizeof(services_containers),
        .name = container_name,
        .unit = container_unit,
        .unit_path = container_unit_path,
        .conf_path = container_conf_path,
        .state_path = container_root,
        .conf_get = container_conf_get,
        .unit_target = container_unit_target,
        .conf_target = container_conf_target,
        .change = container_change,
        .foreach = foreach_defined,
        .foreach_installed = foreach_installed,
        .find = find_installed,
        .origin = container_origin,
        .outstanding = container_outstanding,
        .select = select_containers,
};

/* ---- phases ------------------------------------------------------------ */

static int phase_install(struct ec_op *op, struct ec_err *err)
{
        SERVICE_SCOPE(err);
        int r = check_phase(op, "deploy->install()", EC_SCOPE_BUILD | EC_SCOPE_INSTALL, 0, 0, err);

        return r < 0 ? r : deploy_install(op, err);
}

static int phase_start(struct ec_op *op, uint32_t flags, struct ec_err *err)
{
        SERVICE_SCOPE(err);
        int r = check_phase(op, "deploy->start()", EC_SCOPE_BUILD | EC_SCOPE_INSTALL | EC_SCOPE_START, flags,
                            START_FLAGS, err);

        return r < 0 ? r : deploy_start(op, flags, err);
}

static int by_name(struct ec_op *op, const char *what, const char *const *names, uint32_t flags, uint32_t known,
                   int (*phase)(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err),
                   struct ec_err *err)
{
        SERVICE_SCOPE(err);
        int r = check_phase(op, what, EC_SCOPE_START, flags, known, err);

        return r < 0 ? r : phase(op, names, flags, err);
}

static int phase_start_installed(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        return by_name(op, "deploy->start_installed()", names, flags, 0, deploy_start_installed, err);
}

static int phase_stop(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        return by_name(op, "deploy->stop()", names, flags, EC_STOP_KILL, deploy_stop, err);
}

static int phase_restart(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        return by_name(op, "deploy->restart()", names, flags, 0, deploy_restart, err);
}

static int phase_update_installed(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        return by_name(op, "deploy->update_installed()", names, flags, 0, deploy_update_installed, err);
}

static int phase_destroy(struct ec_op *op, const char *const *names, uint32_t flags, struct ec_err *err)
{
        bool defined = !names && !(flags & EC_DESTROY_ALL);
        SERVICE_SCOPE(err);
        int r = check_phase(op, "deploy->destroy()", EC_SCOPE_DESTROY | (defined ? EC_SCOPE_BUILD : 0), flags,
                            DESTROY_FLAGS, err);

        if (r >= 0 && names && flags & EC_DESTROY_ALL)
                r = err_set(err, -EINVAL, "deploy->destroy(): EC_DESTROY_ALL does not take names");
        return r < 0 ? r : deploy_destroy(op, names, flags, err);
}

static int take_lock(struct ec_op *op, struct ec_err *err)
{
        SERVICE_SCOPE(err);

        return op_lock(op, err);
}

static void release_lock(struct ec_op *op)
{
        const struct call *c = call_current();

        /* Never unlock what the program itself locked. */
        if (!c || op->locked > c->locked)
                op_unlock(op);
}

const struct ec_deploy_api services_deploy = {
        .size = sizeof(services_deploy),
        .build = phase_build,
        .output = deploy_output,
        .install = phase_install,
        .start = phase_start,
        .start_installed = phase_start_installed,
        .stop = phase_stop,
        .restart = phase_restart,
        .destroy = phase_destroy,
        .lock = take_lock,
        .unlock = release_lock,
        .update_installed = phase_update_installed,
};

/* ---- sessions ----------------------------------------------------------- */

static int open_shell(struct ec_op *op, const struct ec_container *c, struct ec_shell **ret, struct ec_err *err)
{
        SERVICE_SCOPE(err);
        int r = check_phase(op, "shell->open()", EC_SCOPE_SHELL, 0, 0, err);

        return r < 0 ? r : shell_open(op, c, ret, err);
}

const struct ec_shell_api services_shell = {
        .size = sizeof(services_shell),
        .open = open_shell,
        .container = shell_container,
        .dir = shell_dir,
        .setenv = shell_setenv,
        .command = shell_command,
        .env = shell_env,
        .help = shell_help,
};
