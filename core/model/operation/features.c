/* SPDX-License-Identifier: MIT */
#include "model/operation/features.h"

#include <dirent.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "model/operation/hooks.h"
#include "svc/term/log.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/fs_trusted.h"
#include "util/name.h"
#include "util/strv.h"

#define FEATURE_MAX ((size_t)256 << 10) /* bytes of a file: far more than any needs */

static void feature_done(struct feature *f)
{
        free(f->name);
        strv_free(f->commands);
        strv_free(f->options);
        strv_free(f->nix_options);
        strv_free(f->forwards);
        *f = (struct feature){ 0 };
}

static int get_list(const json_t *file, const char *key, char ***ret, struct ec_err *err)
{
        const json_t *list = json_object_get(file, key), *item;
        size_t i;

        if (!list)
                return 0;
        if (!json_is_array(list))
                return err_set(err, -EINVAL, "'%s' is not a list", key);
        json_array_foreach(list, i, item) {
                if (!json_is_string(item))
                        return err_set(err, -EINVAL, "'%s' contains something that is not a string", key);
                if (strv_push(ret, json_string_value(item)) < 0)
                        return err_oom(err);
        }
        return 0;
}

static int feature_read(const char *path, const char *name, struct feature *ret, struct ec_err *err)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_(feature_done) struct feature f = { 0 };
        const char *stated;
        json_auto_t *file = NULL;
        json_error_t je;
        size_t len;
        int r;

        r = fs_read(path, FEATURE_MAX, &text, &len);
        if (r < 0)
                return err_set(err, r, "%s: %s", path, fs_strerror(r));
        file = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
        if (!file)
                return err_set(err, -EINVAL, "%s:%d: %s", path, je.line, je.text);

        stated = json_string_value(json_object_get(file, "feature"));
        if (!stated || strcmp(stated, name))
                r = err_set(err, -EINVAL, "'feature' is not '%s'", name);
        if (r >= 0)
                r = get_list(file, "commands", &f.commands, err);
        if (r >= 0)
                r = get_list(file, "options", &f.options, err);
        if (r >= 0)
                r = get_list(file, "nixOptions", &f.nix_options, err);
        if (r >= 0)
                r = get_list(file, "forwards", &f.forwards, err);
        if (r < 0)
                return err_prefix(err, "%s", path);
        f.name = strdup(name);
        if (!f.name)
                return err_oom(err);
        *ret = f;
        f = (struct feature){ 0 };
        return 0;
}

static bool is_loaded(const struct registry *r, const char *name)
{
        for (size_t i = 0; i < r->n; i++)
                if (!strcmp(r->plugins[i].plugin->name, name))
                        return true;
        return false;
}

/* DIR/NAME/feature.json in the first directory that contains it; NULL: none does. */
static int feature_path(const struct registry *r, const char *name, char **ret)
{
        for (const char *const *dir = r->plugin_dirs; dir && *dir; dir++) {
                _cleanup_free_ char *path = str_printf("%s/%s/feature.json", *dir, name);

                if (!path)
                        return -ENOMEM;
                if (access(path, F_OK) < 0)
                        continue;
                *ret = TAKE_PTR(path);
                return 0;
        }
        *ret = NULL;
        return 0;
}

/* Folders of plugins that are not loaded, by name. The loader has warned about directories that it cannot read. */
static int folder_names(const struct registry *r, char ***ret)
{
        _cleanup_strv_ char **names = NULL;

        for (const char *const *dir = r->plugin_dirs; dir && *dir; dir++) {
                _cleanup_closedir_ DIR *d = opendir(*dir);

                for (struct dirent *e; d && (e = readdir(d));)
                        if (plugin_name_valid(e->d_name) && !is_loaded(r, e->d_name) &&
                            strv_push(&names, e->d_name) < 0)
                                return -ENOMEM;
        }
        strv_sort_unique(names);
        *ret = TAKE_PTR(names);
        return 0;
}

int features_load(const struct registry *r, bool quiet, struct feature_list *ret, struct ec_err *err)
{
        _cleanup_(feature_list_done) struct feature_list l = { 0 };
        _cleanup_strv_ char **names = NULL;

        if (folder_names(r, &names) < 0)
                return err_oom(err);
        l.items = calloc(strv_len(STRV_CONST(names)) + 1, sizeof(*l.items));
        if (!l.items)
                return err_oom(err);
        for (char **name = names; name && *name; name++) {
                _cleanup_free_ char *path = NULL;
                _cleanup_err_ struct ec_err e = { 0 };

                if (feature_path(r, *name, &path) < 0)
                        return err_oom(err);
                if (!path)
                        continue;
                /* Text of these files reaches Nix, which root may run. */
                if ((!r->check_trust || fs_trusted(path, &e) >= 0) && !feature_read(path, *name, &l.items[l.n], &e))
                        l.n++;
                else if (!quiet)
                        log_warn("%s", err_msg(&e));
        }
        *ret = l;
        l = (struct feature_list){ 0 };
        return 0;
}

void feature_list_done(struct feature_list *l)
{
        for (size_t i = 0; i < l->n; i++)
                feature_done(&l->items[i]);
        free(l->items);
        *l = (struct feature_list){ 0 };
}

const struct feature *feature_of_command(const struct feature_list *l, const char *word)
{
        for (size_t i = 0; i < l->n; i++)
                if (strv_contains(STRV_CONST(l->items[i].commands), word))
                        return &l->items[i];
        return NULL;
}

const struct feature *feature_of_option(const struct feature_list *l, const char *word)
{
        for (size_t i = 0; i < l->n; i++)
                if (strv_contains(STRV_CONST(l->items[i].options), word))
                        return &l->items[i];
        return NULL;
}
