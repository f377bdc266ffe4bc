/* SPDX-License-Identifier: MIT */
#include "cli/forward.h"

#include <unistd.h>

#include "cli/elevate.h"
#include "svc/process/env.h"
#include "util/err.h"
#include "util/strv.h"

#define PROGRAM "nixos-container"

static const char *const names[] = { "create",     "destroy",       "list",    "login",  "restart",
                                     "root-login", "run",           "show-ip", "start",  "status",
                                     "terminate",  "show-host-key", "stop",    "update", NULL };

/* The others only read what everybody can read. */
static const char *const of_root[] = { "create", "destroy", "login",     "restart", "root-login", "run",
                                       "start",  "stop",    "terminate", "update",  NULL };

const char *const *forward_commands(void)
{
        static const char *const none[] = { NULL };

        return proc_find(PROGRAM, NULL) ? names : none;
}

int forward(const char *program, char **rest, bool elevated, struct ec_err *err)
{
        const char *word = *rest;

        if (strv_contains(of_root, word) && geteuid() != 0) {
                if (elevated)
                        return err_set(err, -EPERM, PROGRAM " %s needs root, but sudo did not grant it", word);
                return elevate(program, rest, err);
        }
        *--rest = (char *)PROGRAM;
        return proc_exec(STRV_CONST(rest), NULL, err);
}
