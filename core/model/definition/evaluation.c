/* SPDX-License-Identifier: MIT */
#include "model/definition/evaluation.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "model/definition/flake.h"
#include "model/operation/features.h"
#include "model/operation/hooks.h"
#include "model/operation/layout.h"
#include "model/operation/op.h"
#include "model/operation/options.h"
#include "svc/nix/nix.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_trusted.h"
#include "util/name.h"
#include "util/strv.h"

struct ec_eval {
        struct nix nix;
        const struct definition *definition;
        struct flake flake;    /* of a flake reference */
        char *installable;     /* of the flake, if Nix builds it as the flake says; or NULL */
        bool configuration;    /* of NixOS, in the flake */
        char *file, *what;     /* eval-config.nix; "evaluating web.nix" */
        char **args;           /* its arguments: "--argstr", "NAME", "VALUE" ... */
        char **files, **names; /* paths in messages, and what to call each */
        json_t *modules, *feature_args, *disabled;
};

void evaluation_free(struct ec_eval *ev)
{
        if (!ev)
                return;
        nix_done(&ev->nix);
        flake_done(&ev->flake);
        free(ev->installable);
        free(ev->file);
        free(ev->what);
        strv_free(ev->args);
        strv_free(ev->files);
        strv_free(ev->names);
        json_decref(ev->modules);
        json_decref(ev->feature_args);
        json_decref(ev->disabled);
        free(ev);
}
DEFINE_CLEANUP(struct ec_eval, evaluation_free)

static int allocate(struct ec_op *op, const struct definition *def, struct ec_eval **ret, struct ec_err *err)
{
        _cleanup_(cleanup_evaluation_free) struct ec_eval *ev = calloc(1, sizeof(*ev));
        _cleanup_free_ char *code = fs_join(op->layout->data, "nix");
        const char *tmp_dir;
        int r = ev && code ? op_tmp_dir(op, &tmp_dir, err) : err_oom(err);

        /* Nix runs it, possibly as root. */
        if (r >= 0 && geteuid() == 0)
                r = fs_trusted_tree(code, err);
        if (r < 0)
                return r;
        ev->definition = def;
        ev->nix.tmp_dir = strdup(tmp_dir);
        ev->nix.print_build_logs = options_is_set(op->options, "print-build-logs");
        ev->nix.show_trace = options_is_set(op->options, "show-trace");
        ev->nix.flakes = def->kind == DEFINITION_FLAKE;
        ev->file = fs_join(code, "eval-config.nix");
        ev->what = str_printf("evaluating %s", def->kind == DEFINITION_FILE ? def->path : def->display);
        ev->modules = json_array();
        ev->feature_args = json_object();
        ev->disabled = json_object();
        if (!ev->nix.tmp_dir || !ev->file || !ev->what || !ev->modules || !ev->feature_args || !ev->disabled)
                return err_oom(err);
        *ret = TAKE_PTR(ev);
        return 0;
}

/* ---- the arguments of eval-config.nix ------------------------------------ */

static int add_arg(struct ec_eval *ev, const char *kind, const char *name, const char *value, struct ec_err *err)
{
        const char *const words[] = { kind, name, value, NULL };

        return strv_extend(&ev->args, words) < 0 ? err_oom(err) : 0;
}

static int add_string(struct ec_eval *ev, const char *name, const char *value, struct ec_err *err)
{
        return add_arg(ev, "--argstr", name, value, err);
}

static int add_json(struct ec_eval *ev, const char *name, const json_t *value, struct ec_err *err)
{
        _cleanup_free_ char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

        return text ? add_string(ev, name, text, err) : err_oom(err);
}

/* Messages call the file by this name, also where Nix prints its path with symbolic links resolved. */
static int add_name(struct ec_eval *ev, const char *file, const char *name, struct ec_err *err)
{
        _cleanup_free_ char *real = realpath(file, NULL);

        if (strv_push(&ev->files, file) < 0 || strv_push(&ev->names, name) < 0)
                return err_oom(err);
        if (real && strcmp(real, file) && (strv_push(&ev->files, real) < 0 || strv_push(&ev->names, name) < 0))
                return err_oom(err);
        return 0;
}

static int add_names(struct ec_eval *ev, char **names, struct ec_err *err)
{
        json_auto_t *list = json_array();

        for (char **n = names; n && *n; n++)
                if (json_array_append_new(list, json_string(*n)) < 0)
                        return err_oom(err);
        return names ? add_json(ev, "names", list, err) : 0;
}

static int add_definition(const struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        const struct definition *def = ev->definition;
        const char *attr = options_value(op->options, "attr");
        int r = 0;

        if (def->kind != DEFINITION_FLAKE)
                r = add_string(ev, "definitionFile", def->path, err);
        if (r >= 0 && def->kind != DEFINITION_FILE)
                r = add_string(ev, "definitionName", def->display, err);
        if (r >= 0 && def->kind == DEFINITION_TEXT)
                r = add_name(ev, def->path, def->display, err);
        if (r >= 0 && attr)
                r = add_string(ev, "attr", attr, err);
        return r < 0 ? r : add_names(ev, def->names, err);
}

