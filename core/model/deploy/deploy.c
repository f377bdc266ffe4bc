/* SPDX-License-Identifier: MIT */
/* From the command line to the containers of an etc output. */

#include "model/deploy/deploy.h"

#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>

#include "model/deploy/deployment.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "svc/nix/nix.h"
#include "svc/term/log.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

DEFINE_CLEANUP(struct ec_eval, eval_free)

static int parse(struct ec_op *op, struct deployment *d, struct ec_err *err)
{
        int r = d->parsed ? 0 : definition_parse(op, &d->definition, err);

        if (r >= 0)
                d->parsed = true;
        return r;
}

/* ---- evaluation ---- */

static int json_names(struct ec_eval *ev, char **names, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL;
        json_t *list;
        int r = 0;

        if (!names)
                return 0;
        list = json_array();
        for (char **n = names; *n && list && r == 0; n++)
                r = json_array_append_new(list, json_string(*n));
        text = list && r == 0 ? json_dumps(list, JSON_COMPACT) : NULL;
        json_decref(list);
        return text ? eval_argstr(ev, "names", text, err) : err_oom(err);
}

/* Options that have their say in an evaluation: what is built already does not hear them. */
static int ignored_options(const struct ec_op *op, char ***ret, struct ec_err *err)
{
        static const char *const others[] = { "expr", "build-args", "print-build-logs", "show-trace", NULL };
        _cleanup_strv_ char **given = NULL, **names = NULL;

        if (options_given(op->options, EC_SCOPE_BUILD, &given) < 0)
                return err_oom(err);
        for (char **n = given; n && *n; n++)
                if (!strv_contains(others, *n) && strv_pushf(&names, "--%s", *n) < 0)
                        return err_oom(err);
        *ret = TAKE_PTR(names);
        return 0;
}

static int warn_ignored(const struct ec_op *op, const char *display, const char *how, struct ec_err *err)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *text = NULL;
        int r = ignored_options(op, &names, err);

        if (r < 0 || !names)
                return r;
        text = strv_join(STRV_CONST(names), ", ");
        if (!text)
                return err_oom(err);
        log_warn("%s: without effect on '%s', which is built %s", text, display, how);
        return 0;
}

static int eval_definition(const struct ec_op *op, struct ec_eval *ev, const struct definition *def, struct ec_err *err)
{
        const char *attr = options_value(op->options, "attr");
        int r = def->kind == DEFINITION_FLAKE ? 0 : eval_argstr(ev, "definitionFile", def->path, err);

        if (r >= 0 && def->kind == DEFINITION_TEXT) {
                r = eval_argstr(ev, "definitionName", def->display, err);
                if (r >= 0)
                        r = eval_display_name(ev, def->path, def->display, err);
        }
        if (r >= 0 && attr)
                r = eval_argstr(ev, "attr", attr, err);
        return r < 0 ? r : json_names(ev, def->names, err);
}

static int eval_flake_of(const struct ec_op *op, struct deployment *d, struct ec_eval *ev, struct ec_err *err)
{
        const struct definition *def = &d->definition;
        int r = eval_flake(ev, def->path, def->dir, def->attr, def->display, err);

        d->prebuilt = r > 0;
        return r > 0 ? warn_ignored(op, def->display, "as its flake says", err) : r;
}

static int eval_sources(const struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        const char *nixpkgs = options_value(op->options, "nixpkgs-path"),
                   *nixos = options_value(op->options, "nixos-path");
        _cleanup_free_ char *cwd = getcwd(NULL, 0), *pwd = NULL;
        int r = 0;

        if (nixpkgs)
                r = eval_argexpr(ev, "nixpkgsPath", nixpkgs, err);
        if (r >= 0 && nixos)
                r = eval_argexpr(ev, "nixosPath", nixos, err);
        if (r < 0 || !cwd)
                return r; /* a working directory that is gone has no <pwd> */
        pwd = str_printf("pwd=%s", cwd);
        return pwd ? eval_search_path(ev, pwd, err) : err_oom(err);
}

/* glibc of the store finds no locales by itself where the host is not NixOS. */
static int eval_locale(const struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        const char *const archives[] = { "/nix/var/nix/profiles/default/lib/locale/locale-archive",
                                         "/usr/lib/locale/locale-archive" };

        if (op->layout->nixos || getenv("LOCALE_ARCHIVE"))
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(archives); i++)
                if (!access(archives[i], R_OK))
                        return eval_setenv(ev, "LOCALE_ARCHIVE", archives[i], err);
        return 0;
}

static int eval_host(const struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        struct utsname u;
        int r = uname(&u) < 0 ? 0 : eval_argstr(ev, "kernelVersion", u.release, err);

        if (r >= 0 && op->layout->legacy)
                r = eval_argstr(ev, "legacyInstallDirs", "1", err);
        if (r >= 0)
                r = eval_setenv(ev, "NIXOS_CONFIG", NULL, err);
        return r < 0 ? r : eval_locale(op, ev, err);
}

static int eval_features(struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        int r = registry_load_disabled(op->registry, op->layout->data, err);

        for (size_t i = 0; r >= 0 && i < op->registry->n_disabled; i++)
                r = eval_disabled(ev, op->registry->disabled[i].option, op->registry->disabled[i].feature, err);
        if (r >= 0)
                r = hooks_eval(op, ev, err);
        /* Last, so that they can override. */
        for (const char *const *a = options_values(op->options, "build-args"); r >= 0 && *a; a++)
                r = eval_add_build_arg(ev, *a, err);
        return r;
}

