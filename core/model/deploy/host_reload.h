/* SPDX-License-Identifier: MIT */
#pragma once
struct ec_err;
struct ec_op;
/* Reloads systemd, and removes the note that a reload is outstanding. Offline, it only removes the note. */
int host_reload(struct ec_op *op, struct ec_err *err);