static int add_sources(const struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        const char *nixpkgs = options_value(op->options, "nixpkgs-path"),
                   *nixos = options_value(op->options, "nixos-path");
        _cleanup_free_ char *cwd = getcwd(NULL, 0), *pwd = NULL;
        int r = 0;

        if (nixpkgs)
                r = add_arg(ev, "--arg", "nixpkgsPath", nixpkgs, err);
        if (r >= 0 && nixos)
                r = add_arg(ev, "--arg", "nixosPath", nixos, err);
        if (r < 0 || !cwd)
                return r; /* no <pwd> if the working directory was removed */
        pwd = str_printf("pwd=%s", cwd);
        if (!pwd || strv_push(&ev->args, "-I") < 0 || strv_push(&ev->args, pwd) < 0)
                return err_oom(err);
        return 0;
}

/* Outside NixOS, the glibc of the store does not find any locales. */
static int set_locale(const struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        const char *const archives[] = { "/nix/var/nix/profiles/default/lib/locale/locale-archive",
                                         "/usr/lib/locale/locale-archive" };

        if (op->layout->nixos || getenv("LOCALE_ARCHIVE"))
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(archives); i++)
                if (!access(archives[i], R_OK))
                        return evaluation_setenv(ev, "LOCALE_ARCHIVE", archives[i], err);
        return 0;
}

static int add_host(const struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        struct utsname u;
        int r = uname(&u) < 0 ? 0 : add_string(ev, "kernelVersion", u.release, err);

        if (r >= 0 && op->layout->legacy)
                r = add_string(ev, "legacyInstallDirs", "1", err);
        /* With it, Nix would read the host's configuration instead of ours. */
        if (r >= 0)
                r = evaluation_setenv(ev, "NIXOS_CONFIG", NULL, err);
        return r < 0 ? r : set_locale(op, ev, err);
}

static int set_member(json_t *o, const char *name, const char *value, struct ec_err *err)
{
        if (json_object_set_new(o, name, json_string(value)) < 0)
                return err_set(err, -EINVAL, "argument '%s' is not UTF-8 text", name);
        return 0;
}

/* The options of features whose plugins are not loaded, so that a definition that sets one gets a better message. */
static int add_disabled(const struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        _cleanup_(feature_list_done) struct feature_list l = { 0 };
        int r = features_load(op->registry, false, &l, err);

        for (size_t i = 0; r >= 0 && i < l.n; i++)
                for (char **o = l.items[i].nix_options; r >= 0 && o && *o; o++)
                        r = set_member(ev->disabled, *o, l.items[i].name, err);
        return r;
}

static int add_features(struct ec_op *op, struct ec_eval *ev, struct ec_err *err)
{
        int r = add_disabled(op, ev, err);

        if (r >= 0)
                r = hooks_eval(op, ev, err);
        /* The user's own come last, so that they override. */
        for (const char *const *a = options_values(op->options, "build-args"); r >= 0 && *a; a++)
                r = evaluation_add_build_arg(ev, *a, err);
        if (r >= 0 && json_array_size(ev->modules))
                r = add_json(ev, "modules", ev->modules, err);
        if (r >= 0 && json_object_size(ev->feature_args))
                r = add_json(ev, "args", ev->feature_args, err);
        if (r >= 0 && json_object_size(ev->disabled))
                r = add_json(ev, "disabled", ev->disabled, err);
        return r;
}

/* ---- for hooks ----------------------------------------------------------- */

int evaluation_add_module(struct ec_eval *ev, const char *path, struct ec_err *err)
{
        if (*path != '/')
                return err_set(err, -EINVAL, "the path of feature module '%s' is not absolute", path);
        if (json_array_append_new(ev->modules, json_string(path)) < 0)
                return err_set(err, -EINVAL, "the path of feature module '%s' is not UTF-8 text", path);
        return 0;
}

/* Can modules write ecArgs.NAME? */
static bool is_nix_name(const char *name)
{
        static const char *const keywords[] = { "assert", "else", "if",   "in",   "inherit",
                                                "let",    "rec",  "then", "with", NULL };

        return strspn(name, LETTERS "_") && !name[strspn(name, LETTERS DIGITS "_'-")] && !strv_contains(keywords, name);
}

int evaluation_add_arg(struct ec_eval *ev, const char *name, const char *value, struct ec_err *err)
{
        if (!is_nix_name(name))
                return err_set(err, -EINVAL, "argument '%s' of feature modules is not a Nix identifier", name);
        if (!strcmp(name, "settings")) /* in a flake, what the user set */
                return err_set(err, -EINVAL, "argument '%s' of feature modules is reserved", name);
        if (json_object_get(ev->feature_args, name))
                return err_set(err, -EEXIST,
                               "argument '%s' of feature modules is already set; use a name that begins "
                               "with the plugin's name",
                               name);
        return set_member(ev->feature_args, name, value, err);
}

