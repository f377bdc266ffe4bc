/* SPDX-License-Identifier: MIT */
/* Flakes: Nix fetches them and resolves their inputs, eval-config.nix does the rest. */
#include "svc/nix/nix.h"

#include <extra-container/plugin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "svc/nix/internal.h"
#include "svc/process/proc.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

/* Nix before 2.4, or one that was built without. */
static bool knows_no_flakes(const char *message)
{
        return strstr(message, "'flake' is not a recognised command") ||
               strstr(message, "unrecognised flag '--extra-experimental-features'") ||
               strstr(message, "unknown experimental feature 'flakes'");
}

/* ---- git ----------------------------------------------------------------- */

/* The nearest directory, from dir upwards, that has this entry; or NULL. */
static char *find_upwards(const char *dir, const char *name)
{
        _cleanup_free_ char *at = realpath(dir, NULL);

        while (at) {
                _cleanup_free_ char *path = fs_join(at, name);
                char *slash = strrchr(at, '/');
                struct stat st;

                if (path && lstat(path, &st) == 0)
                        return TAKE_PTR(at);
                if (!slash || !slash[1])
                        return NULL;
                slash[slash == at] = '\0';
        }
        return NULL;
}

static bool is_ours(uid_t uid)
{
        const char *sudo = getenv("SUDO_UID");
        char *end;

        if (uid == geteuid() || geteuid())
                return uid == geteuid();
        return sudo && *sudo && uid == strtoul(sudo, &end, 10) && !*end;
}

/* Git reads no repository that another user could have prepared, unless it is told to. Nix
 * 2.8 takes this for a failure of git's, with a hundred lines of help: better asked before. */
static int check_owner(const char *ref, const char *dir, const char *display, struct ec_err *err)
{
        _cleanup_proc_result_ struct ec_proc_result res = { .size = sizeof(res) };
        const char *url = str_after(ref, "git+file://");
        _cleanup_free_ char *path = url ? strndup(url, strcspn(url, "?")) : dir ? strdup(dir) : NULL;
        _cleanup_free_ char *top = path ? find_upwards(path, ".git") : NULL, *git = top ? fs_join(top, ".git") : NULL;
        struct stat st, tree;

        if (!git || stat(git, &st) < 0 || stat(top, &tree) < 0 || (is_ours(st.st_uid) && is_ours(tree.st_uid)) ||
            !proc_find("git", NULL))
                return 0;
        const char *const argv[] = { "git", "rev-parse", "--git-dir", NULL };
        struct ec_proc p = {
                .size = sizeof(p),
                .flags = EC_PROC_CAPTURE | EC_PROC_CAPTURE_ERR | EC_PROC_NULL_STDIN,
                .argv = argv,
                .cwd = top,
        };
        int r = proc_run(&p, &res, err);
        if (r < 0 || !res.status)
                return r;
        return err_set(
                err, -EPERM,
                "'%s': git does not read '%s', as it belongs to another user: run this as its owner, or give it as "
                "path:, or set safe.directory of git",
                display, top);
}

/* ---- the flake ----------------------------------------------------------- */

#define FLAKE_NIX_MAX (1u << 20)

static bool same_text(const char *a, const char *b)
{
        _cleanup_free_ char *x = NULL, *y = NULL;
        size_t n, m;

        return fs_read(a, FLAKE_NIX_MAX, &x, &n) >= 0 && fs_read(b, FLAKE_NIX_MAX, &y, &m) >= 0 && n == m &&
               !memcmp(x, y, n);
}

/* An error in flake.nix itself is told of the copy in the store: the user's own file, if that is its original. */
static char *name_original(const char *message, const char *dir)
{
        _cleanup_free_ char *git = find_upwards(dir, ".git"), *flake = find_upwards(dir, "flake.nix");
        const char *top = git ? git : flake;

        for (const char *s = top ? strchr(message, '/') : NULL; s; s = strchr(s + 1, '/')) {
                size_t n = nix_store_path_len(s);
                const char *end = n ? strstr(s, "/flake.nix:") : NULL;
                _cleanup_free_ char *copy = end ? strndup(s, (size_t)(end - s) + strlen("/flake.nix")) : NULL;
                _cleanup_free_ char *own = copy && strlen(copy) > n ? str_printf("%s%s", top, copy + n) : NULL;
                _cleanup_free_ char *source = own && same_text(copy, own) ? strndup(s, n) : NULL;

                if (source)
                        return nix_text_replace(message, source, top);
        }
        return NULL;
}

