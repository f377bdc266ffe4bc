/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
struct container_list;
/* What a run that was killed left undone; with the lock held. Plugins hear of the containers it was about, but
 * for those in besides (or NULL), which the caller handles. */
int recover_hooks(struct ec_op *op, char **unfinished, const struct container_list *besides, struct ec_err *err);
/* Names that were to be renamed. */
void recover_temp(const struct ec_op *op);
/* All of it: plugins, the link at boot, systemd. ret_names (or NULL): whom it was about; NULL there: there was nothing. */
int recover_run(struct ec_op *op, char ***ret_names, struct ec_err *err);
