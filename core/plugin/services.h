/* SPDX-License-Identifier: MIT */
#pragma once
#include <extra-container/plugin.h>
/* Services that work on an operation: the same for all plugins. */
extern const struct ec_cancel_api services_cancel;
extern const struct ec_proc_api services_proc;
extern const struct ec_nix_api services_nix;
extern const struct ec_systemd_api services_systemd;
extern const struct ec_machine_api services_machine;
extern const struct ec_containers_api services_containers;
extern const struct ec_deploy_api services_deploy;
extern const struct ec_shell_api services_shell;
extern const struct ec_table_api services_table;