static int explain(int r, const char *dir, const char *display, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL;

        if (r == -ECANCELED || r == -ENOMEM)
                return r;
        if (knows_no_flakes(err_msg(err)))
                return err_set(err, -EOPNOTSUPP,
                               "'%s' is a flake reference, and this Nix knows no flakes: they need Nix 2.4", display);
        text = dir ? name_original(err_msg(err), dir) : NULL;
        return text ? err_set(err, r, "'%s': %s", display, text) : err_prefix(err, "'%s'", display);
}

static int metadata(struct ec_eval *ev, const struct nix_args *a, const char *ref, const char *dir, const char *display,
                    char **ret, struct ec_err *err)
{
        _cleanup_free_ char *program = NULL, *what = str_printf("fetching %s", display);
        _cleanup_strv_ char **argv = NULL;
        int r = nix_find_program("nix", &program, err);

        if (r >= 0)
                r = check_owner(ref, dir, display, err);
        if (r < 0)
                return r;
        const char *const command[] = { "flake", "metadata", "--json", NULL }, *const last[] = { "--", ref, NULL };
        if (!what || nix_push_program(&argv, program, a, command) < 0 || strv_extend(&argv, STRV_CONST(a->flake)) < 0 ||
            strv_extend(&argv, last) < 0)
                return err_oom(err);
        r = nix_run(ev, a, "nix", what, dir, argv, ret, err);
        return r < 0 ? explain(r, dir, display, err) : 0;
}

/* Positions in the copy in the store are the user's own files to him. */
static int name_source(struct ec_eval *ev, const json_t *o, struct ec_err *err)
{
        const json_t *from = json_object_get(o, "resolved");
        const char *type = json_string_value(json_object_get(from, "type"));
        const char *path = json_string_value(json_object_get(from, "path")),
                   *url = json_string_value(json_object_get(from, "url"));

        if (type && !strcmp(type, "git") && url)
                path = str_after(url, "file://");
        if (!path || *path != '/')
                return 0;
        _cleanup_free_ char *real = strndup(path, strcspn(path, "?"));
        return real ? eval_display_name(ev, ev->flake, real, err) : err_oom(err);
}

static int take_metadata(struct ec_eval *ev, const char *text, const char *attr, const char *display,
                         struct ec_err *err)
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

static int set_installable(struct ec_eval *ev, const char *ref, const char *dir, const char *text, struct ec_err *err)
{
        json_t *o = json_loads(text, 0, NULL);
        const char *attr = json_string_value(json_object_get(o, "build"));
        int r = attr ? 1 : 0;

        if (attr) {
                ev->installable = str_printf("%s#%s", ref, attr);
                ev->flake_dir = dir ? strdup(dir) : NULL;
                if (!ev->installable || (dir && !ev->flake_dir))
                        r = err_oom(err);
        }
        json_decref(o);
        return r;
}

int eval_flake(struct ec_eval *ev, const char *ref, const char *dir, const char *attr, const char *display,
               struct ec_err *err)
{
        _cleanup_free_ char *text = NULL, *kind = NULL;
        struct nix_args a;
        int r = nix_sort_args(ev, &a, err);

        if (r < 0)
                return r;
        r = metadata(ev, &a, ref, dir, display, &text, err);
        nix_args_done(&a);
        if (r >= 0)
                r = take_metadata(ev, text, attr, display, err);
        if (r >= 0)
                r = eval_json(ev, "flake", &kind, err);
        return r < 0 ? r : set_installable(ev, ref, dir, kind, err);
}
