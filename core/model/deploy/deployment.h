/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>

#include "model/containers/containers.h"
#include "model/definition/definition.h"
struct ec_err;
struct ec_op;
/* What an operation changes for one container. */
struct change {
        struct ec_container *c; /* of the deployment's list */
        char *old_unit_path;    /* where it is installed now, if somewhere else */
        char *old_wants_path;
        char *old_conf_path;
        bool wants_differs; /* its link in machines.target.wants has to be made or removed */
        bool unit_differs;  /* systemd has to read its unit again */
        bool boot_only;     /* a running container already is as defined: only its start at boot changes */
};

struct deployment {
        bool parsed, built, installed;
        struct definition definition;
        char *output; /* store path; kept alive by a gc root below op->tmp.path if we built it */
        struct ec_eval *eval;
        struct container_list list;
        struct change *changes; /* one per container, in the same order; NULL: not loaded */
};
/* The operation's own, made at the first call; op_done() frees it. */
int deployment_get(struct ec_op *op, struct deployment **ret, struct ec_err *err);
