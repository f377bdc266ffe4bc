/* SPDX-License-Identifier: MIT */
/* Flakes: Nix fetches them and resolves their inputs, eval-config.nix does the rest. */
#include "svc/nix.h"

#include <string.h>

#include "svc/nix_internal.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

/* Nix before 2.4, or one that was built without. */
static bool knows_no_flakes(const char *message)
{
        return strstr(message, "'flake' is not a recognised command") || strstr(message, "unrecognised flag '--extra-experimental-features'") ||
               strstr(message, "unknown experimental feature 'flakes'");
}

static int explain(int r, const char *display, const char *dir, struct ec_err *err)
{
        if (r == -ECANCELED || r == -ENOMEM || r == -ENOENT)
                return r;
        if (knows_no_flakes(err_msg(err))) {
                err_done(err);
                return err_set(err, -EOPNOTSUPP, "'%s' is a flake reference, and this Nix knows no flakes: it takes Nix 2.4 or later", display);
        }
        /* Git refuses to read what others could have prepared, and names an option that helps git alone. */
        bool foreign = strstr(err_msg(err), "dubious ownership") || strstr(err_msg(err), "not owned by current user") ||
                       strstr(err_msg(err), "is owned by someone else");
        if (foreign && dir)
                return err_set(err, r, "'%s': the git repository at '%s' belongs to another user, so it is not read; "
                               "run this as its owner (sudo is used where root is needed), or give path:%s", display, dir, dir);
        return err_prefix(err, "'%s'", display);
}

static int metadata(struct ec_eval *ev, const struct nix_args *a, const char *ref, const char *dir, const char *display, char **ret,
                    struct ec_err *err)
{
        _cleanup_free_ char *program = NULL, *what = str_printf("fetching %s", display);
        _cleanup_strv_ char **argv = NULL;
        int r = nix_find_program("nix", &program, err);

        if (r < 0)
                return r;
        /* Its lock file is the user's: root is not to write one that he cannot change. */
        const char *const words[] = { program, "--extra-experimental-features", "nix-command flakes", "flake", "metadata", "--json",
                                      "--no-write-lock-file", NULL };
        const char *const format[] = { "--log-format", "internal-json", NULL }, *const last[] = { "--", ref, NULL };
        if (!what || strv_extend(&argv, words) < 0 || (!a->format && strv_extend(&argv, format) < 0) ||
            strv_extend(&argv, STRV_CONST(a->flake)) < 0 || strv_extend(&argv, last) < 0)
                return err_oom(err);
        r = nix_run(ev, a, "nix", what, dir, argv, ret, err);
        return r < 0 ? explain(r, display, dir, err) : 0;
}

/* Positions in the copy in the store are the user's own files to him. */
static int name_source(struct ec_eval *ev, const json_t *o, struct ec_err *err)
{
        const json_t *locked = json_object_get(o, "resolved");
        const char *type = json_string_value(json_object_get(locked, "type"));
        const char *path = json_string_value(json_object_get(locked, "path")), *url = json_string_value(json_object_get(locked, "url"));

        if (type && !strcmp(type, "git") && url)
                path = str_after(url, "file://");
        if (!path || *path != '/')
                return 0;
        _cleanup_free_ char *real = strndup(path, strcspn(path, "?"));
        return real ? eval_display_name(ev, ev->flake, real, err) : err_oom(err);
}

static int take_metadata(struct ec_eval *ev, const char *text, const char *attr, const char *display, struct ec_err *err)
{
        _cleanup_free_ char *file = fs_join(ev->tmp_dir, "flake.json");
        json_t *o = json_loads(text, 0, NULL);
        const char *path = json_string_value(json_object_get(o, "path"));
        int r = 0;

        if (!path || !nix_is_store_path(path) || !json_is_object(json_object_get(o, "locks")))
                r = err_set(err, -EBADMSG, "'%s': Nix did not say where this flake is: %.200s", display, text);
        else if (!file || !(ev->flake = strdup(path)))
                r = err_oom(err);
        if (r >= 0)
                r = nix_hold_path(path, ev->tmp_dir, err);
        if (r >= 0)
                r = name_source(ev, o, err);
        json_decref(o);
        if (r >= 0) {
                r = fs_write_atomic(file, text, strlen(text), 0600);
                if (r < 0)
                        err_set(err, r, "cannot write '%s': %s", file, strerror(-r));
        }
        if (r >= 0)
                r = eval_argstr(ev, "flakeFile", file, err);
        if (r >= 0)
                r = eval_argstr(ev, "flakeAttr", attr, err);
        return r < 0 ? r : eval_argstr(ev, "definitionName", display, err);
}

int eval_flake(struct ec_eval *ev, const char *ref, const char *dir, const char *attr, const char *display, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL;
        struct nix_args a;
        int r = nix_sort_args(ev, &a, err);

        if (r < 0)
                return r;
        r = metadata(ev, &a, ref, dir, display, &text, err);
        nix_args_done(&a);
        return r < 0 ? r : take_metadata(ev, text, attr, display, err);
}