static int make_eval(struct ec_op *op, struct deployment *d, struct ec_err *err)
{
        _cleanup_free_ char *eval_nix = fs_join(op->layout->data, "nix/eval-config.nix");
        _cleanup_(cleanup_eval_free) struct ec_eval *ev = NULL;
        struct nix_settings settings = {
                .eval_nix = eval_nix,
                .print_build_logs = options_is_set(op->options, "print-build-logs"),
                .show_trace = options_is_set(op->options, "show-trace"),
        };
        int r;

        if (d->eval)
                return 0;
        if (!eval_nix)
                return err_oom(err);
        r = op_tmp_dir(op, &settings.tmp_dir, err);
        if (r >= 0)
                r = eval_create(&settings, &ev, err);
        if (r >= 0)
                r = eval_definition(op, ev, &d->definition, err);
        if (r >= 0)
                r = eval_sources(op, ev, err);
        if (r >= 0)
                r = eval_host(op, ev, err);
        if (r >= 0)
                r = eval_features(op, ev, err);
        if (r >= 0 && d->definition.kind == DEFINITION_FLAKE)
                r = eval_flake_of(op, d, ev, err);
        if (r >= 0)
                d->eval = TAKE_PTR(ev);
        return r;
}

/* ---- phases ---- */

int deploy_build(struct ec_op *op, struct ec_err *err)
{
        struct deployment *d;
        int r = deployment_get(op, &d, err);

        if (r < 0 || d->built)
                return r;
        r = parse(op, d, err);
        /* Rather before a long build than after it. */
        if (r >= 0 && op->command && op->command->scopes & EC_SCOPE_INSTALL && !layout_offline(op->layout))
                r = layout_check_host(op->layout, err);
        if (r < 0)
                return r;
        if (d->definition.kind == DEFINITION_OUTPUT) {
                d->output = strdup(d->definition.path);
                r = d->output ? warn_ignored(op, d->definition.display, "already", err) : err_oom(err);
        } else {
                r = make_eval(op, d, err);
                if (r >= 0)
                        r = eval_build(d->eval, "etc", &d->output, err);
                /* A flake may have built anything. */
                if (r >= 0 && d->prebuilt)
                        r = definition_check_output(d->definition.display, d->output, err);
        }
        d->built = r >= 0;
        return r;
}

const char *deploy_output(const struct ec_op *op)
{
        return op->deployment ? op->deployment->output : NULL;
}

int deploy_load(struct ec_op *op, struct deployment **ret, struct ec_err *err)
{
        struct deployment *d;
        int r = deploy_build(op, err);

        if (r < 0)
                return r;
        d = *ret = op->deployment;
        if (d->loaded)
                return 0;
        r = containers_of_output(op->layout, d->output, STRV_CONST(d->definition.names), &d->list, err);
        if (r < 0)
                return r;
        d->changes = calloc(d->list.n + 1, sizeof(*d->changes));
        if (!d->changes) {
                container_list_done(&d->list);
                return err_oom(err);
        }
        for (size_t i = 0; i < d->list.n; i++)
                d->changes[i].c = d->list.items[i];
        d->loaded = true;
        return 0;
}

int deploy_foreach(struct ec_op *op, int (*fn)(void *data, const struct ec_container *c), void *data,
                   struct ec_err *err)
{
        struct deployment *d;
        int r = deploy_load(op, &d, err);

        for (size_t i = 0; r == 0 && i < d->list.n; i++)
                r = fn(data, d->list.items[i]);
        return r;
}

static int names_of_json(const char *text, char ***ret, struct ec_err *err)
{
        _cleanup_strv_ char **names = NULL;
        json_t *list = json_loads(text, 0, NULL), *item;
        size_t i;
        int r = 0;

        if (!json_is_array(list))
                r = err_set(err, -EBADMSG, "the evaluation gave no list of containers: %.100s", text);
        json_array_foreach(list, i, item)
                if (r >= 0 && json_is_string(item) && strv_push(&names, json_string_value(item)) < 0)
                        r = err_oom(err);
        json_decref(list);
        if (r >= 0)
                *ret = TAKE_PTR(names);
        return r;
}

int deploy_names(struct ec_op *op, char ***ret, struct ec_err *err)
{
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *json = NULL;
        struct deployment *d;
        int r = deployment_get(op, &d, err);

        if (r >= 0)
                r = parse(op, d, err);
        if (r < 0)
                return r;
        if (d->definition.kind != DEFINITION_OUTPUT && !d->built) {
                r = make_eval(op, d, err);
                if (r >= 0 && !d->prebuilt)
                        r = eval_json(d->eval, "names", &json, err);
                if (r < 0 || !d->prebuilt)
                        return r < 0 ? r : names_of_json(json, ret, err);
        }
        r = deploy_load(op, &d, err);
        for (size_t i = 0; r >= 0 && i < d->list.n; i++)
                r = strv_push(&names, d->list.items[i]->name) < 0 ? err_oom(err) : 0;
        if (r >= 0)
                *ret = TAKE_PTR(names);
        return r;
}
