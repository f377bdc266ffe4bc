/* SPDX-License-Identifier: MIT */
#include "cli/elevate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "svc/process/env.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/fs.h"
#include "util/strv.h"

extern char **environ;

/* Variables that the run as root keeps from the user's shell. */
static bool is_kept(const char *assignment)
{
        static const char *const names[] = {
                "PATH=", "NIX_PATH=", "SHELL=", "NO_COLOR=", "EXTRA_CONTAINER_ETC=", "EXTRA_CONTAINER_SESSION=",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (str_after(assignment, names[i]))
                        return true;
        return false;
}

/* Where Nix looks for channels of all users. */
#define CHANNELS "/nix/var/nix/profiles/per-user/root/channels"

/* Without NIX_PATH, Nix takes the channels of the user, who is root then. *ret: what it would take for our user; NULL:
 * that has no channels. -ENOMEM. */
static int nix_path_of_user(char **ret)
{
        /* The second with use-xdg-base-directories in nix.conf. */
        static const char *const places[] = { "%s/.nix-defexpr/channels", "%s/.local/state/nix/defexpr/channels" };
        const char *home = getenv("HOME");

        *ret = NULL;
        if (getenv("NIX_PATH") || !home || *home != '/' || strchr(home, ':'))
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(places) && !*ret; i++) {
                _cleanup_free_ char *dir = str_printf(places[i], home);

                if (!dir)
                        return -ENOMEM;
                if (!fs_has_entries(dir))
                        continue;
                *ret = str_printf("NIX_PATH=%s:nixpkgs=" CHANNELS "/nixpkgs:" CHANNELS, dir);
                if (!*ret)
                        return -ENOMEM;
        }
        return 0;
}

int elevate_argv(const char *sudo, const char *env, const char *program, char *const *args, char ***ret,
                 struct ec_err *err)
{
        _cleanup_free_ char *nix_path = NULL;
        _cleanup_strv_ char **v = NULL;
        int r = nix_path_of_user(&nix_path);

        /* -H: root must not write into the user's home. env(1) sets the variables, because sudo's policy drops all but
         * a few. */
        const char *const head[] = { sudo, "-H", "--", env, NULL };

        if (strchr(program, '='))
                return err_set(err, -EINVAL, "cannot run sudo: env(1) would take '%s' for a variable; run it as root",
                               program);
        if (r >= 0)
                r = strv_extend(&v, head);
        for (char **e = environ; r >= 0 && e && *e; e++)
                if (is_kept(*e))
                        r = strv_push(&v, *e);
        if (r >= 0 && nix_path)
                r = strv_push(&v, nix_path);
        if (r >= 0)
                r = strv_push(&v, ELEVATED_VARIABLE "=1");
        if (r >= 0)
                r = strv_push(&v, program);
        if (r >= 0)
                r = strv_extend(&v, STRV_CONST(args));
        if (r < 0)
                return err_oom(err);
        *ret = TAKE_PTR(v);
        return 0;
}

int elevate(const char *program, char *const *args, struct ec_err *err)
{
        _cleanup_free_ char *sudo = NULL, *env = NULL;
        _cleanup_strv_ char **argv = NULL;
        int r;

        if (!proc_find("sudo", &sudo))
                return err_set(err, -EPERM, "this needs root, but sudo is not in PATH; run it as root");
        if (!proc_find("env", &env))
                return err_set(err, -ENOENT, "cannot run sudo: env is not in PATH");
        r = elevate_argv(sudo, env, program, args, &argv, err);
        return r < 0 ? r : proc_exec(STRV_CONST(argv), NULL, err);
}
