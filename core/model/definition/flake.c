/* SPDX-License-Identifier: MIT */
/* Flakes: Nix fetches them and resolves their inputs, eval-config.nix does the rest. */
#include "model/definition/flake.h"

#include <extra-container/plugin.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "svc/nix/nix.h"
#include "svc/nix/store.h"
#include "svc/nix/text.h"
#include "svc/nix/untracked.h"
#include "svc/process/env.h"
#include "svc/process/proc.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

/* ---- git ----------------------------------------------------------------- */

/* The nearest directory, from dir upwards, that has this entry; or NULL. */
static char *find_upwards(const char *dir, const char *name)
{
        _cleanup_free_ char *at = realpath(dir, NULL);

        while (at) {
                _cleanup_free_ char *path = fs_join(at, name);
                char *slash = strrchr(at, '/');

                if (path && fs_exists(path))
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

/* Git does not read a repository that another user could have prepared, unless its configuration allows it. Nix 2.8
 * reports that as a failure of git, with a hundred lines of help. */
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
                "'%s': git does not read '%s', because it belongs to another user: run this as its owner, write the "
                "reference as path:, or set git's safe.directory",
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

/* Nix reports an error in flake.nix with the path of its copy in the store. Returns the message with the user's own
 * file instead if both have the same text; NULL: they differ. */
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

/* Only tracked files of a git repository are copied to the store, so that the copy may have no flake.nix. */
static bool is_untracked(const char *message, const char *dir)
{
        _cleanup_free_ char *git = find_upwards(dir, ".git"), *flake = find_upwards(dir, "flake.nix");

        return git && flake && strstr(message, "/flake.nix") &&
               (strstr(message, "No such file or directory") || strstr(message, "does not contain"));
}

static int explain(int r, const char *dir, const char *display, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL;

        /* Not the flake's fault: also the Nix daemon that cannot be reached. */
        if (r == -ECANCELED || r == -ENOMEM || r == -EACCES || r == -ECONNREFUSED || r == -ECONNRESET)
                return r;
        if (dir && is_untracked(err_msg(err), dir))
                return err_set(err, r, "'%s': Nix does not see flake.nix; " NIX_UNTRACKED_HINT " flake.nix", display);
        text = dir ? name_original(err_msg(err), dir) : NULL;
        return text ? err_set(err, r, "'%s': %s", display, text) : err_prefix(err, "'%s'", display);
}

void flake_done(struct flake *f)
{
        free(f->source);
        free(f->original);
        free(f->file);
        *f = (struct flake){ 0 };
}
#define _cleanup_flake_ _cleanup_(flake_done)

static int metadata(struct nix *n, const struct definition *def, char **ret, struct ec_err *err)
{
        _cleanup_free_ char *what = str_printf("fetching %s", def->display);
        int r = what ? check_owner(def->path, def->dir, def->display, err) : err_oom(err);

        if (r < 0)
                return r;
        r = nix_flake_metadata(n, def->path, def->dir, what, ret, err);
        return r < 0 ? explain(r, def->dir, def->display, err) : 0;
}

/* The tree that the flake was copied from, if it is on this host. */
static int read_original(const json_t *o, char **ret, struct ec_err *err)
{
        const json_t *from = json_object_get(o, "resolved");
        const char *type = json_string_value(json_object_get(from, "type"));
        const char *path = json_string_value(json_object_get(from, "path")),
                   *url = json_string_value(json_object_get(from, "url"));

        if (type && !strcmp(type, "git") && url)
                path = str_after(url, "file://");
        if (!path || *path != '/')
                return 0;
        *ret = strndup(path, strcspn(path, "?"));
        return *ret ? 0 : err_oom(err);
}

static int read_metadata(const char *text, const struct definition *def, struct flake *f, struct ec_err *err)
{
        json_auto_t *o = json_loads(text, 0, NULL);
        const char *path = json_string_value(json_object_get(o, "path"));

        if (!path || !nix_is_store_path(path) || !json_is_object(json_object_get(o, "locks")))
                return err_set(err, -EBADMSG, "'%s': Nix did not say where this flake is: %.200s", def->display, text);
        f->source = strdup(path);
        return f->source ? read_original(o, &f->original, err) : err_oom(err);
}

int flake_fetch(struct nix *n, const struct definition *def, struct flake *ret, struct ec_err *err)
{
        _cleanup_flake_ struct flake f = { .file = fs_join(n->tmp_dir, "flake.json") };
        _cleanup_free_ char *text = NULL;
        int r = f.file ? metadata(n, def, &text, err) : err_oom(err);

        if (r >= 0)
                r = read_metadata(text, def, &f, err);
        if (r >= 0)
                r = nix_hold_path(f.source, n->tmp_dir, err);
        if (r < 0)
                return r;
        r = fs_write_atomic(f.file, text, strlen(text), 0600);
        if (r < 0)
                return err_set(err, r, "cannot write '%s': %s", f.file, strerror(-r));
        *ret = f;
        f = (struct flake){ 0 };
        return 0;
}
