/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
struct ec_op;
/* Makes or removes the link for starts at boot, reloads systemd (not offline), and removes the note that this is
 * outstanding, except for the containers that are left (or NULL). */
int host_reload(struct ec_op *op, char **left, struct ec_err *err);