int evaluation_add_build_arg(struct ec_eval *ev, const char *arg, struct ec_err *err)
{
        return strv_push(&ev->nix.build_args, arg) < 0 ? err_oom(err) : 0;
}

int evaluation_setenv(struct ec_eval *ev, const char *key, const char *value, struct ec_err *err)
{
        int r;

        if (!*key || strchr(key, '='))
                return err_set(err, -EINVAL, "'%s' is not the name of an environment variable", key);
        r = value ? strv_pushf(&ev->nix.env, "%s=%s", key, value) : strv_push(&ev->nix.env, key);
        return r < 0 ? err_oom(err) : 0;
}

/* ---- flakes -------------------------------------------------------------- */

static struct nix_expr expression(const struct ec_eval *ev, const char *attr)
{
        return (struct nix_expr){ .file = ev->file, .attr = attr, .args = STRV_CONST(ev->args), .what = ev->what };
}

static void set_names(struct ec_eval *ev)
{
        const struct definition *def = ev->definition;

        ev->nix.names = (struct nix_names){
                .files = STRV_CONST(ev->files),
                .names = STRV_CONST(ev->names),
                .definition = def->kind == DEFINITION_FLAKE ? ev->flake.source : def->path,
                .where = def->kind == DEFINITION_FLAKE ? def->display : NULL,
        };
}

/* Is the attribute a definition like any other, a NixOS configuration, or something that Nix builds? */
static int read_kind(struct ec_eval *ev, struct ec_err *err)
{
        const struct nix_expr e = expression(ev, "flake");
        _cleanup_free_ char *text = NULL;
        json_auto_t *o = NULL;
        const char *attr;
        int r = nix_eval_json(&ev->nix, &e, &text, err);

        if (r < 0)
                return r;
        o = json_loads(text, 0, NULL);
        ev->configuration = json_is_true(json_object_get(o, "configuration"));
        attr = json_string_value(json_object_get(o, "build"));
        if (attr && !(ev->installable = str_printf("%s#%s", ev->definition->path, attr)))
                return err_oom(err);
        return 0;
}

static int add_flake(struct ec_eval *ev, struct ec_err *err)
{
        int r = flake_fetch(&ev->nix, ev->definition, &ev->flake, err);

        if (r >= 0)
                r = add_string(ev, "flakeFile", ev->flake.file, err);
        if (r >= 0)
                r = add_string(ev, "flakeAttr", ev->definition->attr, err);
        /* Show positions in the store's copy as positions in the user's own files. */
        if (r >= 0 && ev->flake.original)
                r = add_name(ev, ev->flake.source, ev->flake.original, err);
        set_names(ev);
        return r < 0 ? r : read_kind(ev, err);
}

/* ---- results ------------------------------------------------------------- */

int evaluation_new(struct ec_op *op, const struct definition *def, struct ec_eval **ret, struct ec_err *err)
{
        _cleanup_(cleanup_evaluation_free) struct ec_eval *ev = NULL;
        int r = allocate(op, def, &ev, err);

        if (r >= 0)
                r = add_definition(op, ev, err);
        if (r >= 0)
                r = add_sources(op, ev, err);
        if (r >= 0)
                r = add_host(op, ev, err);
        if (r >= 0)
                r = add_features(op, ev, err);
        if (r >= 0) {
                set_names(ev);
                r = def->kind == DEFINITION_FLAKE ? add_flake(ev, err) : 0;
        }
        if (r >= 0)
                *ret = TAKE_PTR(ev);
        return r;
}

bool evaluation_is_prebuilt(const struct ec_eval *ev)
{
        return ev->installable;
}

bool evaluation_is_fixed(const struct ec_eval *ev)
{
        return ev->installable || ev->configuration;
}

int evaluation_build(struct ec_eval *ev, char **ret_path, struct ec_err *err)
{
        const struct nix_expr e = expression(ev, "etc");

        if (ev->installable)
                return nix_build_installable(&ev->nix, ev->installable, ev->definition->dir, ret_path, err);
        return nix_build(&ev->nix, &e, ret_path, err);
}

int evaluation_names(struct ec_eval *ev, char ***ret, struct ec_err *err)
{
        const struct nix_expr e = expression(ev, "names");
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *text = NULL;
        json_auto_t *list = NULL;
        json_t *item;
        size_t i;
        int r = nix_eval_json(&ev->nix, &e, &text, err);

        if (r < 0)
                return r;
        list = json_loads(text, 0, NULL);
        if (!json_is_array(list))
                return err_set(err, -EBADMSG, "the evaluation did not return a list of containers: %.100s", text);
        json_array_foreach(list, i, item)
                if (json_is_string(item) && strv_push(&names, json_string_value(item)) < 0)
                        return err_oom(err);
        *ret = TAKE_PTR(names);
        return 0;
}
