/* SPDX-License-Identifier: MIT */
#include "svc/machine/environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "svc/process/env.h"
#include "util/cleanup.h"
#include "util/strv.h"

/* The directories of NixOS, then those of other systems. */
static char *default_path(const struct machine_user *u)
{
        const char *home = strcmp(u->home, "/") ? u->home : "";

        return str_printf("/run/wrappers/bin:%s/.nix-profile/bin:%s/.local/state/nix/profile/bin:"
                          "/etc/profiles/per-user/%s/bin:/nix/var/nix/profiles/default/bin:"
                          "/run/current-system/sw/bin:/run/current-system/sw/sbin:"
                          "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          home, home, u->name);
}

int environment_make(const struct machine_user *u, bool tty, const char *const *delta, char ***ret)
{
        const char *term = getenv("TERM"), *colour = getenv("COLORTERM");
        _cleanup_free_ char *path = default_path(u);
        _cleanup_strv_ char **env = NULL;
        const struct {
                const char *name, *value;
        } vars[] = {
                { "PATH", path },
                { "HOME", u->home },
                { "USER", u->name },
                { "LOGNAME", u->name },
                { "SHELL", u->shell },
                { "TERM", tty ? term && *term ? term : "dumb" : NULL },
                { "COLORTERM", tty && colour && *colour ? colour : NULL },
        };
        int r = path ? 0 : -ENOMEM;

        for (size_t i = 0; i < ARRAY_SIZE(vars) && r >= 0; i++)
                if (vars[i].value)
                        r = strv_pushf(&env, "%s=%s", vars[i].name, vars[i].value);
        for (const char *const *e = delta; e && *e && r >= 0; e++)
                r = env_set(&env, *e);
        if (r >= 0)
                *ret = TAKE_PTR(env);
        return r;
}
