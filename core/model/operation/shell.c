/* SPDX-License-Identifier: MIT */
#include "model/operation/shell.h"

#include <string.h>
#include <sys/stat.h>

#include "model/operation/hooks.h"
#include "model/operation/op.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/name.h"
#include "util/strv.h"

struct ec_shell {
        const struct ec_container *container;
        char *dir;   /* private; dir/bin is on the session's PATH */
        char **env;  /* in order: "KEY=VALUE", or "KEY", which is unset */
        char **help; /* "cssh [CMD]\tText" */
};

static void shell_free(void *p)
{
        struct ec_shell *sh = p;

        free(sh->dir);
        strv_free(sh->env);
        strv_free(sh->help);
        free(sh);
}

const struct ec_container *shell_container(const struct ec_shell *sh)
{
        return sh->container;
}

const char *shell_dir(const struct ec_shell *sh)
{
        return sh->dir;
}

const char *const *shell_env(const struct ec_shell *sh)
{
        return STRV_CONST(sh->env);
}

const char *const *shell_help(const struct ec_shell *sh)
{
        return STRV_CONST(sh->help);
}

int shell_setenv(struct ec_shell *sh, const char *key, const char *value, struct ec_err *err)
{
        _cleanup_free_ char *entry = NULL;
        size_t len = strlen(key);

        if (!variable_name_valid(key))
                return err_set(err, -EINVAL, "'%s' is not a name for an environment variable", key);
        entry = value ? str_printf("%s=%s", key, value) : strdup(key);
        if (!entry)
                return err_oom(err);
        for (char **e = sh->env; *e; e++)
                if (!strncmp(*e, key, len) && ((*e)[len] == '=' || !(*e)[len])) {
                        free(*e);
                        *e = TAKE_PTR(entry);
                        return 0;
                }
        return strv_push_take(&sh->env, TAKE_PTR(entry)) < 0 ? err_oom(err) : 0;
}

int shell_command(struct ec_shell *sh, const char *name, const char *script, const char *help, struct ec_err *err)
{
        _cleanup_free_ char *path = NULL;
        int r;

        if (!*name || *name == '.' || strchr(name, '/'))
                return err_set(err, -EINVAL, "'%s' is not a name for a command", name);
        path = str_printf("%s/bin/%s", sh->dir, name);
        if (!path)
                return err_oom(err);
        if (access(path, F_OK) == 0)
                return err_set(err, -EEXIST, "the session already has a command '%s'", name);
        r = fs_write_atomic(path, script, strlen(script), 0700);
        if (r < 0)
                return err_set(err, r, "cannot write %s: %s", path, strerror(-r));
        return help && strv_push(&sh->help, help) < 0 ? err_oom(err) : 0;
}

static int make_dirs(struct ec_op *op, struct ec_shell *sh, struct ec_err *err)
{
        _cleanup_free_ char *bin = NULL;
        const char *tmp;
        int r = op_tmp_dir(op, &tmp, err);

        if (r < 0)
                return r;
        sh->dir = fs_join(tmp, "shell");
        bin = sh->dir ? fs_join(sh->dir, "bin") : NULL;
        if (!bin)
                return err_oom(err);
        if (mkdir(sh->dir, 0700) < 0 || mkdir(bin, 0700) < 0) {
                r = -errno;
                return err_set(err, r, "cannot create %s: %s", bin, strerror(-r));
        }
        return 0;
}

int shell_open(struct ec_op *op, const struct ec_container *c, struct ec_shell **ret, struct ec_err *err)
{
        struct ec_shell *sh = calloc(1, sizeof(*sh));
        int r = sh ? op_own(op, sh, shell_free, err) : err_oom(err);

        if (r < 0)
                return r;
        sh->container = c;
        sh->env = strv_copy(NULL);
        sh->help = strv_copy(NULL);
        r = sh->env && sh->help ? make_dirs(op, sh, err) : err_oom(err);
        if (r >= 0)
                r = hooks_shell(op, sh, err);
        if (r >= 0)
                *ret = sh;
        return r;
}
